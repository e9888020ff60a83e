"""orders: takes orders into PostgreSQL and queues them in Redis for the worker."""

import random
import string
import time

import prometheus_client as prom
import redis.asyncio as redis
from aiohttp import web

from tests.lab.services.service import Service, setting

PLACED = prom.Counter("orders_placed", "Orders taken.")
ENQUEUE = prom.Summary("queue_push_duration_seconds", "Time to queue an order.")
INVOICE_LENGTH = 1500
SUMMARY = """
    SELECT count(*), coalesce(sum(total_cents), 0)::bigint, max(created_at)
    FROM orders WHERE customer_id = %s"""
CREDIT = "SELECT coalesce(sum(total_cents), 0)::bigint FROM orders WHERE customer_id = %s"
CREDIT_LIMIT_CENTS = 10_000_000_000
INSERT = """
    INSERT INTO orders (customer_id, product_id, quantity, total_cents, invoice)
    SELECT %s, id, %s, price_cents * %s, %s FROM products WHERE id = %s RETURNING id"""


class Orders:
    """The routes of orders."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.queue = redis.Redis.from_url(
            setting("QUEUE_URL"), socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self.history: list[list[str]] = []
        service.post("/orders", self.place)
        service.get("/customers", self.summary)
        service.connect_database(setting("DATABASE_DSN"), size=int(setting("POOL_SIZE")))

    async def place(self, request: web.Request) -> web.Response:
        """Take an order."""
        self.remember()
        basket = await request.json()
        quantity = int(basket["quantity"])
        if (await self.service.query(CREDIT, basket["customer"]))[0][0] > CREDIT_LIMIT_CENTS:
            raise web.HTTPPaymentRequired
        invoice = "".join(random.choices(string.ascii_letters, k=INVOICE_LENGTH))
        rows = await self.service.query(
            INSERT, basket["customer"], quantity, quantity, invoice, basket["product"]
        )
        start = time.perf_counter()
        await self.queue.lpush("orders:queue", rows[0][0])
        ENQUEUE.observe(time.perf_counter() - start)
        PLACED.inc()
        if random.random() < 0.25:
            self.service.log.info("order %d placed, %d items", rows[0][0], quantity)
        return web.json_response({"order": rows[0][0]}, status=201)

    async def summary(self, request: web.Request) -> web.Response:
        """Answer what a customer has ordered so far."""
        self.remember()
        count, total, last = (await self.service.query(SUMMARY, int(request.query["id"])))[0]
        return web.json_response({"count": count, "total": total, "last": str(last)})

    def remember(self) -> None:
        """Keep an audit trail of the requests that nobody ever empties, if so told."""
        if entries := int(self.service.knobs.get("leak_entries", 0)):
            self.history.append([f"{entry:064d}" for entry in range(entries)])


def main() -> None:
    """Run orders until SIGTERM."""
    service = Service("orders")
    Orders(service)
    service.run()


if __name__ == "__main__":
    main()
