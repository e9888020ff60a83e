"""How well anomalous instants of servers are told, beside simple ways.

    python -m tests.bench.machines DIR [--scores FOLDER] [--every WINDOWS]

DIR holds one ``NAME.npz`` a server with ``train`` (taken for calm), ``test`` and ``test_label``.
Aitia sees what a scan would: the instants up to now and the history before them, test and all, and
says one number a scan. The others learn once from ``train`` and say one number an instant; they are
asked as they are, and smoothed by the mean of the same stretches. So do those who foretell, a
sequence encoder and principal components, which learned from the server's own ``train`` or from
that of all other servers of its kind. *Life* is the one that ``aitia train life`` would keep, alone
and as a scan joins it to the detector. Every instant counts by itself: no point adjustment.
Intervals are over servers.

How encoders are trained and read was chosen on the servers in ``CHOSEN_ON``; the others, told apart
in a table of their own, had no part in it.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, precision_recall_curve

from diagnose.fleet import ALPHA
from diagnose.scan.screening import HALVED
from diagnose.training.life import choose
from models.foretellers import CONTEXT, Foreteller
from models.foretelling import learned_components, learned_encoder
from models.normal_life import NormalLife, calm_from, surprise
from models.oddity import bounded
from tests.bench.markdown import table
from tests.bench.replay_days import HISTORY, QUIET, STEPS, scan, segments

Array = NDArray[np.float64]
Score = Callable[[Array], Array]

CHOSEN_ON: Final = frozenset({"machine-1-6", "omi-1", "omi-3", "omi-5"})
RECALLS: Final = (0.3, 0.5)
BEST_PEER: Final = "PCA, smoothed"
VARIANCE: Final = 0.9  # that PCA's components hold
BAR: Final = -np.log10(ALPHA)  # of a scan
RULES: Final = ("Aitia", "life, own past", "Aitia and life, own past")
FLOOR: Final = 0.01  # of a signal's range in train: the least scale
RESAMPLES: Final = 1000
DAY_SECONDS: Final = 86_400.0
HEAD = (
    "way",
    "average precision",
    "F1, bar from the other servers",
    "F1, best bar",
    *(f"false alarms a server-day at recall {recall:g}" for recall in RECALLS),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One server's instants and what one way says about each.

    Attributes:
        label: Whether the instant is labelled anomalous.
        score: The larger, the more suspect.
        step: Seconds between two instants.
    """

    label: NDArray[np.bool_]
    score: Array
    step: float

    def precision(self) -> float:
        """Return the average precision."""
        return float(average_precision_score(self.label, self.score))

    def f1(self, bar: float) -> float:
        """Return the F1 of the instants at or above ``bar``."""
        accused = self.score >= bar
        return float(2 * (accused & self.label).sum() / (accused.sum() + self.label.sum()))

    def best_bar(self) -> float:
        """Return the bar with the best F1."""
        precision, recall, bars = precision_recall_curve(self.label, self.score)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        return float(bars[int(np.argmax(f1[:-1]))])

    def false_alarms(self, recall: float) -> float:
        """Return the alarms a day that touch no labelled instant, at the bar with that recall."""
        return self.false_above(np.quantile(self.score[self.label], 1 - recall, method="lower"))

    def false_above(self, bar: float) -> float:
        """Return the alarms a day that touch no labelled instant.

        Accused instants less than an hour apart are one alarm.
        """
        (accused,) = np.nonzero(self.score >= bar)
        if not len(accused):
            return 0.0
        apart = QUIET.total_seconds() / self.step
        runs = np.split(accused, np.flatnonzero(np.diff(accused) > apart) + 1)
        false = sum(not self.label[run].any() for run in runs)
        return false / (len(self.label) * self.step / DAY_SECONDS)

    def found(self, bar: float) -> list[bool]:
        """Return of each labelled stretch whether any instant of it is accused."""
        return [bool((self.score[a : b + 1] >= bar).any()) for a, b in segments(self.label)]


def median_iqr(calm: Array) -> Score:
    """Return what says the largest distance from a signal's median in interquartile ranges."""
    low, middle, high = np.quantile(calm, [0.25, 0.5, 0.75], axis=0)
    scale = np.maximum(high - low, FLOOR * np.maximum(np.ptp(calm, axis=0), 1e-9))
    return lambda asked: np.asarray((np.abs(asked - middle) / scale).max(axis=1))


