"""Fit the disk model to a site's own disks, and say how well it predicts disks it has not seen.

Two splits, each a question of its own. *By disk*: the folds hold different disks of the same time;
it says how good the model is on this fleet. *By time*: learned before a moment, asked after it; it
says how well it will do tomorrow. The model that is kept learned from everything; what bends its
probabilities was fitted on the folds that the trees had not seen.

The course of a disk's values, read by a small encoder, joins the features only where the first fold
is foretold better with it than without, beyond what chance would give.

A disk that was repaired is censored then: a prediction that was heeded must not teach that it was
wrong.

Each fit is kept in the work folder under a key of the rows and the settings; a run that was cut off
goes on after the last fit.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.disks import HORIZONS
from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.disk_scores import Ranked, gained, precision_at_recall, ranked, score
from diagnose.failure import Failure
from models.disks.cases import Cases, draw, trials
from models.disks.features import names
from models.disks.forests import RECIPES, SHARED, Forests
from models.disks.history import RULE, Array, History, Hours, hours_of
from models.disks.outcomes import EDGES, Outcomes
from models.disks.stored import save
from models.disks.survival import DiskSurvival, fit, fit_bend

FOLDS: Final = 3
SEED: Final = 7
LANDMARK_HOURS: Final = 30 * 24
LEARN_SHARE: Final = 0.6  # of the failures that come before the moment of the split by time
LEAST_FAILURES: Final = 30  # below, nothing is fitted
MOST_IMPORTANT: Final = 10  # features that the card names

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """What a run learns from: the disks, what became of them, and moments of all of them."""

    history: History
    outcomes: Outcomes
    cases: Cases
    key: str
    repaired: int

    @classmethod
    def of(cls, rows: pl.DataFrame, repairs: pl.DataFrame | None = None) -> "Fleet":
        """Return the fleet in ``rows``.

        Args:
            rows: A history with outcomes.
            repairs: ``entity`` (a serial number) and ``time``; what comes after is not learned.

        Raises:
            Failure: too few disks failed.
        """
        if rows.is_empty():
            raise Failure("the history is empty, so nothing can be learned")
        history = History.of(rows)
        unrepaired = outcomes = Outcomes.of(rows, history)
        if repairs is not None:
            outcomes = outcomes.until(first_repair(history, repairs))
        failures = int(outcomes.failed.sum())
        if failures < LEAST_FAILURES:
            raise Failure(
                f"{failures} disks failed in this history, and {LEAST_FAILURES} are needed",
                "use the model that is shipped until more is known",
            )
        cases = draw(history, outcomes, np.random.default_rng(SEED))
        recipes = [asdict(recipe) for recipe in RECIPES]
        settings = json.dumps([dict(SHARED), recipes, FOLDS, SEED, version("lightgbm")])
        content = rows.hash_rows().to_numpy().tobytes() + outcomes.end.tobytes()
        key = hashlib.sha256(settings.encode() + content).hexdigest()
        repaired = int((outcomes.end < unrepaired.end).sum())
        return cls(history, outcomes, cases, key, repaired)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Cases and what was said about them; one entry a case.

    Attributes:
        disk: Number of the disk.
        at: The moment, in hours since 1970.
        risk: Probability of failing within each horizon, of shape (cases, horizons).
    """

    disk: Hours
    at: Hours
    risk: Array


