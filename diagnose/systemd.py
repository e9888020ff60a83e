"""What systemd is told: that we are ready, alive, or on our way out.

Reference: sd_notify(3).
"""

import os
import socket


def notify(state: str) -> None:
    """Tell systemd ``state``, for example "READY=1"; nobody is told where nobody asked to be."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send(state.encode())


def watchdog_seconds() -> float | None:
    """Return how often systemd wants a sign of life, at the latest; None where it does not."""
    micros, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    if not micros or (pid and int(pid) != os.getpid()):
        return None
    return int(micros) / 1e6