def pca(calm: Array) -> Score:
    """Return what says the squared distance from the directions in which signals usually move."""
    mean, scale = calm.mean(axis=0), np.maximum(calm.std(axis=0), FLOOR)
    model = PCA(VARIANCE).fit((calm - mean) / scale)

    def rest(asked: Array) -> Array:
        moved = (asked - mean) / scale
        return np.asarray(((moved - model.inverse_transform(model.transform(moved))) ** 2).sum(1))

    return rest


def forest(calm: Array) -> Score:
    """Return what says the score of an isolation forest."""
    model = IsolationForest(random_state=0).fit(calm)
    return lambda asked: np.asarray(-model.score_samples(asked))


PEERS: Final[Mapping[str, Callable[[Array], Score]]] = {
    "median and IQR": median_iqr,
    "PCA": pca,
    "isolation forest": forest,
}
RULE_HEAD: Final = (
    "way",
    "average precision",
    "false alarms a server-day",
    "share of labelled instants",
    "share of the others",
    "labelled stretches found",
)

FORETELLERS: Final[Mapping[str, Callable[[list[Array]], Foreteller]]] = {
    "components": learned_components,
    "encoder": learned_encoder,
}


def aitia(calm: Array, asked: Array, step: float, every: int) -> tuple[Array, int]:
    """Return what each scan says, spread over its instants, and how many those are."""
    values = np.concatenate([calm[-HISTORY:], asked])
    scans = scan("server", values, None, step, every)
    score = np.repeat(scans.score, scans.every)[: len(asked)]
    return np.append(score, np.full(len(asked) - len(score), score[-1])), scans.length


def remembered(
    calm: Array, asked: Array, foreteller: Foreteller, length: int
) -> tuple[Array, Array]:
    """Return how odd each stretch is to who knows the server, and -log10 of its chance.

    Args:
        calm: Of which it is known what is usual.
        asked: What follows it.
        foreteller: Who has learned from servers with the same signals.
        length: Instants of a stretch.
    """
    life = NormalLife.of(calm, foreteller)
    odd = smoothed(life.oddness(np.concatenate([calm[-CONTEXT:], asked])), length)
    return odd, surprise(life.calm(length), odd)


def smoothed(score: Array, length: int) -> Array:
    """Return the mean of each stretch of ``length`` instants in place of its instants."""
    place = np.arange(len(score)) // length
    mean = np.bincount(place, score) / np.bincount(place)
    return np.asarray(mean[place])


def rule_rows(servers: Mapping[str, Mapping[str, Scored]]) -> Iterator[list[str]]:
    """Yield a line for each way that a scan could call a server anomalous, at its shipped level."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(servers), (RESAMPLES, len(servers)))
    for way in RULES:
        mine = [server[way] for server in servers.values()]
        found = [one.found(BAR) for one in mine]
        accused = [one.score >= BAR for one in mine]
        labelled = [one.label for one in mine]
        measures = [
            [one.precision() for one in mine],
            [one.false_above(BAR) for one in mine],
            [(a & label).sum() / label.sum() for a, label in zip(accused, labelled, strict=True)],
            [(a & ~label).mean() for a, label in zip(accused, labelled, strict=True)],
        ]
        of = f"{sum(map(sum, found))} of {sum(map(len, found))}"
        yield [way, *(_interval(np.array(values), draws) for values in measures), of]


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """One server's file.

    Attributes:
        name: Of the file.
        calm: Taken for calm, of shape (instants, signals).
        asked: What follows it, likewise.
        label: Whether each instant asked is labelled anomalous.
    """

    name: str
    calm: Array
    asked: Array
    label: NDArray[np.bool_]

    @classmethod
    def read(cls, file: Path) -> "Server":
        """Return what is in ``file``."""
        with np.load(file, allow_pickle=False) as parts:
            calm, asked = parts["train"].astype(float), parts["test"].astype(float)
            return cls(file.stem, calm, asked, parts["test_label"].astype(bool))

    @property
    def kind(self) -> str:
        """Return what servers with the same signals have in common."""
        return self.name.split("-")[0]

    @property
    def step(self) -> float:
        """Return the seconds between two instants."""
        return STEPS[self.kind]


def scored(folder: Path, every: int, kept: Path | None) -> Iterator[tuple[str, dict[str, Scored]]]:
    """Yield every server's name and what each way says about it."""
    servers = [Server.read(file) for file in sorted(folder.glob("*.npz"))]
    for server in servers:
        ours, length = _kept(server, every, kept)
        said = {"Aitia": ours}
        for name, learn in PEERS.items():
            score = learn(server.calm)
            said[name] = score(server.asked) / np.quantile(score(server.calm), 0.99)
            said[f"{name}, smoothed"] = smoothed(said[name], length)
        others = [one.calm for one in servers if one.kind == server.kind and one is not server]
        pasts = {"own past": [server.calm[: calm_from(len(server.calm))]]}
        pasts |= {"other servers": others} if others else {}
        for name, past in pasts.items():
            for who, learned in FORETELLERS.items():
                odd, chance = remembered(server.calm, server.asked, learned(past), length)
                said[f"{who}, {name}"] = odd
                said[f"Aitia or {who}, {name}"] = np.maximum(ours, chance)
        chosen = choose([server.calm], encoded=True)
        _, chance = remembered(server.calm, server.asked, chosen.foreteller, length)
        said["life, own past"] = bounded(chance)
        said["Aitia and life, own past"] = np.maximum(ours, said["life, own past"]) - HALVED
        sys.stderr.write(f"{server.name}: {chosen.facts}\n")
        yield (
            server.name,
            {name: Scored(server.label, score, server.step) for name, score in said.items()},
        )


