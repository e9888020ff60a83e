"""Which of many hosts are off their normal life, since when, and in which signals.

The detector is silent about what has lasted for longer than it reads. Where the life of a host was
learned (``models.normal_life``), what lasts stays odd, and is announced as a service that is worse
than it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log10
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import Node, Prediction, Window
from models.foretellers import CONTEXT
from models.lives import STRETCH, GroupLife, Lives
from models.minutes import MINUTE_SECONDS, minutes_of
from models.normal_life import TOP, Array, Scale, missed, oddness, squares, surprise

LATELY: Final = CONTEXT + STRETCH  # minutes that tell whether a host is odd now
HOUR: Final = 60  # minutes in which it is looked when that began
LEAST_SEEN: Final = 0.8  # share of a host's signals, below which it is not the host it was
MOST_CERTAIN: Final = 4.0  # -log10 of the rarest chance that days can tell; see ``bounded``
TOLD_BADLY: Final = 4.0  # squared error of a signal, in usual ones, that is worth naming
MOST_NAMED: Final = 5
FAILURE: Final = "service-degradation"
PROBABILITY: Final = 0.5  # nominal, as of any silence
DAY_SECONDS: Final = 86_400.0
SOURCE: Final = "life"
NOMINAL: Final = "Held against this host's own calm past; the probability is nominal."


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of many hosts.

    Attributes:
        surprise: -log10 of the chance of such a stretch in the host's own calm past.
        others: Hosts that do not show the signals that their life was learned of.
    """

    surprise: Mapping[str, float] = field(default_factory=dict)
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What the hosts of a group showed.

    Attributes:
        group: Theirs.
        rows: Their places in it.
        minutes: Of shape (hosts, minutes, signals), NaN where nothing was seen.
    """

    group: GroupLife
    rows: NDArray[np.intp]
    minutes: Array

    @property
    def hosts(self) -> list[str]:
        """Return their names."""
        return [self.group.hosts[row] for row in self.rows]

    def known(self) -> NDArray[np.bool_]:
        """Return which of them show enough of what their life was learned of."""
        learned = np.isfinite(self.group.middle[self.rows])
        seen = np.isfinite(self.minutes[:, -LATELY:]).any(axis=1) & learned
        enough: NDArray[np.bool_] = seen.sum(axis=1) >= LEAST_SEEN * learned.sum(axis=1)
        return enough

    def wrong(self) -> Array:
        """Return how wrong each foretold value was, of shape (hosts, minutes, signals)."""
        group, (hosts, minutes, signals) = self.group, self.minutes.shape
        scale = Scale(group.middle[self.rows, None], group.width[self.rows, None])
        course = scale.read(self.minutes).reshape(hosts * minutes, 2 * signals)
        within = np.arange(CONTEXT, minutes)
        places = (np.arange(hosts)[:, None] * minutes + within).ravel()
        wrong = missed(course, places, group.foreteller.foretell(course, places))
        return wrong.reshape(hosts, len(within), signals)

    def error(self) -> Array:
        """Return how wrong usually is, of shape (hosts, 1, signals)."""
        return self.group.error[self.rows, None]

    def surprise(self, place: int, odd: Array) -> Array:
        """Return how surprising stretches of one host are."""
        calm = self.group.calm[self.rows[place]]
        return bounded(surprise(calm[np.isfinite(calm)], odd))


def judged(lives: Lives, nodes: Sequence[Node], values: Array, step_seconds: float) -> Judged:
    """Return how surprising the last minutes of many hosts are to who knows their lives.

    Hosts whose lives nobody knows are not among them.

    Args:
        lives: Of the fleet.
        nodes: The columns.
        values: Of shape (instants, columns), NaN where nothing was seen.
        step_seconds: Distance between two instants.
    """
    found: dict[str, float] = {}
    for shown in _shown(lives, nodes, values, step_seconds, LATELY):
        odd = oddness(shown.wrong(), shown.error())[:, -STRETCH:].mean(axis=1)
        hosts = shown.hosts
        for place in np.flatnonzero(shown.known()).tolist():
            found[hosts[place]] = float(shown.surprise(place, odd[place]))
    there = {node.entity.partition("/")[0] for node in nodes}
    return Judged(found, tuple(sorted((there & lives.rows.keys()) - found.keys())))


class LifePredictor:
    """Announce what has become worse than it was, and stays so.

    Args:
        lives: Of the fleet.
        alpha: Chance that a calm host is called odd, 0..1.
    """

    def __init__(self, lives: Lives, alpha: float) -> None:
        self.lives = lives
        self.bar = -log10(alpha)

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return one prediction for each host that is odd now, in the order of their names.

        Assumes:
            The recent part follows the baseline at once.
        """
        nodes = [signal.node for signal in window.signals]
        both = pl.concat([window.baseline, window.recent])
        values = both.select(pl.col([str(node) for node in nodes]).fill_null(np.nan)).to_numpy()
        end = both["time"][-1]
        found = []
        for shown in _shown(self.lives, nodes, values, window.step_seconds, HOUR):
            wrong = shown.wrong()
            for place in np.flatnonzero(shown.known()).tolist():
                one = self._prediction(shown, place, wrong[place], window.as_of, end)
                found += [one] if one else []
        return tuple(sorted(found, key=lambda one: one.entity))

    def _prediction(
        self, shown: _Shown, place: int, wrong: Array, as_of: datetime, end: datetime
    ) -> Prediction | None:
        """Return what is announced of one host; None where it is not odd."""
        error = shown.error()[place]
        odd = oddness(wrong, error)
        stretches = np.lib.stride_tricks.sliding_window_view(odd, STRETCH).mean(axis=1)
        surprising = shown.surprise(place, stretches)
        if surprising[-1] < self.bar:
            return None
        host = shown.hosts[place]
        back = odd_for(surprising)
        since = None if back is None else end - timedelta(seconds=MINUTE_SECONDS * back)
        return Prediction(
            host,
            FAILURE,
            PROBABILITY,
            0.0,
            as_of,
            tuple(_worst(host, shown.group, squares(wrong[-STRETCH:], error))),
            calibration="uncalibrated",
            lead_time_interval=(0.0, DAY_SECONDS),
            since=since,
            source=SOURCE,
            card=f"{shown.group.card} {NOMINAL}".strip(),
        )


