"""False incidents where an alert asks: an operator's rule fires, and each firing is explained.

    python -m tests.bench.replay_alerts DIR

DIR holds servers as ``tests.bench.replay_days`` reads them. The rule is what is written where
nobody knows better: one of a server's two most typical signals above a high quantile of its own
past for some minutes; firings less than an hour apart are one alert. Its signal is the symptom, and
the answer is that of the shipped level. An alert whose window touches no labelled stretch has
nothing to be explained, and an answer to it is a false incident. Intervals are over servers.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.compose import ALERTED, compose
from diagnose.config import load
from diagnose.pipeline import Roles, explain
from models.detector import RobustDetector
from tests.bench.markdown import table
from tests.bench.replay_days import HISTORY, QUIET, STEPS, lead_of, window_at

Array = NDArray[np.float64]

QUANTILES: Final = (0.95, 0.99)  # of a signal's past
LASTS: Final = 300.0  # seconds that the rule must hold, but for two instants at least
WATCHED: Final = 2  # signals of a server
ALPHAS: Final = (ALERTED, 0.05, 0.01, 0.001)
RESAMPLES: Final = 2000
SERVERS: Final = 5  # least number of them for an interval
DAY_SECONDS: Final = 86_400.0
HEAD: Final = (
    "servers (host-days)",
    "rule's quantile",
    "level",
    "alerts outside labels",
    "false incidents",
    "per 1,000 host-days",
    "per alert outside labels",
    "silent per alert outside labels",
    "answered of alerts within labels",
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert and what was said of it.

    Attributes:
        labelled: Whether its window touches a labelled instant.
        answered: Whether a cause was named at the shipped level.
        score: What the detector said, -log10 of a chance.
    """

    labelled: bool
    answered: bool
    score: float


@dataclass(frozen=True, slots=True)
class Watch:
    """One server under one rule.

    Attributes:
        server: Its name.
        quantile: Of the rule.
        days: Host-days during which the rule was evaluated.
        alerts: All that fired.
    """

    server: str
    quantile: float
    days: float
    alerts: tuple[Alert, ...]


def typical(values: Array) -> list[int]:
    """Return the columns that move most like all others, of the ``HISTORY`` that nobody asks of."""
    past = values[:HISTORY]
    moving = np.flatnonzero(past.std(axis=0) > 0)
    alike = np.abs(np.corrcoef(past[:, moving], rowvar=False)).mean(axis=0)
    return [int(moving[i]) for i in np.argsort(-alike, kind="stable")[:WATCHED]]


def firings(values: Array, column: int, quantile: float, step: float) -> NDArray[np.intp]:
    """Return the instants at which the rule on ``column`` begins to fire."""
    series = pl.Series(values[:, column])
    bar = series.rolling_quantile(quantile, interpolation="higher", window_size=HISTORY).shift(1)
    above = (series > bar).fill_null(value=False).to_numpy()
    lasts = max(round(LASTS / step), 2)
    run = np.convolve(above, np.ones(lasts), "full")[: len(above)] == lasts
    return np.flatnonzero(run & ~np.concatenate([[False], run[:-1]]))


def alerts_of(
    values: Array, watched: Sequence[int], quantile: float, step: float
) -> list[tuple[int, int]]:
    """Return instant and column of each alert; what fires within an hour of it adds nothing."""
    fired = sorted((int(t), c) for c in watched for t in firings(values, c, quantile, step))
    kept: list[tuple[int, int]] = []
    last = -np.inf
    for instant, column in fired:
        if (instant - last) * step > QUIET.total_seconds():
            kept.append((instant, column))
        last = instant
    return kept


