"""Learn the normal life of a site's hosts from the days of telemetry that it keeps.

Hosts that show the same signals are a group. What foretells their signals is learned of some of
them: principal components, and a small sequence encoder that takes their place only where it
foretells certainly better what it has not seen: other hosts, or, in a group of few, the last part
of the time. It is measured by the mean absolute error, since among days that nobody labelled there
are bad ones, and squares would let these decide. What was measured is what is kept; of every host,
those included that nothing was learned of, it is then read what is usual for it.

What is learned from is bounded, so a fleet takes minutes, and a run that was cut off is begun anew.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from diagnose.evaluation.accuracy import Estimate, difference
from diagnose.failure import Failure
from diagnose.scan.kept import Kept, KeptCensus
from diagnose.training.pasts import LEAST_HOURS, Alike, Pasts, groups_of
from diagnose.training.run_card import write_card
from models.foretellers import CONTEXT, Foreteller
from models.foretelling import learned_components, learned_encoder
from models.lives import STRETCH, GroupLife, Told, write_lives
from models.normal_life import UNIT, Array, NormalLife, Scale, calm_from, missed

DAYS: Final = 3.0
LEARNED_OF: Final = 24  # hosts of a group
HELD_OUT: Final = 8  # further ones, at most a third
FEW: Final = 15  # hosts, below which the last part of the time is held out
MOST_SIGNALS: Final = 400  # of a host; those that move on most hosts
ENCODED: Final = 8  # groups for which an encoder is tried, the largest
HOUR: Final = 60  # minutes
SEED: Final = 7

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Who foretells a group, and how that was decided.

    Attributes:
        foreteller: Who.
        facts: For the run card.
    """

    foreteller: Foreteller
    facts: dict[str, Any]

    def card(self, hosts: int) -> str:
        """Return it in a sentence.

        Args:
            hosts: How many are held against it.
        """
        who, facts = self.facts["foreteller"], self.facts
        error = facts["mean_absolute_error"]
        named = {"encoder": "A sequence encoder", "components": "Principal components"}[who]
        return (
            f"{named}, learned {datetime.now(UTC):%Y-%m-%d} of {facts['learned_of']} "
            f"of {hosts} like hosts; the next minute of {facts['held_out']}, kept apart, was "
            f"foretold with a mean absolute error of {error[who]:.2g} robust deviations, "
            f"{error['last_value']:.2g} by the last value."
        )


def train(source: Kept, out: Path, progress: Progress, days: float = DAYS) -> dict[str, Any]:
    """Learn the lives of all hosts, write them to ``out`` and return the run card.

    Args:
        source: What was kept.
        out: File of the lives; the card is written beside it. It is left as it is where nothing
            can be learned.
        progress: Told how much was read, of how much.
        days: How far back is read.

    Raises:
        Failure: nothing was kept, or no host for long enough.
    """
    began = time.monotonic()
    census = source.census(datetime.now(UTC))
    pasts = Pasts(source, census, round(24 * days), progress)
    found, left_out = groups_of(pasts.lately())
    pasts.expect([len(group.hosts) for group in found])
    learned, told = [], []
    for number, group in enumerate(found):
        life, facts = _group(pasts, group, left_out, number < ENCODED)
        if life:
            learned.append(life)
            told.append(facts)
    if not learned:
        raise _too_little(census, left_out, days)
    write_lives(learned, out)
    facts = {
        "task": "life",
        "from": (pasts.end - pasts.span).isoformat(timespec="seconds"),
        "to": pasts.end.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "resumable": False,
        "groups": told,
        "left_out": dict(sorted(left_out.items())),
    }
    return write_card(out.parent, facts)


def _group(
    pasts: Pasts, group: Alike, left_out: dict[str, str], encoded: bool
) -> tuple[GroupLife | None, dict[str, Any]]:
    """Return the lives of a group and what the card says of it; None where there is too little."""
    rng = np.random.default_rng(SEED)
    some = rng.choice(len(group.hosts), min(len(group.hosts), LEARNED_OF + HELD_OUT), replace=False)
    drawn = [group.hosts[place] for place in some.tolist()]
    read = dict(pasts.read(drawn, group.signals, left_out))
    settled = settled_signals(list(read.values())) if read else []
    if not settled:
        why = "whatever it shows is new" if read else "its group was not seen for long enough"
        left_out |= {host: left_out.get(host, why) for host in group.hosts}
        return None, {}
    signals = tuple(group.signals[place] for place in settled)
    read = {host: past[:, settled] for host, past in read.items()}
    chosen = choose(list(read.values()), encoded)
    lives = {host: NormalLife.of(past, chosen.foreteller) for host, past in read.items()}
    read.clear()
    others = [host for host in group.hosts if host not in drawn]
    for host, past in pasts.read(others, signals, left_out):
        lives[host] = NormalLife.of(past, chosen.foreteller)
    facts = {
        "hosts": len(lives),
        "signals": len(signals),
        "signals_left_out": len(group.signals) - len(signals),
        "for_example": min(lives),
        **chosen.facts,
    }
    return _life(lives, signals, chosen), facts


