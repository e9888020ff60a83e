"""How well disks are predicted, beside simple ways: python -m tests.bench.disks SMART.parquet.

Every disk in service is asked every 30 days. By disk: three folds of different disks, all dates. By
time: learned before a day, asked after it. All ways learn from the same cases and are asked the
same; cases whose disk left within the horizon without failing have no outcome and are left out.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from diagnose.disks import HORIZONS, read_history
from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.disk_scores import Ranked, precision_at_recall, score
from diagnose.training.disks import (
    FOLDS,
    LANDMARK_HOURS,
    Asked,
    DiskTraining,
    Fleet,
    alarmed,
    known_outcomes,
)
from models.disks.forests import RECIPES, SHARED
from models.disks.history import Array, History, Hours
from models.disks.outcomes import COLUMNS, EDGES, Outcomes
from tests.bench.markdown import table
from tests.bench.operating import exact

Fit = Callable[[Array, "np.ndarray", Array], Callable[[Array], Array]]
Split = Iterator[tuple[Outcomes, "np.ndarray", "np.ndarray"]]
HEAD = (
    "horizon",
    "way",
    "average precision",
    "recall at 1 % of cases",
    "precision at the rule's recall",
    "recall at 1 and 10 false alarms in 10,000 drive-days",
    "days of lead, median",
    "calibration error",
)
RULE: Final = "SMART rule"
FALSE_ALARMS: Final = (1, 10)  # in 10,000 drive-days
LEADS: Final = (0, 7, 14, 30, 60, 90)  # days
LEAD_HEAD = (
    "way",
    "false alarms in 10,000 drive-days",
    *(f"more than {days} days before" for days in LEADS),
)
SAID: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SAID_HEAD = ("horizon", "cases", "said, mean", "failed")


def newest(history: History, disk: Hours, at: Hours) -> Array:
    """Return the raw values that were known last, their absence, and the age; no window."""
    row = history.known(disk, at)
    values = history.smart[row]
    age = history.power_on[row] + at - history.start[row]
    return np.column_stack([np.log1p(np.nan_to_num(values)), np.isnan(values), age / 1e4])


def logistic(x: Array, failed: np.ndarray, weight: Array) -> Callable[[Array], Array]:
    """Fit a logistic regression."""
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=0.1, max_iter=300).fit(scale.transform(x), failed, weight)
    return lambda asked: model.predict_proba(scale.transform(asked))[:, 1]


def boosting(x: Array, failed: np.ndarray, weight: Array) -> Callable[[Array], Array]:
    """Fit trees like ours to the newest values alone."""
    train = lgb.Dataset(x, failed, weight=weight / weight.mean(), params=dict(SHARED))
    model = lgb.train({**SHARED, **RECIPES[0].settings}, train, RECIPES[0].trees // 2)
    return lambda asked: np.asarray(model.predict(asked))


PEERS: dict[str, Fit] = {"logistic regression": logistic, "plain boosting": boosting}


def answered(fleet: Fleet, split: Split, asked: Asked, fit: Fit) -> Array:
    """Return what ``fit`` says about ``asked``, of shape (cases, horizons)."""
    risk = np.zeros_like(asked.risk)
    cases, x = fleet.cases, newest(fleet.history, fleet.cases.disk, fleet.cases.at)
    questions = newest(fleet.history, asked.disk, asked.at)
    for outcomes, teaches, learner in split:
        left = outcomes.end[cases.disk] - cases.at
        for place, hours in enumerate(EDGES[1:]):
            fails = outcomes.failed[cases.disk] & (left <= hours)
            told = learner & (left > 0) & (fails | (left >= hours))
            model = fit(x[told], fails[told], cases.weight[told])
            risk[teaches, place] = model(questions[teaches])
    return risk


def drive_days(ranking: Ranked) -> float:
    """Return how long disks were in service between the landmarks, in days."""
    return len(ranking.disk) * LANDMARK_HOURS / 24


def recall_at(ranking: Ranked, false_alarms: float) -> float:
    """Return the recall where there are so many false alarms in 10,000 drive-days."""
    days = drive_days(ranking)
    wrong = np.cumsum(~ranking.failed)[ranking.last]
    found = np.cumsum(ranking.failed)[ranking.last] / ranking.failed.sum()
    return float(np.interp(false_alarms * days / 1e4, np.append(0, wrong), np.append(0, found)))


def noticed(ranking: Ranked, false_alarms: float) -> Array:
    """Return by how many days each failing disk was alarmed before its failure; 0 where never.

    Args:
        ranking: Every disk in service at each landmark.
        false_alarms: In 10,000 drive-days, where the bar is.
    """
    most = false_alarms * drive_days(ranking) / 1e4 + 0.5
    wrong = np.cumsum(~ranking.failed)[ranking.last]
    allowed = np.append(0, ranking.last + 1)[np.searchsorted(wrong, most, "right")]
    fails = np.isfinite(ranking.left_days)
    _, disk = np.unique(ranking.disk[fails], return_inverse=True)
    days = np.zeros(int(disk.max(initial=-1)) + 1)
    alarm = np.flatnonzero(fails) < allowed
    np.maximum.at(days, disk[alarm], ranking.left_days[fails][alarm])
    return days


def leads(fleet: Fleet, asked: Asked, ways: Mapping[str, Array]) -> Iterator[list[str]]:
    """Yield, for each way, the share of failing disks that were alarmed so many days before."""
    month = len(HORIZONS) - 1
    for name, risk in ways.items():
        ranking = known_outcomes(fleet.outcomes, asked, month, risk[:, month])
        of_its_own = 1e4 * (ranking.probability == 1)[~ranking.failed].sum() / drive_days(ranking)
        for false_alarms in (of_its_own,) if name == RULE else FALSE_ALARMS:
            days = noticed(ranking, false_alarms)
            shares = (f"{(days > least).mean():.2f}" for least in LEADS)
            yield [name, f"{false_alarms:.0f}", *shares]


def said_and_seen(fleet: Fleet, asked: Asked) -> Iterator[list[str]]:
    """Yield, for each horizon and range of probabilities, what was said and what happened."""
    for place, horizon in enumerate(HORIZONS):
        ours = known_outcomes(fleet.outcomes, asked, place, asked.risk[:, place])
        part = np.digitize(ours.probability, SAID)
        for number in np.unique(part):
            mine = part == number
            fails, cases = int(ours.failed[mine].sum()), int(mine.sum())
            seen = exact(fails, cases)
            yield [
                horizon,
                f"{cases:,}",
                f"{ours.probability[mine].mean():.5f}",
                f"{seen.value:.5f} [{seen.low:.5f}, {seen.high:.5f}]",
            ]


def with_rule(fleet: Fleet, asked: Asked, ways: Mapping[str, Array]) -> dict[str, Array]:
    """Return ``ways`` and the SMART rule."""
    rule = alarmed(fleet.history, asked.disk, asked.at).astype(float)
    return {**ways, RULE: np.repeat(rule[:, None], len(HORIZONS), axis=1)}


def rows(fleet: Fleet, asked: Asked, ways: Mapping[str, Array]) -> Iterator[list[str]]:
    """Yield a line for each horizon and way."""
    for place, horizon in enumerate(HORIZONS):
        theirs = known_outcomes(fleet.outcomes, asked, place, ways[RULE][:, place])
        recall = float(theirs.probability[theirs.failed].mean())
        for name, risk in ways.items():
            ours = known_outcomes(fleet.outcomes, asked, place, risk[:, place])
            found = score(ours, np.random.default_rng(0))
            yield [
                horizon,
                name,
                interval(found.average_precision),
                interval(found.recall_at_budget),
                f"{precision_at_recall(ours, recall):.3f} (at {recall:.2f})",
                f"{recall_at(ours, 1):.2f}, {recall_at(ours, 10):.2f}",
                _days(found.lead_days),
                "" if name == RULE else interval(found.calibration_error),
            ]
        chance = found.failures / found.cases
        yield [horizon, "chance", f"{chance:.4f}", ".010", f"{chance:.4f}", "", "", ""]


def interval(estimate: Estimate) -> str:
    """Return a value with its 95 % interval; small values are told apart."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _days(lead: Estimate | None) -> str:
    return f"{lead.value:.0f} [{lead.low:.0f}, {lead.high:.0f}]" if lead else ""