def watch(
    server: str, parts: Sequence[tuple[Array, NDArray[np.bool_]]], step: float, roles: Roles
) -> Iterator[Watch]:
    """Yield what each rule made of one server.

    Args:
        server: Its name.
        parts: Values, of shape (instants, signals), and labels of each stretch of time.
        step: Seconds between two instants.
        roles: Who explains.
    """
    detector = RobustDetector(ALERTED)
    watched = typical(parts[0][0])
    length = lead_of(step) + max(round(300 / step), 3) + 1
    for quantile in QUANTILES:
        alerts, days = [], 0.0
        for values, label in parts:
            days += (len(values) - HISTORY) * step / DAY_SECONDS
            for instant, column in alerts_of(values, watched, quantile, step):
                first = instant - lead_of(step)
                if first < HISTORY or first + length > len(values):
                    continue
                window = window_at(server, values, first, step, length)
                symptom = window.signals[column].node
                said = explain(server, window, roles, symptom)
                touched = bool(label[first : first + length].any())
                alerts.append(
                    Alert(touched, bool(said.root_causes), detector.score(window, symptom))
                )
        yield Watch(server, quantile, days, tuple(alerts))


def rows(watches: Sequence[Watch]) -> Iterator[list[str]]:
    """Yield a row for each group of servers, rule and level."""
    groups = {"all": list(watches)}
    for seen in watches:
        groups.setdefault(seen.server.split("-")[0], []).append(seen)
    for name, members in groups.items():
        for quantile in QUANTILES:
            servers = [seen for seen in members if seen.quantile == quantile]
            days = sum(seen.days for seen in servers)
            for alpha in ALPHAS:
                counted = np.array([counts(seen, alpha) for seen in servers])
                outside, false, within, right = (int(n) for n in counted[:, 1:].sum(axis=0))
                yield [
                    f"{name}, {len(servers)} ({days:.0f})",
                    f"{quantile:g}",
                    f"{alpha:g}",
                    str(outside),
                    str(false),
                    over(counted, lambda n: 1000 * n[2] / n[0], "{:.0f}"),
                    over(counted, lambda n: n[2] / max(n[1], 1), "{:.2f}"),
                    over(counted, lambda n: 1 - n[2] / max(n[1], 1), "{:.2f}"),
                    f"{right} of {within}",
                ]


def counts(seen: Watch, alpha: float) -> tuple[float, ...]:
    """Return host-days, alerts outside labels and answers to them, the same two within labels."""
    bar = -np.log10(alpha)

    def answered(alert: Alert) -> bool:
        return alert.answered if alpha == ALERTED else alert.score >= bar

    outside = [answered(alert) for alert in seen.alerts if not alert.labelled]
    within = [answered(alert) for alert in seen.alerts if alert.labelled]
    return seen.days, len(outside), sum(outside), len(within), sum(within)


def over(counted: Array, ratio: Callable[[Array], float], form: str) -> str:
    """Return a ratio of sums over servers with its 95 % percentile bootstrap over servers.

    There is no interval over fewer servers than ``SERVERS``.
    """
    if len(counted) < SERVERS:
        return form.format(ratio(counted.sum(axis=0)))
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(counted), (RESAMPLES, len(counted)))
    drawn = [ratio(counted[draw].sum(axis=0)) for draw in draws]
    value, low, high = (
        form.format(x) for x in (ratio(counted.sum(axis=0)), *np.quantile(drawn, [0.025, 0.975]))
    )
    return f"{value} [{low}, {high}]"


def main() -> int:
    """Fire, explain and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    roles = compose(load(None, {"model": {"proposer": "none"}}))
    watches: list[Watch] = []
    for file in sorted(options.folder.glob("*.npz")):
        step = next(seconds for start, seconds in STEPS.items() if file.name.startswith(start))
        with np.load(file, allow_pickle=False) as held:
            calm, test = held["train"].astype(float), held["test"].astype(float)
            label = held["test_label"].astype(bool)
        parts = ((calm, np.zeros(len(calm), bool)), (test, label))
        watches.extend(watch(file.stem, parts, step, roles))
        sys.stderr.write(f"{file.stem}: {[len(seen.alerts) for seen in watches[-2:]]} alerts\n")
    sys.stdout.write("\n".join(table(HEAD, rows(watches))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