def settled_signals(pasts: Sequence[Array]) -> list[int]:
    """Return the places of the signals that can be held against their past.

    One that leaves for good what it showed before (hours of service, a clock) on half of the hosts
    cannot: whatever it shows next is new.

    Args:
        pasts: Of each host, of shape (minutes, signals), NaN where nothing was seen.
    """
    leaves, moves = [], []
    for past in pasts:
        cut = calm_from(len(past))
        first, last = past[:cut], past[cut:]
        low, high = np.fmin.reduce(first), np.fmax.reduce(first)
        outside = ((last < low) | (last > high)).sum(axis=0)
        leaves.append(2 * outside > np.isfinite(last).sum(axis=0))
        moves.append(high > low)
    stays = np.flatnonzero(2 * np.sum(leaves, axis=0) < len(pasts))
    order = np.argsort(-np.sum(moves, axis=0)[stays], kind="stable")[:MOST_SIGNALS]
    return sorted(stays[order].tolist())


def choose(pasts: Sequence[Array], encoded: bool) -> Chosen:
    """Return who foretells such hosts: an encoder where it certainly does so better.

    Args:
        pasts: Of each host, of shape (minutes, signals), NaN where nothing was seen.
        encoded: Whether an encoder is tried.
    """
    held = min(HELD_OUT, len(pasts) // 3) if len(pasts) >= FEW else 0
    first = [past[: calm_from(len(past))] for past in pasts[held:]]
    components = learned_components(first)
    asked = pasts[:held] if held else pasts
    ours = _errors(components, asked, by_host=held > 0)
    held_out = f"{held} hosts" if held else "the last part of the time"
    facts: dict[str, Any] = {
        "learned_of": len(first),
        "held_out": held_out,
        "mean_absolute_error": {
            "components": float(ours.mean()),
            "last_value": float(_errors(None, asked, by_host=held > 0).mean()),
        },
        "foreteller": "components",
    }
    if not encoded:
        return Chosen(components, facts)
    encoder = learned_encoder(first)
    theirs = _errors(encoder, asked, by_host=held > 0)
    gain: Estimate = difference(ours, theirs)
    facts["mean_absolute_error"]["encoder"] = float(theirs.mean())
    facts["encoder_gains"] = asdict(gain)
    if gain.low <= 0:
        return Chosen(components, facts)
    return Chosen(encoder, facts | {"foreteller": "encoder"})


def _errors(foreteller: Foreteller | None, pasts: Sequence[Array], by_host: bool) -> Array:
    """Return the mean absolute error on the last part of pasts, in robust deviations.

    Args:
        foreteller: Who foretells; None for whoever repeats the last value.
        pasts: Of each host.
        by_host: Whether each host has one, and else each hour of each.
    """
    found: list[float] = []
    for past in pasts:
        course = Scale.of(past).read(past[calm_from(len(past)) - CONTEXT :])
        places = np.arange(CONTEXT, len(course))
        signals = course.shape[1] // 2
        before = course[places - 1, :signals]
        told = foreteller.foretell(course, places) if foreteller else before
        wrong = np.abs(missed(course, places, told))
        units = [wrong] if by_host else np.array_split(wrong, max(len(wrong) // HOUR, 1))
        found += [UNIT * float(np.nanmean(unit)) for unit in units if np.isfinite(unit).any()]
    return np.array(found)


def _life(lives: dict[str, NormalLife], signals: tuple[Told, ...], chosen: Chosen) -> GroupLife:
    """Return the lives of a group as they are kept."""
    hosts = tuple(sorted(lives))
    calm = [lives[host].calm(STRETCH) for host in hosts]
    longest = max(map(len, calm))
    padded = [np.pad(row, (0, longest - len(row)), constant_values=np.nan) for row in calm]
    return GroupLife(
        signals,
        hosts,
        chosen.foreteller,
        np.array([lives[host].scale.middle for host in hosts]),
        np.array([lives[host].scale.width for host in hosts]),
        np.array([lives[host].error for host in hosts]),
        np.array(padded),
        chosen.card(len(hosts)),
    )


def _too_little(census: KeptCensus, left_out: dict[str, str], days: float) -> Failure:
    """Return what to tell where no host was seen for long enough."""
    example = next(iter(sorted(left_out.items())), ("", "nothing was read of any"))
    what = f"of {len(census.hosts)} hosts, none was seen for {LEAST_HOURS} hours of the last"
    what += f" {24 * days:g}; {': '.join(example)}"
    return Failure(what, "keep telemetry for longer, and learn then")
