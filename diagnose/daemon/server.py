"""The process: HTTP in front, one thread that explains and one that runs the model behind it."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Final, Protocol

import uvicorn
from starlette.applications import Starlette

from diagnose.config import Settings
from diagnose.daemon.app import Desk, create_app
from diagnose.daemon.batches import PairWorker, Place
from diagnose.daemon.doors import refuse_open_doors, tcp_door, unix_door
from diagnose.daemon.explanations import Explained, Explanations
from diagnose.daemon.meters import Meters
from diagnose.daemon.protocol import MOST_PAIRS, agreed
from diagnose.daemon.queue import Overloaded, Urgency, WorkQueue
from diagnose.daemon.scans import Scans
from diagnose.daemon.scorers import Scorers
from diagnose.daemon.watch import watching
from diagnose.ingest.tokens import Tokens
from diagnose.question import Question
from diagnose.schema import Failure
from diagnose.serving import PoliteServer
from diagnose.systemd import notify, watchdog_seconds
from models.causal_lm.belief import Pair, PairBelief

QUESTIONS: Final = 32  # explanations that may wait
PAIRS: Final = 4096  # questions to the model that may
CONNECTIONS: Final = 64  # at once; more are told to come again
DRAIN_SECONDS: Final = 25.0  # for which what waits is still done when we are told to stop
CUT_SECONDS: Final = 5.0  # after that, for what was begun
STUCK_SECONDS: Final = 300.0  # of one piece of work, after which its thread is taken to hang
LOG: Final = logging.getLogger(__name__)


def serve(settings: Settings, config: Path | None = None) -> None:
    """Answer and scan until SIGTERM or SIGINT; whoever was accepted until then has an answer.

    Args:
        settings: Of this site.
        config: The file that they come from, for the scans.

    Raises:
        Failure: a model, a socket, an address or the fleet cannot be used as the settings ask.
    """
    tokens = Tokens(settings.telemetry.dir / "tokens.json")
    refuse_open_doors(settings.daemon, tokens)
    daemon = Daemon(settings)
    with ExitStack() as stack:
        doors = [stack.enter_context(unix_door(settings.daemon.socket))]
        if settings.daemon.listen:
            doors.append(stack.enter_context(tcp_door(settings.daemon.listen)))
        scans = stack.enter_context(watching(settings, config, daemon.meters))
        app = create_app(daemon.desk(scans), tokens, daemon.meters)
        asyncio.run(_serve(daemon, app, doors))


class Daemon:
    """The threads behind the server, and what they share.

    Args:
        settings: Of this site.

    Raises:
        Failure: there is no such model, or it may not be asked.
    """

    def __init__(self, settings: Settings) -> None:
        self.questions: WorkQueue[Question, Explained] = WorkQueue(QUESTIONS)
        self.pairs: WorkQueue[Pair, PairBelief] = WorkQueue(PAIRS)
        self.meters = Meters({"explain": self.questions, "pairs": self.pairs})
        self._settings = settings
        self._scorers = Scorers(settings, self.pairs)
        explanations = Explanations(settings, self._scorers.scorer, self.questions)
        self._lanes = [_Lane("explain", explanations)]
        if self._scorers.is_local:
            device = _device(settings)
            worker = PairWorker(self.pairs, self._scorers.load, device, self.meters)
            self._lanes.append(_Lane("model", worker))

    def start(self) -> list[Future[None]]:
        """Start the threads; return what tells when each is ready, or why it never will be."""
        return [lane.start() for lane in self._lanes]

    def ready(self) -> bool:
        """Return whether all models are loaded."""
        return all(lane.ready for lane in self._lanes)

    def well(self) -> bool:
        """Return whether no thread hangs or has died."""
        return all(lane.well(time.monotonic()) for lane in self._lanes)

    def desk(self, scans: Scans | None) -> Desk:
        """Return what the routes ask.

        Args:
            scans: Of the fleet; None where none is scanned.
        """
        return Desk(
            self.questions,
            self._believed,
            self._settings.store,
            agreed(self._settings),
            self.ready,
            self.well,
            scans,
        )

    def close(self) -> None:
        """Let the threads end once nothing waits, and wait for them."""
        self.questions.close()
        self._lanes[0].join(CUT_SECONDS)
        self.pairs.close()
        for lane in self._lanes[1:]:
            lane.join(CUT_SECONDS)

    def abandon(self) -> None:
        """Tell whoever still waits to ask again later."""
        for queue in (self.questions, self.pairs):
            queue.abandon(Overloaded("shutting down"))

    def _believed(
        self, pairs: Sequence[Pair], urgency: Urgency, seconds: float
    ) -> tuple[PairBelief, ...]:
        scorer = self._scorers.scorer(urgency, seconds, MOST_PAIRS)
        if scorer is None:
            raise Failure("nobody is asked about pairs", "set model.proposer to local or openai")
        return scorer.score(pairs)


class _Work(Protocol):
    busy_since: float | None

    def start(self) -> None: ...
    def run(self) -> None: ...


class _Lane:
    """A thread that loads what it needs and then works."""

    def __init__(self, name: str, work: _Work) -> None:
        self._work = work
        self._begun: Future[None] = Future()
        self._thread = Thread(target=self._live, name=name, daemon=True)

    def start(self) -> Future[None]:
        self._thread.start()
        return self._begun

    @property
    def ready(self) -> bool:
        return self._begun.done() and self._begun.exception() is None

    def well(self, now: float) -> bool:
        since = self._work.busy_since
        return self._thread.is_alive() and (since is None or now - since < STUCK_SECONDS)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _live(self) -> None:
        try:
            self._work.start()
        except Exception as error:  # noqa: BLE001 - whoever started us raises it
            self._begun.set_exception(error)
            return
        self._begun.set_result(None)
        self._work.run()


class _Server(PoliteServer):
    """Finishes what was accepted before it ends."""

    def __init__(self, config: uvicorn.Config, daemon: Daemon) -> None:
        super().__init__(config)
        self._daemon = daemon

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, and answer whoever was accepted."""
        notify("STOPPING=1")
        LOG.info("stopping: %d questions wait", len(self._daemon.questions))
        self._daemon.questions.close()
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._daemon.abandon)
        await super().shutdown(sockets)


async def _serve(daemon: Daemon, app: Starlette, doors: Sequence[socket.socket]) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=int(DRAIN_SECONDS + CUT_SECONDS),
        limit_concurrency=CONNECTIONS,
    )
    server = _Server(config, daemon)
    loading = asyncio.gather(*map(asyncio.wrap_future, daemon.start()))
    alive = asyncio.create_task(_alive(server, loading, daemon.well))
    try:
        await server.serve(list(doors))
    finally:
        alive.cancel()
        await asyncio.to_thread(daemon.close)
    if loading.done():
        loading.result()  # what kept the models from being loaded is told


async def _alive(
    server: _Server, loading: "asyncio.Future[list[None]]", well: Callable[[], bool]
) -> None:
    """Tell systemd when all is loaded, and then that no thread hangs; stop where loading failed."""
    await asyncio.wait({loading})
    if loading.exception() is not None:
        server.should_exit = True
        return
    LOG.info("ready")
    notify("READY=1")
    every = watchdog_seconds()
    while every:
        await asyncio.sleep(every / 3)
        if well():
            notify("WATCHDOG=1")


def _device(settings: Settings) -> Place:
    """Return where the model runs first."""
    if settings.model.device == "auto":
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    return settings.model.device
