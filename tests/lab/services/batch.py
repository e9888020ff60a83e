"""batch-job: writes a small sales report every minute and a half, or one large report at once."""

import argparse
import asyncio
import math
import multiprocessing
import random
import sys
import time

from tests.lab.services.service import Service, setting

PAUSE_SECONDS = (70, 110)
SALES = "SELECT product_id, sum(total_cents)::bigint FROM orders WHERE id > %s GROUP BY 1"


def crunch(seconds: float) -> float:
    """Compute for ``seconds`` of wall time and return a number that nobody needs."""
    end, total = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        total += sum(math.sqrt(n) for n in range(2000))
    return total


class Reports:
    """The scheduled reports."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.connect_database(setting("DATABASE_DSN"), size=1)
        service.background.append(self.report)

    async def report(self) -> None:
        """Write one report and wait for the next."""
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
        self.service.log.info("sales report started")
        start = time.monotonic()
        last = (await self.service.query("SELECT max(id) FROM orders"))[0][0]
        rows = await self.service.query(SALES, last - 20_000)
        await asyncio.to_thread(crunch, 0.8)
        elapsed = time.monotonic() - start
        self.service.log.info("sales report done, %d rows, %.1f s", len(rows), elapsed)


def main() -> None:
    """Run the schedule until SIGTERM, or with --large one report over ``workers`` processes."""
    if "--large" not in sys.argv:
        service = Service("batch-job")
        Reports(service)
        service.run()
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, metavar="WORKERS", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    workers = [
        multiprocessing.Process(target=crunch, args=(options.seconds,), daemon=True)
        for _ in range(options.large)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