def _kept(server: Server, every: int, kept: Path | None) -> tuple[Array, int]:
    """Return what Aitia says, from ``kept`` if it is there, and the instants of a stretch."""
    cache = kept / f"{server.name}-{every}.npz" if kept else None
    if cache and cache.exists():
        with np.load(cache, allow_pickle=False) as read:
            return read["score"], int(read["length"])
    score, length = aitia(server.calm, server.asked, server.step, every)
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, score=score, length=length)
    return score, length


def rows(servers: Mapping[str, Mapping[str, Scored]]) -> Iterator[list[str]]:
    """Yield a line for each way."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(servers), (RESAMPLES, len(servers)))
    for way in next(iter(servers.values())):
        mine = [server[way] for server in servers.values()]
        measures = [
            [one.precision() for one in mine],
            [one.f1(bar_of_others(mine, place)) for place, one in enumerate(mine)],
            [one.f1(one.best_bar()) for one in mine],
            *([one.false_alarms(recall) for one in mine] for recall in RECALLS),
        ]
        yield [way, *(_interval(np.array(values), draws) for values in measures)]
    share = [next(iter(server.values())).label.mean() for server in servers.values()]
    yield ["chance", f"{np.mean(share):.2f}", "", "", *("" for _ in RECALLS)]


def gained(
    servers: Mapping[str, Mapping[str, Scored]], unseen: Mapping[str, Mapping[str, Scored]]
) -> Iterator[str]:
    """Yield the lines of a table: what each way gains over the best peer, server by server."""
    rng = np.random.default_rng(0)
    lines = []
    for way in next(iter(servers.values())):
        if way == BEST_PEER:
            continue
        cells = [way]
        for some in (servers, unseen):
            draws = rng.integers(0, len(some), (RESAMPLES, len(some)))
            less = [ways[way].precision() - ways[BEST_PEER].precision() for ways in some.values()]
            cells.append(_interval(np.array(less), draws))
        lines.append(cells)
    yield from table(("way", "all servers", "servers not chosen on"), lines)


def bar_of_others(mine: list[Scored], place: int) -> float:
    """Return the bar with the best mean F1 over all servers but the one at ``place``."""
    others = [one for number, one in enumerate(mine) if number != place]
    bars = np.unique([one.best_bar() for one in others])
    mean = [sum(one.f1(bar) for one in others) for bar in bars]
    return float(bars[int(np.argmax(mean))])


def _interval(values: Array, draws: NDArray[np.int64]) -> str:
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def main() -> int:
    """Score, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="recent parts from scan to scan")
    parser.add_argument("--scores", type=Path, help="folder that keeps what Aitia said")
    options = parser.parse_args()
    servers = {}
    for name, ways in scored(options.folder, options.every, options.scores):
        servers[name] = ways
        sys.stderr.write(f"{name}: {len(next(iter(ways.values())).label)} instants\n")
    days = sum(len(w["Aitia"].label) * w["Aitia"].step for w in servers.values()) / DAY_SECONDS
    lines = [f"### {len(servers)} servers, {days:.0f} server-days", "", *table(HEAD, rows(servers))]
    lines += [f"### A scan at level {ALPHA:g}", "", *table(RULE_HEAD, rule_rows(servers))]
    unseen = {name: ways for name, ways in servers.items() if name not in CHOSEN_ON}
    if CHOSEN_ON & servers.keys() and unseen:
        lines += [f"### {', '.join(sorted(unseen))}", "", *table(HEAD, rows(unseen))]
        lines += ["### Less the average precision of PCA, smoothed", "", *gained(servers, unseen)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
