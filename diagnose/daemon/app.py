"""HTTP: what the daemon is asked; ``replies`` says how it tells that it cannot answer."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from diagnose.daemon.explanations import Explained
from diagnose.daemon.meters import Meters
from diagnose.daemon.protocol import (
    EXPLAIN,
    PAIRS,
    WARNING,
    ExplainRequest,
    PairsRequest,
    ScanRequest,
)
from diagnose.daemon.queue import Expired, Overloaded, Urgency, WorkQueue
from diagnose.daemon.replies import Answer, Unsuited, asked_of, document, is_unix, refusal, told
from diagnose.daemon.scans import GroupState, Scans
from diagnose.ingest.body import Refused
from diagnose.ingest.tokens import Scope, Tokens
from diagnose.question import Question
from diagnose.records import Incident
from diagnose.schema import Diagnosis, Kind
from diagnose.settings.sections import StoreSection
from diagnose.store import opened
from models.causal_lm.belief import Pair, PairBelief
from models.kinds import canonical

T = TypeVar("T")
Believe = Callable[[Sequence[Pair], Urgency, float], tuple[PairBelief, ...]]

ASKING: Final = 8  # threads that wait for the model on behalf of /v1/pairs
MOST_LISTED: Final = 1000
_DIAGNOSIS: Final = TypeAdapter(Diagnosis)
_INCIDENTS: Final = TypeAdapter(tuple[Incident, ...])
_GROUPS: Final = TypeAdapter(tuple[GroupState, ...])
_BELIEFS: Final = TypeAdapter(tuple[PairBelief, ...])


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes ask.

    Attributes:
        explanations: Where questions wait.
        believe: Answers about pairs, and may wait for the model.
        store: Where answers are kept.
        agreed: The settings under which is answered, as ``protocol.agreed`` has them.
        ready: Returns whether all models are loaded.
        well: Returns whether no thread hangs.
        scans: Of the fleet; None where none is scanned.
    """

    explanations: WorkQueue[Question, Explained]
    believe: Believe
    store: StoreSection
    agreed: str
    ready: Callable[[], bool]
    well: Callable[[], bool]
    scans: Scans | None = None