def bounded(surprising: Array) -> Array:
    """Return surprises of which those beyond what days can tell keep their order and no more.

    Else the many hosts that a change of everybody's life makes odd would stand before the few that
    the detector has found.

    Example:
        >>> bounded(np.array([3.0, 4.0, 5.0, 103.0])).round(2).tolist()
        [3.0, 4.0, 4.5, 4.99]
    """
    excess = np.maximum(surprising - MOST_CERTAIN, 0.0)
    read: Array = np.minimum(surprising, MOST_CERTAIN) + excess / (1 + excess)
    return read


def odd_for(surprising: Array) -> int | None:
    """Return how many minutes ago a host became odd; None where that was before all that is known.

    Args:
        surprising: -log10 of the chance of each stretch, the last one odd.

    Example:
        >>> odd_for(np.array([0.1, 0.3, 2.0, 3.5])), odd_for(np.array([2.0, 3.5]))
        (1, None)
    """
    usual = np.flatnonzero(surprising < -log10(TOP))
    return len(surprising) - 2 - int(usual[-1]) if len(usual) else None


def _worst(host: str, group: GroupLife, square: Array) -> Iterator[Node]:
    """Yield the signals that were foretold worst in some minutes, the worst first."""
    seen = np.isfinite(square)
    mean = np.where(seen, square, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    order = np.argsort(-mean, kind="stable")[:MOST_NAMED]
    for rank, place in enumerate(order.tolist()):
        if rank == 0 or mean[place] >= TOLD_BADLY:
            part, signal = group.signals[place]
            yield Node(host + part, signal)


def _shown(
    lives: Lives, nodes: Sequence[Node], values: Array, step_seconds: float, most: int
) -> Iterator[_Shown]:
    """Yield what the hosts of each group showed in the last minutes, if these are enough."""
    groups: dict[int, tuple[list[int], list[int], list[int]]] = {}
    entity, part = "", ""
    known: tuple[int, int] | None = None
    for column, node in enumerate(nodes):
        if node.entity != entity:
            entity = node.entity
            host, slash, rest = entity.partition("/")
            known, part = lives.rows.get(host), slash + rest
        if known is None:
            continue
        number, row = known
        signal = lives.columns[number].get((part, node.signal))
        if signal is not None:
            kept = groups.setdefault(number, ([], [], []))
            for one, value in zip(kept, (row, signal, column), strict=True):
                one.append(value)
    for number, told in sorted(groups.items()):
        of_host, of_signal, columns = (np.array(one, dtype=np.intp) for one in told)
        minutes = minutes_of(values.T[columns].T, step_seconds, most)
        if len(minutes) < LATELY:
            return
        rows, places = np.unique(of_host, return_inverse=True)
        shown = np.full((len(rows), len(minutes), len(lives.groups[number].signals)), np.nan)
        shown[places, :, of_signal] = minutes.T
        yield _Shown(lives.groups[number], rows, shown)
