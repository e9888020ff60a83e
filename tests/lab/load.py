"""loadgen: customers who arrive at random, at a rate that swings, wanders and bursts."""

import asyncio
import math
import random
import time

import aiohttp
import prometheus_client as prom

from tests.lab.services.service import Service, setting

REQUESTS = prom.Counter("loadgen_requests", "Requests sent.", ["outcome"])
WAIT = prom.Summary("loadgen_wait_seconds", "Time that a customer waits.")
BUSY = prom.Gauge("loadgen_waiting_customers", "Customers who wait for an answer.")
RATE = prom.Gauge("loadgen_arrival_rate", "Customers a second that are to arrive.")
MOST_WAITING = 200
PRODUCTS, CATEGORIES, CUSTOMERS = 500, 25, 2000
POPULARITY = [1 / (rank + 3) for rank in range(PRODUCTS)]
PERIOD_SECONDS, SWING = 240.0, 0.3


class Load:
    """The stream of customers."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.base = float(setting("BASE_RATE"))
        self.drift = 0.0
        self.burst_ends = 0.0
        self.next_burst = time.monotonic() + random.uniform(40, 120)
        self.waiting: set[asyncio.Task[None]] = set()
        self.session: aiohttp.ClientSession | None = None
        service.background += [self.wander, self.arrive]

    async def wander(self) -> None:
        """Let the rate drift, and now and then begin a small burst."""
        await asyncio.sleep(1)
        now = time.monotonic()
        self.drift = 0.95 * self.drift + random.gauss(0, 0.04)
        if now > self.next_burst:
            self.burst_ends = now + random.uniform(4, 9)
            self.next_burst = now + random.uniform(60, 150)
        RATE.set(self.rate())
        BUSY.set(len(self.waiting))

    def rate(self) -> float:
        """Return how many customers a second are to arrive now."""
        now = time.monotonic()
        swing = 1 + SWING * math.sin(2 * math.pi * now / PERIOD_SECONDS) + self.drift
        burst = 1.6 if now < self.burst_ends else 1.0
        surge = self.service.knobs.get("surge", 1.0)
        return float(max(0.2 * self.base, self.base * swing * burst * surge))

    async def arrive(self) -> None:
        """Let one customer arrive."""
        await asyncio.sleep(random.expovariate(self.rate()))
        if len(self.waiting) >= MOST_WAITING:
            REQUESTS.labels("dropped").inc()
            return
        task = asyncio.create_task(self.visit())
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def visit(self) -> None:
        """Send one request and wait for the answer."""
        if self.session is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_WAITING),
                timeout=aiohttp.ClientTimeout(total=6),
            )
        start = time.perf_counter()
        method, path, body = choose(self.service.knobs.get("lost", 0.0))
        try:
            async with self.session.request(method, setting("WEB_URL") + path, json=body) as answer:
                await answer.read()
            outcome = "failed" if answer.status >= 500 else "ok"
        except (aiohttp.ClientError, OSError):
            outcome = "unreachable"
        WAIT.observe(time.perf_counter() - start)
        REQUESTS.labels(outcome).inc()


def choose(lost: float) -> tuple[str, str, dict[str, int] | None]:
    """Return what a customer asks for: method, path, body.

    Args:
        lost: Share of customers who follow an old link to a product that is gone.
    """
    if random.random() < lost:
        return "GET", f"/products?id={PRODUCTS + random.randint(1, 400)}", None
    product = random.choices(range(1, PRODUCTS + 1), POPULARITY)[0]
    customer = random.randint(1, CUSTOMERS)
    dice = random.random()
    if dice < 0.58:
        return "GET", f"/products?id={product}", None
    if dice < 0.74:
        return "GET", f"/search?category={random.randint(1, CATEGORIES)}", None
    if dice < 0.88:
        basket = {"customer": customer, "product": product, "quantity": random.randint(1, 4)}
        return "POST", "/orders", basket
    return "GET", f"/customers?id={customer}", None


def main() -> None:
    """Run the load until SIGTERM."""
    service = Service("loadgen")
    Load(service)
    service.run()


if __name__ == "__main__":
    main()