class DiskTraining:
    """One run: which fits there are, and where they are kept.

    Args:
        fleet: What to learn from.
        work: Where finished fits are kept.
        progress: Told after each fit.
    """

    def __init__(self, fleet: Fleet, work: Path, progress: Progress) -> None:
        self.fleet = fleet
        self.work = work / fleet.key[:16]
        self.work.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([SEED, 1])
        self.fold = rng.integers(0, FOLDS, len(fleet.history.serials))
        self._tell, self._done = progress, 0
        self.encoded = False

    def try_encoder(self) -> Estimate:
        """Return what the sequence encoder adds to the average precision of a month, on one fold.

        If that is certainly more than nothing, all later fits have it.
        """
        fleet, kept = self.fleet, self.fold != 0
        disk, at = landmarks(fleet.outcomes)
        disk, at = disk[~kept[disk]], at[~kept[disk]]

        def ranking(encoded: bool) -> Ranked:
            self.encoded = encoded
            model = self._fit("fold-0", fleet.outcomes, kept)
            asked = Asked(disk, at, model.predict(fleet.history, disk, at))
            month = len(HORIZONS) - 1
            return known_outcomes(fleet.outcomes, asked, month, asked.risk[:, month])

        gain = gained(ranking(True), ranking(False), np.random.default_rng(SEED))
        self.encoded = gain.low > 0
        return gain

    def by_disk(self) -> tuple[Asked, Array]:
        """Return what models say about disks that they had not seen, and the final model's bend."""
        fleet, cases = self.fleet, self.fleet.cases
        folds = [
            self._fit(f"fold-{number}", fleet.outcomes, self.fold != number)
            for number in range(FOLDS)
        ]
        hazard = np.zeros((len(cases.at), len(HORIZONS)))
        for number, model in enumerate(folds):
            mine = self.fold[cases.disk] == number
            hazard[mine] = model.hazards(fleet.history, cases.disk[mine], cases.at[mine])
        learned = trials(fleet.outcomes, cases)
        disk, at = landmarks(fleet.outcomes)
        risk = np.zeros((len(at), len(HORIZONS)))
        for number, model in enumerate(folds):
            # What bends the answers about a fold must not have seen that fold either.
            others = np.where(self.fold[cases.disk] == number, 0.0, cases.weight)
            bent = replace(model, bend=fit_bend(hazard, learned, others))
            mine = self.fold[disk] == number
            risk[mine] = bent.predict(fleet.history, disk[mine], at[mine])
        return Asked(disk, at, risk), fit_bend(hazard, learned, cases.weight)

    def by_time(self, moment: int) -> Asked:
        """Return what a model says after ``moment``, an hour since 1970, that learned before it.

        One fold of the disks is kept from the trees, for what bends its probabilities.
        """
        fleet, cases = self.fleet, self.fleet.cases
        known = fleet.outcomes.until(moment)
        model = self._fit("by-time", known, (known.begin < moment) & (self.fold != 0))
        kept = (self.fold[cases.disk] == 0) & (cases.at < known.end[cases.disk])
        apart = Cases(cases.disk[kept], cases.at[kept], cases.weight[kept])
        hazard = model.hazards(fleet.history, apart.disk, apart.at)
        bent = replace(model, bend=fit_bend(hazard, trials(known, apart), apart.weight))
        disk, at = landmarks(fleet.outcomes)
        disk, at = disk[at >= moment], at[at >= moment]
        return Asked(disk, at, bent.predict(fleet.history, disk, at))

    def final(self, bend: Array) -> DiskSurvival:
        """Return the model that learned from all disks, its hazards bent by ``bend``."""
        model = self._fit("final", self.fleet.outcomes, np.ones(len(self.fold), bool))
        return replace(model, bend=bend)

    def _fit(self, name: str, outcomes: Outcomes, chosen: NDArray[np.bool_]) -> DiskSurvival:
        """Return what the chosen disks teach; its trees come from the work folder if they can."""
        fleet, cases = self.fleet, self.fleet.cases
        mine = chosen[cases.disk] & (cases.at < outcomes.end[cases.disk])
        cases = Cases(cases.disk[mine], cases.at[mine], cases.weight[mine])
        name = f"encoded-{name}" if self.encoded else name
        kept = self.work / f"{name}-{int(outcomes.end.max())}.json"
        texts = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None
        trees = Forests.read(texts) if texts else None
        disks = np.flatnonzero(chosen).astype(np.int64)
        encoder = None
        if self.encoded:
            from models.disks.sequences import DiskEncoder  # loads torch

            encoder = DiskEncoder.learn(fleet.history, disks, int(outcomes.end.max()))
        model = fit(fleet.history, outcomes, cases, disks, trees, encoder)
        if trees is None:
            draft = kept.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps([*model.trees.texts().values()]), encoding="utf-8")
            draft.replace(kept)
        self._done += 1
        self._tell(self._done, FOLDS + 4)
        return model


