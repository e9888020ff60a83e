"""backup: dumps the database beside its files every few minutes and deletes old dumps."""

import asyncio
import itertools
import random
import time
from pathlib import Path

import prometheus_client as prom

from tests.lab.services.service import Service, setting

LAST = prom.Gauge("backup_last_success_timestamp_seconds", "When a dump was last complete.")
SIZE = prom.Gauge("backup_kept_bytes", "Size of the dumps that are kept.")
SCHEDULE = {"pause": 120.0, "kept": 1.0, "full": 0.0}


class Backup:
    """The scheduled dumps."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.folder = Path(setting("BACKUP_FOLDER"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.numbers = itertools.count(1)
        self.last = time.monotonic() - 60
        self.spread = 1.0
        service.background.append(self.look)

    async def look(self) -> None:
        """Dump when it is time; the schedule may change meanwhile."""
        await asyncio.sleep(0.5)
        if time.monotonic() < self.last + self.spread * self.plan("pause"):
            return
        await self.dump()
        self.last, self.spread = time.monotonic(), random.uniform(0.9, 1.2)

    def plan(self, key: str) -> float:
        """Return one setting of the schedule."""
        return self.service.knobs.get(key, SCHEDULE[key])

    async def dump(self) -> None:
        """Write one dump and delete the oldest ones."""
        target = self.folder / f"shop-{next(self.numbers):04d}.dump"
        full = self.plan("full") > 0
        tables = [] if full else ["-t", "products", "-t", "reviews"]
        command = [setting("PG_DUMP"), "-d", setting("DATABASE_DSN"), "-Fc", *tables]
        level = "0" if full else "1"
        self.service.log.info("backup %s started", target.name)
        process = await asyncio.create_subprocess_exec(
            *command, "-Z", level, "-f", str(target), stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await process.communicate()
        if process.returncode:
            why = complaint.decode(errors="replace").strip().splitlines()[-1:]
            self.service.log.error("backup %s failed: %s", target.name, " ".join(why))
            return
        dumps = sorted(self.folder.glob("*.dump"))
        for old in dumps[: -max(1, int(self.plan("kept")))]:
            old.unlink()
        LAST.set_to_current_time()
        SIZE.set(sum(dump.stat().st_size for dump in self.folder.glob("*.dump")))
        size = target.stat().st_size
        self.service.log.info("backup %s done, %d bytes", target.name, size)


def main() -> None:
    """Run the schedule until SIGTERM."""
    service = Service("backup")
    Backup(service)
    service.run()


if __name__ == "__main__":
    main()
