"""web: the front service; asks catalog and orders and answers the customers."""

import random
import socket
import time
from typing import Any

import aiohttp
import prometheus_client as prom
from aiohttp import web

from tests.lab.services.service import Service, setting

UPSTREAM = prom.Summary("upstream_request_duration_seconds", "Time in a call.", ["upstream"])
FAILED = prom.Counter("upstream_failures", "Failed calls.", ["upstream", "reason"])
TIMEOUT_SECONDS = 2.0


class Front:
    """The routes of web."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.urls = {"catalog": setting("CATALOG_URL"), "orders": setting("ORDERS_URL")}
        self.leaked: list[socket.socket] = []
        self.session: aiohttp.ClientSession | None = None
        for path in ("/products", "/search"):
            service.get(path, self.browse)
        service.get("/customers", self.customer)
        service.post("/orders", self.order)

    async def browse(self, request: web.Request) -> web.Response:
        """Answer a product or search page from catalog."""
        if random.random() < self.service.knobs.get("leak_sockets", 0):
            port = int(self.urls["catalog"].rpartition(":")[2])
            self.leaked.append(socket.create_connection(("127.0.0.1", port)))
        return await self.ask("catalog", "GET", request.path_qs)

    async def customer(self, request: web.Request) -> web.Response:
        """Answer a customer's summary from orders."""
        return await self.ask("orders", "GET", request.path_qs)

    async def order(self, request: web.Request) -> web.Response:
        """Place an order."""
        basket = await request.json()
        if self.service.options.defect == "voucher" and basket["quantity"] > 1:
            basket["discount"] = basket["voucher"]["discount"]
        return await self.ask("orders", "POST", "/orders", basket)

    async def ask(self, upstream: str, method: str, path: str, body: Any = None) -> web.Response:
        """Return the upstream's answer, or 502 and 504 where there is none."""
        if self.session is None:
            limit = aiohttp.TCPConnector(limit_per_host=60)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self.session = aiohttp.ClientSession(connector=limit, timeout=timeout)
        start = time.perf_counter()
        try:
            async with self.session.request(
                method, self.urls[upstream] + path, json=body
            ) as answer:
                text = await answer.text()
        except TimeoutError:
            return self.refuse(upstream, "timeout", f"no answer within {TIMEOUT_SECONDS} s", 504)
        except (aiohttp.ClientError, OSError) as error:
            return self.refuse(upstream, "connection", f"{type(error).__name__}: {error}", 502)
        finally:
            UPSTREAM.labels(upstream).observe(time.perf_counter() - start)
        if answer.status >= 500:
            return self.refuse(upstream, "status", f"answered {answer.status}", 502)
        return web.Response(text=text, status=answer.status, content_type="application/json")

    def refuse(self, upstream: str, reason: str, why: str, code: int) -> web.Response:
        """Return an error page and say why."""
        FAILED.labels(upstream, reason).inc()
        self.service.log.error("call to %s failed: %s", upstream, why)
        return web.json_response({"error": upstream}, status=code)


def main() -> None:
    """Run web until SIGTERM."""
    service = Service("web")
    Front(service)
    service.run()


if __name__ == "__main__":
    main()
