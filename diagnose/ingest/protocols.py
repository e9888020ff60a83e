"""Which path speaks which protocol: how its body is read, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from typing import Protocol as Interface

from starlette.responses import PlainTextResponse, Response

from collectors.limits import Limits
from collectors.push import (
    Decoded,
    alertmanager_webhook,
    deploy_webhook,
    loki_push,
    otlp_logs,
    snappy,
)
from collectors.push.otlp import JSON, PROTOBUF, Kind, answer_of
from collectors.push.otlp_metrics import OtlpMetrics
from collectors.push.otlp_traces import OtlpTraces
from collectors.push.remote_write import RemoteWrite
from diagnose.ingest.body import Turns
from diagnose.ingest.losses import told

Headers = Mapping[str, str]
Decode = Callable[[bytes, Headers], Decoded]
Answer = Callable[[Headers, Decoded], Response]
NANOSECONDS: Final = "a time is nanoseconds since 1970"
WRITTEN: Final = "X-Prometheus-Remote-Write-{}-Written"


class Webhook(Interface):
    """A module that decodes JSON documents of one kind."""

    def decoded(self, body: bytes, now: datetime, limits: Limits | None = None) -> Decoded:
        """Return what a document holds."""
        ...


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way in.

    Attributes:
        name: For metrics.
        path: Where it is posted.
        decode: Body, headers -> what it held.
        answer: Headers, what it held -> what the sender is told once that is durable.
        events: Whether each record is an event, the same one in whatever request it comes again.
    """

    name: str
    path: str
    decode: Decode
    answer: Answer
    events: bool = False


def protocols(limits: Limits) -> tuple[Protocol, ...]:
    """Return all ways in over HTTP.

    Args:
        limits: What is taken.
    """
    turns = Turns()
    remote_write, metrics, traces = RemoteWrite(limits), OtlpMetrics(limits), OtlpTraces(limits)
    return (
        Protocol(
            "remote_write",
            "/api/v1/write",
            _remote_write(remote_write, turns),
            _written(limits),
        ),
        # Loki, too, keeps what it can and answers with 400 about the rest.
        Protocol(
            "loki",
            "/loki/api/v1/push",
            _loki(limits, turns),
            _strictly("loki push", limits, NANOSECONDS),
        ),
        _otlp("logs", lambda body, kind, now: otlp_logs.decoded(body, kind, now, limits), turns),
        _otlp("metrics", metrics.decode, turns),
        _otlp("traces", traces.decode, turns),
        # A group of alerts is told again whenever one joins it, and by each of a pair of servers.
        Protocol(
            "alertmanager",
            "/api/v1/alerts",
            _document(alertmanager_webhook, limits, turns),
            _leniently("alertmanager webhook", limits),
            events=True,
        ),
        Protocol(
            "deploy",
            "/api/v1/deploys",
            _document(deploy_webhook, limits, turns),
            _strictly("deploy webhook", limits),
        ),
    )


def _remote_write(remote_write: RemoteWrite, turns: Turns) -> Decode:
    def decode(body: bytes, headers: Headers) -> Decoded:
        with turns.turn(snappy.claimed_size(body)):  # its decoder unpacks it
            return remote_write.decode(body, _kind(headers), _now())

    return decode


def _loki(limits: Limits, turns: Turns) -> Decode:
    def decode(body: bytes, headers: Headers) -> Decoded:
        kind = _kind(headers)
        if kind.startswith(PROTOBUF):  # that is packed with snappy, unsaid
            with turns.turn(snappy.claimed_size(body)):
                return loki_push.decoded(body, kind, _now(), limits)
        with turns.unpacked(body, _encoding(headers)) as whole:
            return loki_push.decoded(whole, kind, _now(), limits)

    return decode


def _document(webhook: Webhook, limits: Limits, turns: Turns) -> Decode:
    def decode(body: bytes, headers: Headers) -> Decoded:
        with turns.unpacked(body, _encoding(headers)) as whole:
            return webhook.decoded(whole, _now(), limits)

    return decode


def _otlp(kind: Kind, decode: Callable[[bytes, str, datetime], Decoded], turns: Turns) -> Protocol:
    """Return one of OTLP's three ways in; what was not kept is told in the sender's encoding."""

    def decoded(body: bytes, headers: Headers) -> Decoded:
        with turns.unpacked(body, _encoding(headers)) as whole:
            return decode(whole, _kind(headers), _now())

    def answer(headers: Headers, found: Decoded) -> Response:
        told = answer_of(kind, _kind(headers), found)
        return Response(told, media_type=JSON if _kind(headers).startswith(JSON) else PROTOBUF)

    return Protocol(f"otlp_{kind}", f"/v1/{kind}", decoded, answer)


def _written(limits: Limits) -> Answer:
    """Return how a sender of remote write is answered; of version 2.0 it wants to know how many.

    As in Prometheus, samples that can never be taken are 400: no sender tries them again.
    """
    lenient = _leniently("remote write", limits)

    def answer(headers: Headers, decoded: Decoded) -> Response:
        response = lenient(headers, decoded)
        for kind, number in decoded.written.items():
            response.headers[WRITTEN.format(kind.title())] = str(number)
        return response

    return answer


def _leniently(protocol: str, limits: Limits) -> Answer:
    """Return an answer that refuses a request of which nothing was kept."""
    strict = _strictly(protocol, limits)

    def answer(headers: Headers, decoded: Decoded) -> Response:
        return Response(status_code=204) if decoded.frames else strict(headers, decoded)

    return answer


def _strictly(protocol: str, limits: Limits, hint: str = "") -> Answer:
    """Return an answer that says what was not kept, be it only a part; the rest is kept."""

    def answer(headers: Headers, decoded: Decoded) -> Response:
        lost = told(protocol, decoded, limits, hint)
        return PlainTextResponse(f"{lost}\n", 400) if lost else Response(status_code=204)

    return answer


def _kind(headers: Headers) -> str:
    return headers.get("content-type", "").lower()


def _encoding(headers: Headers) -> str:
    return headers.get("content-encoding", "").lower()


def _now() -> datetime:
    return datetime.now(UTC)
