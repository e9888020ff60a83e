"""The network interface of a service: TCP forwards whose delay can be set while they run."""

import argparse
import asyncio
import functools
import json
import random
import signal
from pathlib import Path
from typing import Final

LOCAL: Final = "127.0.0.1"


class Wire:
    """All forwards of one interface; every chunk waits ``delay`` seconds, give or take a half."""

    def __init__(self, knobs: Path) -> None:
        self.knobs = knobs
        self.delay = 0.0
        self.tasks: set[asyncio.Task[None]] = set()

    async def watch(self) -> None:
        """Follow the setting."""
        while True:
            setting = json.loads(self.knobs.read_text()) if self.knobs.exists() else {}
            self.delay = float(setting.get("delay_seconds", 0.0))
            await asyncio.sleep(0.25)

    async def join(
        self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection."""
        try:
            far_reader, far_writer = await asyncio.open_connection(LOCAL, target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until either end closes."""
        try:
            while chunk := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay * random.uniform(0.5, 1.5))
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def forward(routes: list[str], knobs: Path) -> None:
    """Forward every ``port:target`` until SIGTERM."""
    wire = Wire(knobs)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    watching = loop.create_task(wire.watch())
    for route in routes:
        port, target = map(int, route.split(":"))
        join = functools.partial(wire.join, target)
        await asyncio.start_server(join, LOCAL, port)
    await stop.wait()
    watching.cancel()


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--knobs", type=Path, required=True)
    parser.add_argument("routes", nargs="+", help="port:target")
    options = parser.parse_args()
    asyncio.run(forward(options.routes, options.knobs))


if __name__ == "__main__":
    main()
