"""catalog: products and search; Redis caches what PostgreSQL computes."""

import json
import random
import time

import prometheus_client as prom
import redis.asyncio as redis
from aiohttp import web

from tests.lab.services.service import Service, setting

HITS = prom.Counter("cache_hits", "Products found in the cache.")
MISSES = prom.Counter("cache_misses", "Products computed anew.")
ERRORS = prom.Counter("cache_errors", "Failed cache calls.")
LOOKUP = prom.Summary("cache_call_duration_seconds", "Time in a cache call.")
KEEP_SECONDS = (90, 150)
PAGE, SHOWN_WITH_RELATED = 20, 14

PRODUCT = """
    SELECT p.id, p.name, p.price_cents, count(r.id), avg(r.stars)::float
    FROM products p LEFT JOIN reviews r ON r.product_id = p.id WHERE p.id = %s GROUP BY p.id"""
RELATED = """
    SELECT r2.product_id, count(*), avg(r2.stars)::float FROM reviews r1
    JOIN reviews r2 ON r2.customer_id = r1.customer_id AND r2.product_id <> r1.product_id
    WHERE r1.product_id = %s GROUP BY 1 ORDER BY 2 DESC, 3 DESC LIMIT 12"""
SEARCH = """
    SELECT id, name, price_cents FROM products WHERE category = %s
    ORDER BY popularity DESC LIMIT %s"""


class Catalog:
    """The routes of catalog."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cache = redis.Redis.from_url(
            setting("CACHE_URL"), socket_timeout=0.5, socket_connect_timeout=0.5
        )
        self.warned = 0.0
        service.get("/products", self.product)
        service.get("/search", self.search)
        service.connect_database(setting("DATABASE_DSN"), size=8)

    async def product(self, request: web.Request) -> web.Response:
        """Answer one product with its related ones."""
        key = request.query["id"]
        page = await self.cached(f"product:{key}")
        if page is None:
            MISSES.inc()
            page = await self.page(int(key))
            await self.keep(f"product:{key}", page)
        else:
            HITS.inc()
        return web.Response(text=page, content_type="application/json")

    async def page(self, product: int) -> str:
        """Return a product's page, computed by the database."""
        start = time.perf_counter()
        found = await self.service.query(PRODUCT, product)
        if not found:
            self.service.log.info("no product %d", product)
            raise web.HTTPNotFound
        related = await self.service.query(RELATED, product)
        if random.random() < 0.2:
            elapsed = 1000 * (time.perf_counter() - start)
            self.service.log.info("computed product %d in %.0f ms", product, elapsed)
        blurb = found[0][1] * 500  # a page weighs what a page weighs
        return json.dumps({"product": found[0], "related": related, "text": blurb}, default=str)

    async def search(self, request: web.Request) -> web.Response:
        """Answer a category's most popular products."""
        category = int(request.query["category"])
        rows = await self.service.query(SEARCH, category, PAGE)
        if self.service.options.defect == "related_per_item":
            rows = [
                (*row, await self.service.query(RELATED, row[0]))
                for row in rows[:SHOWN_WITH_RELATED]
            ]
        return web.json_response(rows, dumps=lambda page: json.dumps(page, default=str))

    async def cached(self, key: str) -> str | None:
        """Return what the cache has, or None."""
        start = time.perf_counter()
        try:
            found = await self.cache.get(key)
        except redis.RedisError as error:
            self.miss(error)
            return None
        finally:
            LOOKUP.observe(time.perf_counter() - start)
        return str(found, "utf-8") if isinstance(found, bytes) else found

    async def keep(self, key: str, page: str) -> None:
        """Put a page into the cache if the cache takes it."""
        try:
            await self.cache.set(key, page, ex=random.randint(*KEEP_SECONDS))
        except redis.RedisError as error:
            self.miss(error)

    def miss(self, error: Exception) -> None:
        """Count a failed cache call and say so, twice a second at most."""
        ERRORS.inc()
        if time.monotonic() - self.warned > 0.5:
            self.warned = time.monotonic()
            self.service.log.warning("cache unavailable, asking the database: %s", error)


def main() -> None:
    """Run catalog until SIGTERM."""
    service = Service("catalog")
    Catalog(service)
    service.run()


if __name__ == "__main__":
    main()
