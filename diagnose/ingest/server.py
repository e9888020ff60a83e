"""The process that receives: HTTP and syslog in front, a writer behind, systemd kept informed."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

import uvicorn

from collectors.limits import Limits
from collectors.redaction import Redaction
from diagnose.config import Settings
from diagnose.ingest.allocator import give_large_blocks_back
from diagnose.ingest.app import create_app
from diagnose.ingest.cleaning import Cleaning, site_key
from diagnose.ingest.heads import PromptProtocol
from diagnose.ingest.intake import Intake
from diagnose.ingest.meters import Meters
from diagnose.ingest.protocols import protocols
from diagnose.ingest.syslog import Addresses, SyslogListener
from diagnose.ingest.tokens import Tokens
from diagnose.schema import Failure
from diagnose.serving import PoliteServer, is_loopback
from diagnose.settings.sections import IngestSection
from diagnose.systemd import notify, watchdog_seconds
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.writer import Writer, open_writer

DRAIN_SECONDS: Final = 10  # for which requests may finish when we are told to stop
IDLE_SECONDS: Final = 75  # for which a sender may keep its connection
CONNECTIONS: Final = 1000  # at once; more are told to come again
LOG: Final = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Receive telemetry until SIGTERM or SIGINT; all that was acknowledged is in the tables then.

    Raises:
        Failure: an address, a certificate or the telemetry cannot be used as the settings ask.
    """
    give_large_blocks_back()
    telemetry, ingest = settings.telemetry, settings.ingest
    tokens = Tokens(telemetry.dir / "tokens.json")
    refuse_open_doors(ingest, tokens)
    keeping = Keeping(
        telemetry.dir,
        telemetry.root,
        telemetry.flush_seconds,
        timedelta(days=telemetry.retention_days),
        telemetry.journal_bytes,
    )
    key = site_key(telemetry.dir / "redaction.key")
    clean = Cleaning(Redaction(key, telemetry.redact_emails, telemetry.redact_addresses))
    meters = Meters()
    with open_writer(keeping, meters.observe) as writer:
        meters.watch(writer)
        limits = Limits(past=timedelta(days=telemetry.retention_days))
        intake = Intake(clean, writer, meters)
        asyncio.run(_serve(ingest, limits, writer, intake, tokens, meters))


def refuse_open_doors(ingest: IngestSection, tokens: Tokens) -> None:
    """Let nobody listen to a network whose senders nobody checks.

    Raises:
        Failure: an address beyond loopback is served without authentication.
    """
    if not is_loopback(ingest.host) and not tokens.all():
        what = f"ingest.host {ingest.host} is no loopback address, and there is no token"
        raise Failure(what, "run 'aitia ingest token add NAME', or serve 127.0.0.1")
    for name in ("syslog_tcp", "syslog_tls", "syslog_udp"):
        address = getattr(ingest, name)
        checked = ingest.syslog_from or (name == "syslog_tls" and ingest.tls_client_ca)
        if address and not is_loopback(_host(address)) and not checked:
            what = f"ingest.{name} {address} is no loopback address, and nobody is checked"
            raise Failure(what, "set ingest.syslog_from, or ingest.tls_client_ca for TLS")


async def _serve(
    ingest: IngestSection,
    limits: Limits,
    writer: Writer,
    intake: Intake,
    tokens: Tokens,
    meters: Meters,
) -> None:
    config = uvicorn.Config(
        create_app(protocols(limits), writer, intake, tokens, meters),
        host=ingest.host,
        port=ingest.port,
        http=PromptProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=IDLE_SECONDS,
        limit_concurrency=CONNECTIONS,
        ssl_certfile=ingest.tls_cert,
        ssl_keyfile=ingest.tls_key,
    )
    server = PoliteServer(config)
    async with AsyncExitStack() as stack:
        for listener in _listeners(ingest, limits, intake, meters):
            await stack.enter_async_context(listener)
        with _door(config) as door:  # last: whoever finds it open finds all others open
            alive = asyncio.create_task(_alive(server))
            try:
                await server.serve([door])
            finally:
                alive.cancel()
                notify("STOPPING=1")
    intake.close()


def _door(config: uvicorn.Config) -> socket.socket:
    """Return the socket on which HTTP is served.

    Raises:
        Failure: the address or the certificate cannot be used.
    """
    try:
        config.load()
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        address = (config.host, config.port)
        return socket.create_server(address, family=family, backlog=config.backlog)
    except (OSError, ssl.SSLError) as error:
        what = f"{config.host}:{config.port} cannot be served ({error})"
        raise Failure(what, "change ingest.host, ingest.port or ingest.tls_cert") from error


async def _alive(server: PoliteServer) -> None:
    """Tell systemd when the server is ready, and then that it is alive."""
    while not server.started:
        await asyncio.sleep(0.02)
    addresses = [s.getsockname()[:2] for one in server.servers for s in one.sockets]
    LOG.info("ready on %s", ", ".join(f"{host}:{port}" for host, port in addresses))
    notify("READY=1")
    every = watchdog_seconds()
    while every:
        await asyncio.sleep(every / 3)
        notify("WATCHDOG=1")


def _listeners(
    ingest: IngestSection, limits: Limits, intake: Intake, meters: Meters
) -> Iterator[SyslogListener]:
    """Yield the listeners for lines that the settings ask for."""
    allowed = Addresses(ingest.syslog_from)
    for transport, place in (("tcp", ingest.syslog_tcp), ("udp", ingest.syslog_udp)):
        if place:
            yield SyslogListener(transport, _split(place), intake, meters, allowed, limits)
    if ingest.syslog_tls and ingest.tls_cert and ingest.tls_key:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(ingest.tls_cert, ingest.tls_key)
            if ingest.tls_client_ca:
                context.load_verify_locations(ingest.tls_client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise Failure(f"ingest.tls_cert: {error}", "give PEM files that fit") from error
        address = _split(ingest.syslog_tls)
        yield SyslogListener("tls", address, intake, meters, allowed, limits, context)


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _host(address: str) -> str:
    return _split(address)[0]
