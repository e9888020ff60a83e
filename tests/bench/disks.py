"""How well disks are predicted, beside simple ways: python -m tests.bench.disks SMART.parquet.

Every disk in service is asked every 30 days. By disk: three folds of different disks, all dates. By
time: learned before a day, asked after it. All ways learn from the same cases and are asked the
same; cases whose disk left within the horizon without failing have no outcome and are left out.
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from diagnose.accuracy import Estimate
from diagnose.disk_scores import Ranked, precision_at_recall, score
from diagnose.disks import HORIZONS, read_history
from diagnose.train_disks import (
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


def recall_at(ranking: Ranked, false_alarms: float) -> float:
    """Return the recall where there are so many false alarms in 10,000 drive-days."""
    days = len(ranking.disk) * LANDMARK_HOURS / 24
    wrong = np.cumsum(~ranking.failed)[ranking.last]
    found = np.cumsum(ranking.failed)[ranking.last] / ranking.failed.sum()
    return float(np.interp(false_alarms * days / 1e4, np.append(0, wrong), np.append(0, found)))


def rows(fleet: Fleet, asked: Asked, ways: dict[str, Array]) -> Iterator[list[str]]:
    """Yield a line for each horizon and way."""
    rule = alarmed(fleet.history, asked.disk, asked.at).astype(float)
    ways = ways | {"SMART rule": np.repeat(rule[:, None], len(HORIZONS), axis=1)}
    for place, horizon in enumerate(HORIZONS):
        theirs = known_outcomes(fleet.outcomes, asked, place, rule)
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
                "" if name == "SMART rule" else interval(found.calibration_error),
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
        lines = table(HEAD, rows(fleet, questions, ways))
        print(f"### {title}: {len(questions.at)} cases\n", *lines, "", sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
