"""False incidents of our own lab: hours of one small site, with harmless disturbances and faults.

    python -m tests.bench.replay_lab WHOLE...

WHOLE is what ``tests.lab.record`` writes beside its bundles: everything from its start to its end,
and when it was disturbed, broken and repaired. Once a minute the site is asked about as a scheduler
would, without any alert; and each time that an operator's rule fires, its signal is explained. The
rule is what is written where nobody knows better, a signal above a high quantile of its own last
minutes for ten seconds. What touches no fault has nothing to be explained, and an answer to it is
false, disturbed or not.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from diagnose.compose import ALERTED, compose
from diagnose.config import load
from diagnose.incident.bundle import Bundle
from diagnose.incident.window import make_window
from diagnose.pipeline import Roles, explain
from diagnose.schema import LOGS, READINGS, Node
from models.detector import RobustDetector
from tests.bench.markdown import table

BEFORE: Final = timedelta(minutes=5)  # from the first reading that is looked at to the moment
AFTER: Final = timedelta(minutes=1)  # from the moment to the asking
LEAD: Final = timedelta(minutes=2)  # before the moment, and looked at as recent
EVERY: Final = timedelta(minutes=1)
APART: Final = timedelta(minutes=5)  # accused moments nearer than this are one incident
ALPHAS: Final = (0.1, 0.01, 0.001)
QUANTILES: Final = (0.95, 0.99)
LASTS: Final = timedelta(seconds=10)
DAY: Final = timedelta(days=1)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """One continuous recording.

    Attributes:
        name: Of its folder.
        span: First and last instant.
        readings: Schema READINGS.
        logs: Schema LOGS.
        symptoms: What an operator's rule watches.
        topology: (caller, callee) pairs.
        contains: (whole, part) pairs.
        faults: From when to when something was broken.
        disturbances: From when to when something harmless went on.
    """

    name: str
    span: Span
    readings: pl.DataFrame
    logs: pl.DataFrame
    symptoms: tuple[Node, ...]
    topology: tuple[tuple[str, str], ...]
    contains: tuple[tuple[str, str], ...]
    faults: tuple[Span, ...]
    disturbances: tuple[Span, ...]

    @classmethod
    def read(cls, folder: Path) -> "Whole":
        """Return the recording in ``folder``."""
        told = json.loads((folder / "recording.json").read_text())
        events = json.loads((folder / "events.json").read_text())
        return cls(
            folder.name,
            (datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["end"])),
            pl.read_parquet(folder / "metrics.parquet").cast(READINGS),
            pl.read_parquet(folder / "logs.parquet").cast(LOGS),
            tuple(Node(**symptom) for symptom in told["symptoms"]),
            tuple((caller, callee) for caller, callee in told["topology"]),
            tuple((host, part) for host, part in told["contains"]),
            _spans(events["faults"]),
            _spans(events["disturbances"]),
        )

    def at(self, moment: datetime, symptom: Node | None = None) -> Bundle:
        """Return what is known of ``moment`` a minute after it."""
        asked = moment + AFTER
        seen = pl.col("time").is_between(moment - BEFORE, asked)
        return Bundle(
            f"{self.name} {moment:%H:%M:%S}",
            "fault lab",
            moment,
            asked,
            1.0,
            self.readings.lazy().filter(seen),
            self.logs.lazy().filter(seen),
            symptom,
            self.topology,
            self.contains,
        )

    def moments(self) -> Iterator[datetime]:
        """Yield the moments at which a scheduler would ask."""
        moment = self.span[0] + BEFORE
        while moment + AFTER <= self.span[1]:
            yield moment
            moment += EVERY

    def firings(self, symptom: Node, quantile: float) -> Iterator[datetime]:
        """Yield when a rule on ``symptom`` fires; what fires soon after it adds nothing."""
        series = self.readings.filter(entity=symptom.entity, signal=symptom.signal).sort("time")
        past = series["value"].rolling_quantile(
            quantile, interpolation="higher", window_size=int(BEFORE.total_seconds())
        )
        lasts = int(LASTS.total_seconds())  # what holds for so long must not raise its own bar
        above = (series["value"] > past.shift(lasts)).fill_null(value=False)
        held = above.cast(pl.Int8).rolling_sum(lasts) == lasts
        last = datetime.min.replace(tzinfo=self.span[0].tzinfo)
        for moment in series["time"].filter(held).to_list():
            if moment - last > APART and moment + AFTER <= self.span[1]:
                yield moment
            last = moment


@dataclass(frozen=True, slots=True)
class Asked:
    """One moment that was asked about.

    Attributes:
        moment: When.
        broken: Whether what was looked at as recent touches a fault.
        disturbed: Whether it touches a disturbance.
        score: What the detector said, -log10 of a chance.
        answered: Whether a cause was named; None where that was not asked.
    """

    moment: datetime
    broken: bool
    disturbed: bool
    score: float
    answered: bool | None = None


def asked(whole: Whole, moment: datetime, roles: Roles, symptom: Node | None) -> Asked:
    """Return what is said of ``moment``; explained in full where there is a symptom."""
    window = make_window(whole.at(moment, symptom))
    said = explain(whole.name, window, roles, symptom) if symptom else None
    return Asked(
        moment,
        _touched(moment, whole.faults),
        _touched(moment, whole.disturbances),
        RobustDetector().score(window, symptom),
        bool(said.root_causes) if said else None,
    )


def unprompted(replayed: Sequence[tuple[Whole, Sequence[Asked]]]) -> Iterator[list[str]]:
    """Yield a row a level for what was asked without any alert, of each recording."""
    for alpha in ALPHAS:
        bar = -np.log10(alpha)
        accused = [(whole, [one for one in seen if one.score >= bar]) for whole, seen in replayed]
        false = [[one for one in seen if not one.broken] for _, seen in accused]
        found = [
            any(_touched(one.moment, [fault]) for one in seen)
            for whole, seen in accused
            for fault in whole.faults
        ]
        yield [
            f"{alpha:g}",
            str(sum(not one.broken for _, seen in replayed for one in seen)),
            f"{sum(map(len, false))} ({sum(one.disturbed for seen in false for one in seen)})",
            str(sum(map(_runs, false))),
            f"{sum(found)} of {len(found)}",
        ]


def prompted(quantile: float, seen: Sequence[Asked]) -> list[str]:
    """Return the row of a rule."""
    outside = [one for one in seen if not one.broken]
    answered = [one for one in outside if one.answered]
    within = [one for one in seen if one.broken]
    return [
        f"{quantile:g}",
        f"{len(outside)} ({sum(one.disturbed for one in outside)})",
        f"{len(answered)} ({sum(one.disturbed for one in answered)})",
        f"{sum(bool(one.answered) for one in within)} of {len(within)}",
    ]


def _spans(told: Sequence[dict[str, str]]) -> tuple[Span, ...]:
    return tuple(
        (datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"])) for one in told
    )


def _touched(moment: datetime, spans: Sequence[Span]) -> bool:
    return any(first <= moment + AFTER and moment - LEAD <= last for first, last in spans)


def _runs(seen: Sequence[Asked]) -> int:
    """Return how many incidents the accused moments make."""
    moments = [one.moment for one in seen]
    apart = [after - before > APART for before, after in pairwise(moments)]
    return sum(apart) + bool(moments)


def main() -> int:
    """Ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="WHOLE")
    roles = compose(load(None, {"model": {"proposer": "none"}}))
    recordings = [Whole.read(folder) for folder in parser.parse_args().folders]
    replayed = [
        (whole, [asked(whole, moment, roles, None) for moment in whole.moments()])
        for whole in recordings
    ]
    fired = {
        quantile: [
            asked(whole, moment, roles, symptom)
            for whole in recordings
            for symptom in whole.symptoms
            for moment in whole.firings(symptom, quantile)
        ]
        for quantile in QUANTILES
    }
    days = sum((last - first) / DAY for first, last in (whole.span for whole in recordings))
    disturbances = sum(len(whole.disturbances) for whole in recordings)
    lines = [f"{days:.3f} host-days, {disturbances} disturbances", ""]
    head = ["level", "moments outside faults", "accused (disturbed)", "false incidents"]
    lines += [*table([*head, "faults found"], unprompted(replayed)), ""]
    head = ["rule's quantile", "alerts outside faults (disturbed)", "answered (disturbed)"]
    rules = [prompted(quantile, seen) for quantile, seen in fired.items()]
    lines += table([*head, f"answered within faults, level {ALERTED:g}"], rules)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