def train(
    rows: pl.DataFrame,
    out: Path,
    work: Path,
    progress: Progress,
    split: date | None = None,
    repairs: pl.DataFrame | None = None,
) -> dict[str, Any]:
    """Fit the model, write it to ``out`` and return its card.

    Args:
        rows: A history with outcomes, as ``diagnose.disks.read_history`` gives it.
        out: Folder of the model.
        work: Folder of finished fits, for a run that was cut off.
        progress: Told after each fit.
        split: Where to split by time; None for the day before which ``LEARN_SHARE`` of the
            failures lie.
        repairs: As ``diagnose.disks.read_repairs`` gives them; None where none are known.

    Raises:
        Failure: too few disks failed.
    """
    began = time.monotonic()
    fleet = Fleet.of(rows, repairs)
    training = DiskTraining(fleet, work, progress)
    ends = np.sort(fleet.outcomes.end[fleet.outcomes.failed])
    day = split or hour_to_day(int(ends[int(LEARN_SHARE * len(ends))]))
    gain = training.try_encoder()
    asked, bend = training.by_disk()
    by_disk = compared(fleet, asked)
    by_time = compared(fleet, training.by_time((day - date(1970, 1, 1)).days * 24))
    model = training.final(bend)
    share = model.trees.importance()[:-1]  # the last one is the interval
    first = np.argsort(-share)[:MOST_IMPORTANT]
    columns = [*names(), *(f"sequence.{i}" for i in range(len(share) - len(names())))]
    card = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": f"{platform.machine()}, {platform.system()}, 1 thread",
        "versions": {name: version(name) for name in ("aitia", "lightgbm", "numpy", "polars")},
        "python": platform.python_version(),
        "key": fleet.key,
        "rows": rows.height,
        "disks": len(fleet.history.serials),
        "failures": len(ends),
        "censored_by_repair": fleet.repaired,
        "seen": [
            str(hour_to_day(int(fleet.outcomes.begin.min()))),
            str(hour_to_day(int(fleet.outcomes.end.max()))),
        ],
        "sequence_encoder": {"joins": training.encoded, "gained": asdict(gain)},
        "by_disk": {"folds": FOLDS, "scores": by_disk},
        "by_time": {"learned_before": str(day), "scores": by_time},
        "importance": {columns[i]: round(float(share[i]), 4) for i in first},
    }
    save(model, card, out)
    rmtree(training.work)
    return card


def first_repair(history: History, repairs: pl.DataFrame) -> Hours:
    """Return when each disk was first repaired after it was first seen, in hours since 1970.

    The largest integer stands for never. Repairs of what is no disk of the history do not count.
    """
    disk = history.numbers(repairs["entity"].to_numpy().astype(str))
    at = repairs.select(hours_of(pl.col("time")))["time"].to_numpy().astype(np.int64)
    counts = (disk >= 0) & (at > history.start[history.first[disk]])
    first = np.full(len(history.serials), np.iinfo(np.int64).max)
    np.minimum.at(first, disk[counts], at[counts])
    return first


def landmarks(outcomes: Outcomes, hours: Hours | None = None) -> tuple[Hours, Hours]:
    """Return every disk in service at each landmark, and the landmark.

    Args:
        outcomes: Of the fleet.
        hours: The landmarks; None for one every 30 days.
    """
    if hours is None:
        hours = np.arange(outcomes.begin.min(), outcomes.end.max(), LANDMARK_HOURS)
    there = [np.flatnonzero((outcomes.begin <= at) & (outcomes.end > at)) for at in hours]
    disk = np.concatenate(there).astype(np.int64)
    return disk, np.repeat(hours, [len(found) for found in there])


def compared(fleet: Fleet, asked: Asked) -> dict[str, Any]:
    """Return, by horizon, how good the answers are, and how good the SMART rule is on the same."""
    rule = alarmed(fleet.history, asked.disk, asked.at).astype(np.float64)
    found: dict[str, Any] = {}
    for place, horizon in enumerate(HORIZONS):
        ours = known_outcomes(fleet.outcomes, asked, place, asked.risk[:, place])
        theirs = known_outcomes(fleet.outcomes, asked, place, rule)
        if not ours.failed.any():
            continue
        recall = float(theirs.probability[theirs.failed].mean())
        found[horizon] = {
            "model": asdict(score(ours, np.random.default_rng(SEED))),
            "rule": asdict(score(theirs, np.random.default_rng(SEED))),
            "at_the_rules_recall": {
                "recall": recall,
                "precision": precision_at_recall(ours, recall),
                "precision_of_the_rule": precision_at_recall(theirs, recall),
            },
        }
    return found


def known_outcomes(outcomes: Outcomes, asked: Asked, place: int, said: Array) -> Ranked:
    """Return the cases whose outcome at a horizon is known, by suspicion.

    Args:
        outcomes: Of the fleet.
        asked: The cases.
        place: Number of the horizon.
        said: What is said about each case, in place of its risk.
    """
    left, failed = outcomes.end[asked.disk] - asked.at, outcomes.failed[asked.disk]
    fails = failed & (left <= EDGES[place + 1])
    told = fails | (left >= EDGES[place + 1])
    days = np.where(failed, left / 24, np.inf)
    return ranked(asked.disk[told], fails[told], said[told], days[told])


def alarmed(history: History, disk: Hours, at: Hours) -> NDArray[np.bool_]:
    """Return where the SMART rule alarms: one of four error counts is above 0."""
    known = history.smart[history.known(disk, at)][:, RULE]
    return np.asarray((np.nan_to_num(known) > 0).any(axis=1))


def hour_to_day(hour: int) -> date:
    """Return the day in which an hour since 1970 lies."""
    return date(1970, 1, 1) + timedelta(days=hour // 24)