def main() -> None:
    """Print one table for each split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", type=Path)
    parser.add_argument("--split", type=date.fromisoformat, default=date(2015, 9, 1))
    parser.add_argument("--work", type=Path, default=Path("build/bench/disks"))
    options = parser.parse_args()
    fleet = Fleet.of(read_history(options.history, COLUMNS))
    training = DiskTraining(fleet, options.work, lambda done, of: None)
    moment = (options.split - date(1970, 1, 1)).days * 24
    asked, _ = training.by_disk()
    folds = [
        (fleet.outcomes, training.fold[asked.disk] == n, training.fold[fleet.cases.disk] != n)
        for n in range(FOLDS)
    ]
    later = training.by_time(moment)
    known = fleet.outcomes.until(moment)
    then = [(known, np.ones(len(later.at), bool), np.ones(len(fleet.cases.at), bool))]
    for title, questions, split in (("By disk", asked, folds), ("By time", later, then)):
        ways = {"Aitia": questions.risk}
        for name, fit in PEERS.items():
            ways[name] = answered(fleet, iter(split), questions, fit)
        ways = with_rule(fleet, questions, ways)
        lines = [
            *table(HEAD, rows(fleet, questions, ways)),
            *table(LEAD_HEAD, leads(fleet, questions, ways)),
            *table(SAID_HEAD, said_and_seen(fleet, questions)),
        ]
        print(f"### {title}: {len(questions.at)} cases\n", *lines, "", sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
