"""What servers of this project have in common, whatever they serve."""

import asyncio
import ipaddress
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class PoliteServer(uvicorn.Server):
    """Uvicorn, with its signals handled here: it must not raise them again when it is done."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End politely at the first signal, at once at the second."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
