"""worker: ships the orders that wait in Redis and notes it in PostgreSQL."""

import asyncio
import random
import time
from contextlib import suppress

import prometheus_client as prom
import psycopg
import redis.asyncio as redis

from tests.lab.services.service import Service, setting

JOBS = prom.Counter("worker_jobs", "Orders worked on.", ["outcome"])
DURATION = prom.Summary("worker_job_duration_seconds", "Time for an order.")
WAITING = prom.Gauge("worker_queue_length", "Orders that wait.")
SHIP = "UPDATE orders SET status = 'shipped', shipped_at = now() WHERE id = %s"
NOTE = "INSERT INTO shipments (order_id, carrier) VALUES (%s, %s)"


class Worker:
    """The background consumer."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.queue = redis.Redis.from_url(setting("QUEUE_URL"), socket_timeout=3.0)
        self.leaked: list[psycopg.AsyncConnection[tuple[object, ...]]] = []
        self.dsn = setting("DATABASE_DSN")
        service.connect_database(self.dsn, size=3)
        service.background += [self.ship, self.look, self.leak]

    async def ship(self) -> None:
        """Work on the next order."""
        taken = await self.queue.brpop(["orders:queue"], timeout=1)
        if taken is None:
            return
        order = int(taken[1])
        start = time.perf_counter()
        try:
            await self.service.query(SHIP, order)
            await self.service.query(NOTE, order, random.choice("ABC"))
        except psycopg.Error as error:
            JOBS.labels("failed").inc()
            self.service.log.error("order %d not shipped: %s", order, error)
            await self.queue.rpush("orders:queue", order)
            await asyncio.sleep(0.5)
            return
        finally:
            DURATION.observe(time.perf_counter() - start)
        JOBS.labels("done").inc()
        if random.random() < 0.25:
            self.service.log.info("order %d shipped", order)

    async def look(self) -> None:
        """Note how many orders wait, once a second."""
        await asyncio.sleep(1)
        WAITING.set(await self.queue.llen("orders:queue"))

    async def leak(self) -> None:
        """Open connections that nobody closes, where told to; who is refused tries again soon."""
        rate = self.service.knobs.get("leak_connections", 0)
        await asyncio.sleep(1 / rate if rate else 1)
        if rate:
            with suppress(psycopg.Error):
                opened = await psycopg.AsyncConnection.connect(self.dsn, connect_timeout=2)
                self.leaked.append(opened)


def main() -> None:
    """Run worker until SIGTERM."""
    service = Service("worker")
    Worker(service)
    service.run()


if __name__ == "__main__":
    main()
