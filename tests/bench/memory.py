"""How much memory each stage of a diagnosis takes: a few incidents in a process of their own.

The kernel keeps the most that a process held, and forgets it when told to; both cost time, so that
no stage is timed here. Linux only.

Reference: proc(5), ``VmHWM`` of ``/proc/PID/status`` and ``/proc/PID/clear_refs``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import numpy as np

from diagnose.compose import compose, limits
from diagnose.config import load
from diagnose.incident.bundle import read_bundle
from diagnose.incident.window import make_window
from diagnose.pipeline import Anomalies, Proposer, Ranking, Roles, explain
from diagnose.schema import CausalGraph, Failure, Node, Window
from tests.bench.markdown import table
from tests.bench.measure import Job

P = ParamSpec("P")
R = TypeVar("R")

FEW: Final = 5  # incidents of a set
STATUS: Final = Path("/proc/self/status")
FORGET: Final = Path("/proc/self/clear_refs")
PEAK_OF_RSS: Final = "5"  # what makes the kernel forget the peak
KIB: Final = 1024.0


@dataclass(slots=True)
class Gauge:
    """Keeps the most memory that each stage added, and what stayed.

    Attributes:
        rose: MiB that the process held at most above what it held as a stage began.
        stayed: MiB of private memory that it held more as the stage was over.
    """

    rose: dict[str, float] = field(default_factory=dict)
    stayed: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what runs inside; what a stage does twice counts by its larger rise."""
        FORGET.write_text(PEAK_OF_RSS, encoding="ascii")
        before = held()
        yield
        after = held()
        rise = after["VmHWM"] - before["VmRSS"]
        self.rose[name] = max(self.rose.get(name, 0.0), rise)
        self.stayed[name] = self.stayed.get(name, 0.0) + after["RssAnon"] - before["RssAnon"]

    def over(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        """Return ``function``, measured as a stage."""

        def measured(*given: P.args, **named: P.kwargs) -> R:
            with self.stage(name):
                return function(*given, **named)

        return measured


@dataclass(frozen=True, slots=True)
class Watched:
    """Whoever claims in ``roles``, measured."""

    roles: Roles
    proposer: Proposer
    gauge: Gauge

    def detect(self, window: Window, symptom: Node | None) -> Anomalies:
        """Return what the detector finds."""
        with self.gauge.stage("detect"):
            return self.roles.detector.detect(window, symptom)

    def rank(self, window: Window, symptom: Node | None) -> Ranking:
        """Return the ranking without graph."""
        with self.gauge.stage("rank"):
            return self.roles.ranker.rank(window, symptom)

    def propose(self, window: Window, anomalies: Anomalies, symptom: Node) -> CausalGraph:
        """Return what the proposer claims."""
        with self.gauge.stage("propose"):
            return self.proposer.propose(window, anomalies, symptom)


def watched(roles: Roles, gauge: Gauge) -> Roles:
    """Return ``roles`` with every stage measured by ``gauge``."""
    claims = Watched(roles, roles.proposer, gauge)
    plain = roles.plain_proposer
    return replace(
        roles,
        detector=claims,
        ranker=claims,
        proposer=claims,
        plain_proposer=Watched(roles, plain, gauge) if plain else None,
        falsify=gauge.over("falsify", roles.falsify),
        attribute=gauge.over("attribute", roles.attribute),
        associate=gauge.over("rungs", roles.associate),
        intervene=gauge.over("rungs", roles.intervene),
        imagine=gauge.over("rungs", roles.imagine),
        advise=gauge.over("advise", roles.advise),
    )


def memory_of(job: Job) -> tuple[Gauge, ...]:
    """Return what the stages of the first answers of a set took; what fails is passed over."""
    settings = load(None, {"model": {"proposer": job.proposer}})
    roles, bounds = compose(settings), limits(settings)
    found: list[Gauge] = []
    for path in job.paths:
        gauge = Gauge()
        with suppress(Failure):
            with gauge.stage("read"):
                bundle = read_bundle(path)
                window = make_window(bundle, bounds)
            diagnosis = explain(bundle.id, window, watched(roles, gauge), bundle.symptom)
            if diagnosis.root_causes:
                found.append(gauge)
        if len(found) == FEW:
            break
    return tuple(found)


def memory_table(sets: Mapping[str, tuple[Gauge, ...]]) -> Iterator[str]:
    """Yield how far each stage rose: in the first answer, and at the median in those after it."""
    stages = dict.fromkeys(
        stage for answers in sets.values() for answer in answers for stage in answer.rose
    )
    rows = []
    for name, (first, *later) in ((name, found) for name, found in sets.items() if found):
        cells = [
            _pair(first.rose.get(stage, 0.0), [answer.rose.get(stage, 0.0) for answer in later])
            for stage in stages
        ]
        stayed = [sum(answer.stayed.values()) for answer in (first, *later)]
        cells.append(_pair(stayed[0], stayed[1:]))
        rows.append([f"{name} (1 / {len(later)})", *cells])
    head = (f"{stage}, MiB" for stage in stages)
    yield from table(("set (answers)", *head, "private, stays, MiB"), rows)


def _pair(first: float, later: Sequence[float]) -> str:
    return f"{first:.1f} / {np.median(later):.1f}" if later else f"{first:.1f} / -"


def held() -> dict[str, float]:
    """Return the lines of the process's status that are sizes, in MiB."""
    sizes = {}
    for line in STATUS.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            sizes[name] = float(value.split()[0]) / KIB
    return sizes
