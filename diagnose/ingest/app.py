"""HTTP: each route knows its decoder and how its protocol is answered; all else they share.

A sender is told the truth by the status alone: 2xx, the disk has it; 503 with Retry-After, come
again; 4xx, never come again with this. (Prometheus drops what is answered with 429.)
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from collectors.push import Malformed, TooLarge, Unsupported
from diagnose.ingest.access import authorize
from diagnose.ingest.body import Refused, claimed_size, read_body
from diagnose.ingest.intake import Intake
from diagnose.ingest.meters import Meters
from diagnose.ingest.protocols import Protocol
from diagnose.ingest.tokens import Tokens
from diagnose.telemetry.journal import Overloaded
from diagnose.telemetry.writer import Writer

RETRY_SECONDS: Final = 5
NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}


def create_app(
    ways_in: Sequence[Protocol], writer: Writer, intake: Intake, tokens: Tokens, meters: Meters
) -> Starlette:
    """Return the ASGI application that receives telemetry.

    Args:
        ways_in: The protocols it speaks.
        writer: Its state is what ``/-/ready`` and ``/metrics`` tell.
        intake: Keeps what is received.
        tokens: Who may do what; while there are none, everybody may.
        meters: Counts.
    """

    async def metrics(request: Request) -> Response:
        try:
            authorize(request, tokens, "read")
        except Refused as refused:
            return _refusal(refused.code, refused.why)
        page = await asyncio.to_thread(meters.page)
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthy(request: Request) -> Response:
        return PlainTextResponse("aitia ingest is healthy\n")

    async def ready(request: Request) -> Response:
        if writer.mover.failure is not None:
            return _refusal(503, "the tables cannot be written; the log says why")
        return PlainTextResponse("aitia ingest is ready\n")

    return Starlette(
        routes=[
            *(
                Route(way.path, _Receiver(way, intake, tokens, meters).receive, methods=["POST"])
                for way in ways_in
            ),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Receiver:
    """What all routes that receive have in common."""

    protocol: Protocol
    intake: Intake
    tokens: Tokens
    meters: Meters

    async def receive(self, request: Request) -> Response:
        """Return the answer to a request, once it is true."""
        protocol, headers = self.protocol, request.headers
        try:
            authorize(request, self.tokens, "ingest")
            with self.intake.room(claimed_size(request)):
                body = await read_body(request)
                decode = partial(protocol.decode, body, headers)
                sender = request.client.host if request.client else ""
                decoded = await self.intake.keep(
                    protocol.name, len(body), decode, events=protocol.events, sender=sender
                )
            answer = protocol.answer(headers, decoded)
        except Overloaded as error:
            answer = _refusal(503, str(error), {"retry-after": str(RETRY_SECONDS)})
        except Refused as refused:
            answer = _refusal(refused.code, refused.why)
        except Malformed as error:
            self.meters.discarded(protocol.name, "malformed", 1)
            answer = _refusal(_status(error), error.what)
        self.meters.answered(protocol.name, answer.status_code)
        return answer


def _status(error: Malformed) -> int:
    """Return the status that says what is wrong with a body."""
    if isinstance(error, TooLarge):
        return 413
    return 415 if isinstance(error, Unsupported) else 400


def _refusal(code: int, why: str, headers: Mapping[str, str] = NO_STORE) -> Response:
    more = {"www-authenticate": "Bearer"} if code == 401 else {}
    return PlainTextResponse(f"{why}\n", code, {**headers, **more})
