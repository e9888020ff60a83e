"""Which path speaks which protocol: how its body is read, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import PlainTextResponse, Response

from collectors.limits import Limits
from collectors.push import Decoded
from collectors.push.remote_write import RemoteWrite

Headers = Mapping[str, str]
WRITTEN: Final = "X-Prometheus-Remote-Write-{}-Written"


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way in.

    Attributes:
        name: For metrics.
        path: Where it is posted.
        decode: Body, headers -> what it held.
        answer: Headers, what it held -> what the sender is told once that is durable.
        refusal: Headers, status, reason -> what the sender of a bad request is told.
    """

    name: str
    path: str
    decode: Callable[[bytes, Headers], Decoded]
    answer: Callable[[Headers, Decoded], Response]
    refusal: Callable[[Headers, int, str], Response]


def protocols(limits: Limits) -> tuple[Protocol, ...]:
    """Return all ways in over HTTP.

    Args:
        limits: What is taken.
    """
    remote_write = RemoteWrite(limits)
    return (
        Protocol(
            "remote_write",
            "/api/v1/write",
            lambda body, headers: remote_write.decode(body, headers["content-type"], _now()),
            _written,
            plain_refusal,
        ),
    )


def plain_refusal(headers: Headers, code: int, why: str) -> Response:
    """Return the answer to a bad request as a line of text."""
    return PlainTextResponse(f"{why}\n", code)


def _written(headers: Headers, decoded: Decoded) -> Response:
    """Return what a sender of remote write expects; of version 2.0 it wants to know how many."""
    told = {WRITTEN.format(kind.title()): str(n) for kind, n in decoded.written.items()}
    return Response(status_code=204, headers=told)


def _now() -> datetime:
    return datetime.now(UTC)