def create_app(desk: Desk, tokens: Tokens, meters: Meters) -> Starlette:
    """Return the ASGI application of the daemon.

    Args:
        desk: Who does what is asked.
        tokens: Who may ask over the network; whoever may open the Unix socket needs none.
        meters: Counts.
    """
    routes = _Routes(desk, ThreadPoolExecutor(ASKING, "pairs"))

    def route(path: str, answer: Answer, method: str = "GET", scope: Scope = "read") -> Route:
        async def answered(request: Request) -> Response:
            begun = time.perf_counter()
            response = await told(answer, request, tokens, scope)
            meters.answered(path, response.status_code, time.perf_counter() - begun)
            return response

        return Route(path, answered, methods=[method])

    async def metrics(request: Request) -> Response:
        return Response(meters.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthy(request: Request) -> Response:
        if not desk.well():
            return refusal(503, "a thread has not come back for minutes")
        return PlainTextResponse("aitia daemon is healthy\n")

    async def ready(request: Request) -> Response:
        if not desk.ready():
            return refusal(503, "models are being loaded")
        return PlainTextResponse("aitia daemon is ready\n")

    return Starlette(
        routes=[
            route(EXPLAIN, routes.explain, "POST"),
            route(PAIRS, routes.pairs, "POST"),
            route("/v1/scan", routes.scan, "POST", "admin"),
            route("/v1/scans", routes.scans),
            route("/v1/incidents", routes.incidents),
            route("/v1/incidents/{incident}", routes.incident),
            route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Routes:
    desk: Desk
    pool: ThreadPoolExecutor

    async def explain(self, request: Request) -> Response:
        asked = await asked_of(request, ExplainRequest)
        if asked.bundle and not is_unix(request):
            raise Unsuited(400, "a folder is named over the Unix socket alone", "bundle")
        self._refuse_unready(asked.settings)
        question = Question(asked.bundle, asked.alert, asked.at, asked.entity, asked.as_of)
        queue = self.desk.explanations
        deadline = queue.clock() + asked.deadline_seconds
        (future,) = queue.offer([question], asked.urgency, deadline)
        explained = await _waited(future, asked.deadline_seconds)
        warned = {WARNING: json.dumps(explained.warning)} if explained.warning else {}
        return document(_DIAGNOSIS.dump_json(explained.diagnosis, ensure_ascii=True), warned)

    async def pairs(self, request: Request) -> Response:
        asked = await asked_of(request, PairsRequest)
        self._refuse_unready(asked.settings)
        pairs = tuple(_known_kinds(asked.pairs))
        loop = asyncio.get_running_loop()
        beliefs = await loop.run_in_executor(
            self.pool, self.desk.believe, pairs, asked.urgency, asked.deadline_seconds
        )
        return document(_BELIEFS.dump_json(beliefs))

    async def scan(self, request: Request) -> Response:
        asked = await asked_of(request, ScanRequest)
        try:
            fresh = self._scanned().ask(asked.group)
        except KeyError as error:
            raise Unsuited(400, "the fleet has no such group", "group") from error
        if not fresh:
            raise Unsuited(409, "it is being scanned", "group")
        return Response(json.dumps({"group": asked.group}), 202, media_type="application/json")

    async def scans(self, request: Request) -> Response:
        return document(_GROUPS.dump_json(self._scanned().states()))

    def _scanned(self) -> Scans:
        if self.desk.scans is None:
            raise Refused(404, "no fleet is scanned: daemon.fleet is not set")
        return self.desk.scans

    async def incidents(self, request: Request) -> Response:
        text = request.query_params.get("limit", "20")
        if not text.isdecimal() or not 0 < int(text) <= MOST_LISTED:
            raise Unsuited(400, f"limit is a number from 1 to {MOST_LISTED}", "limit")
        found = await asyncio.to_thread(self._listed, int(text))
        return document(_INCIDENTS.dump_json(found, ensure_ascii=True))

    async def incident(self, request: Request) -> Response:
        incident = request.path_params["incident"]
        diagnosis = await asyncio.to_thread(self._known, incident)
        if diagnosis is None:
            raise Refused(404, "no such incident was answered")
        return document(_DIAGNOSIS.dump_json(diagnosis, ensure_ascii=True))

    def _listed(self, limit: int) -> tuple[Incident, ...]:
        with opened(self.desk.store) as store:
            return store.incidents(limit)

    def _known(self, incident: str) -> Diagnosis | None:
        with opened(self.desk.store) as store:
            return store.diagnosis(incident)

    def _refuse_unready(self, settings: str | None) -> None:
        if settings not in (None, self.desk.agreed):
            raise Unsuited(409, "it runs with other settings, or is another version", "settings")
        if not self.desk.ready():
            raise Overloaded("models are being loaded")


def _known_kinds(pairs: Sequence[tuple[str, str]]) -> Iterator[Pair]:
    """Yield pairs of kinds by their names.

    Raises:
        Refused: one is no name of the vocabulary.
    """
    for place, (a, b) in enumerate(pairs):
        try:
            yield canonical(Kind(a)), canonical(Kind(b))
        except ValueError as error:
            raise Unsuited(400, f"pairs.{place}: {error}", f"pairs.{place}") from error


async def _waited(future: Future[T], seconds: float) -> T:
    """Return what comes of it; what was begun is waited for, however long it takes.

    Raises:
        Expired: it was not begun in time.
    """
    wrapped = asyncio.wrap_future(future)
    done, _ = await asyncio.wait({wrapped}, timeout=seconds)
    if not done and future.cancel():
        raise Expired("it was not begun before its deadline")
    return await wrapped
