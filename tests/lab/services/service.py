"""What every service of the shop shares: log file, metrics, HTTP server, database pool."""

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import prometheus_client as prom
from aiohttp import web
from aiohttp.typedefs import Middleware
from psycopg_pool import AsyncConnectionPool

LATENCY_BOUNDS: Final = (
    *(0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2),
    *(0.3, 0.45, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0),
)
SEVERITY: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}
SLOW_SECONDS: Final = 0.5

REQUESTS: Final = prom.Counter("http_requests", "Requests answered.", ["route", "code"])
DURATION: Final = prom.Histogram(
    "http_request_duration_seconds", "Time to answer.", ["route"], buckets=LATENCY_BOUNDS
)
IN_FLIGHT: Final = prom.Gauge("http_requests_in_flight", "Requests being answered.")
LOOP_LAG: Final = prom.Gauge("event_loop_lag_seconds", "How late the event loop wakes up.")
POOL_SIZE: Final = prom.Gauge("db_pool_connections", "Connections that the pool holds.")
POOL_IDLE: Final = prom.Gauge("db_pool_idle_connections", "Connections that nobody uses.")
POOL_WAITING: Final = prom.Gauge("db_pool_waiting_requests", "Requests that wait for one.")
QUERIES: Final = prom.Summary("db_query_duration_seconds", "Time in the database.")
QUERY_ERRORS: Final = prom.Counter("db_query_errors", "Failed database calls.")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class JsonLines(logging.Formatter):
    """One JSON object a record: time, severity, body, attributes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for ``record``; an exception becomes attributes, not a traceback."""
        attributes = dict(getattr(record, "attributes", {}), logger=record.name)
        body = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            attributes["exception.type"] = type(error).__name__
            body = f"{body}: {type(error).__name__}: {error}"
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "severity": SEVERITY.get(record.levelname, record.levelname),
            "body": body,
            "attributes": attributes,
        }
        return json.dumps(line)


class Service:
    """One process of the shop: its arguments, its log, its metrics and its web server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.options = _options(name)
        self.log = logging.getLogger(name)
        self.knobs: dict[str, float] = {}
        self.background: list[Callable[[], Awaitable[None]]] = [self._watch]
        self.app = web.Application(middlewares=[web.middleware(self._measured())])
        self.pool: AsyncConnectionPool | None = None
        _write_log_to(self.options.log)
        for collector in (prom.GC_COLLECTOR, prom.PLATFORM_COLLECTOR):
            prom.REGISTRY.unregister(collector)

    def get(self, path: str, answer: Handler) -> None:
        """Serve GET ``path`` with ``answer``."""
        self.app.router.add_get(path, answer)

    def post(self, path: str, answer: Handler) -> None:
        """Serve POST ``path`` with ``answer``."""
        self.app.router.add_post(path, answer)

    def connect_database(self, dsn: str, size: int) -> None:
        """Give the service a pool of at most ``size`` connections to ``dsn``."""
        self.pool = AsyncConnectionPool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            timeout=1.5,
            max_idle=20,
            max_lifetime=40,
            reconnect_timeout=5,
            open=False,
            kwargs={"autocommit": True},
        )

    async def query(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of one statement that commits on its own.

        Raises:
            psycopg.Error: the database refused, or no connection came free in time.
        """
        if self.pool is None:
            raise RuntimeError(f"{self.name} has no database")
        try:
            async with self.pool.connection() as connection:
                start = time.perf_counter()
                cursor = await connection.execute(text, values)
                rows = await cursor.fetchall() if cursor.description else []
                QUERIES.observe(time.perf_counter() - start)
                return rows
        except Exception:
            QUERY_ERRORS.inc()
            raise

    def run(self) -> None:
        """Serve until SIGTERM."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        if self.pool is not None:
            await self.pool.open(wait=False)
        self.app.router.add_get("/metrics", _metrics)
        runner = web.AppRunner(self.app, access_log=None)
        await runner.setup()
        await web.TCPSite(
            runner, "127.0.0.1", self.options.port, reuse_port=True, shutdown_timeout=3
        ).start()
        tasks = [loop.create_task(_forever(step, self.log)) for step in self.background]
        change = {"change": self.options.change} if self.options.change else {}
        self.log.info(
            "%s %s listening on port %d",
            self.name,
            self.options.version,
            self.options.port,
            extra={"attributes": {"version": self.options.version, **change}},
        )
        Path(self.options.ready).touch()
        await stop.wait()
        self.log.info("%s %s shutting down", self.name, self.options.version)
        for task in tasks:
            task.cancel()
        await runner.cleanup()
        if self.pool is not None:
            await self.pool.close(timeout=1)

    async def _watch(self) -> None:
        """Note the loop's lag, the pool's state and what the knobs say, twice a second."""
        start = time.perf_counter()
        await asyncio.sleep(0.5)
        LOOP_LAG.set(max(0.0, time.perf_counter() - start - 0.5))
        if self.pool is not None:
            stats = self.pool.get_stats()
            POOL_SIZE.set(stats.get("pool_size", 0))
            POOL_IDLE.set(stats.get("pool_available", 0))
            POOL_WAITING.set(stats.get("requests_waiting", 0))
        knobs = Path(self.options.knobs)
        self.knobs = json.loads(knobs.read_text()) if knobs.exists() else {}

    def _measured(self) -> Middleware:
        async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == "/metrics":
                return await handler(request)
            return await self._answer(request, handler)

        return measure

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return the answer to a request; count it, time it, and log what went wrong."""
        start = time.perf_counter()
        code = 500
        with IN_FLIGHT.track_inprogress():
            try:
                response = await handler(request)
                code = response.status
            except web.HTTPException as refusal:
                code = refusal.status
                raise
            except Exception:
                self.log.exception("%s %s failed", request.method, request.path)
                response = web.json_response({"error": "internal"}, status=500)
            finally:
                elapsed = time.perf_counter() - start
                REQUESTS.labels(request.path, code).inc()
                DURATION.labels(request.path).observe(elapsed)
        if random.random() < self.knobs.get("verbose", 0):
            self.log.info("%s %s %d %.0f ms", request.method, request.path, code, 1000 * elapsed)
        if elapsed > SLOW_SECONDS:
            self.log.warning("slow request %s %s %.2f s", request.method, request.path, elapsed)
        return response


def _options(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=name)
    for flag in ("--log", "--knobs", "--ready"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--change", default="", help="kind of change that this start is")
    parser.add_argument("--defect", default="", help="what is wrong with this version")
    return parser.parse_args()


def _write_log_to(path: str) -> None:
    writer = logging.FileHandler(path)
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[writer])
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    sys.excepthook = lambda kind, error, trace: logging.critical(
        "process ends", exc_info=(kind, error, trace)
    )


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=prom.generate_latest(), content_type="text/plain")


async def _forever(step: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    """Repeat ``step`` for the life of the process; a failed round is logged and retried."""
    while True:
        try:
            await step()
        except Exception as error:
            log.exception("%s", getattr(step, "__name__", "background task").strip("_"))
            await asyncio.sleep(0.2 if isinstance(error, MemoryError) else 1.0)


def setting(name: str) -> str:
    """Return a setting of the environment.

    Raises:
        KeyError: it is not set.
    """
    return os.environ[name]
