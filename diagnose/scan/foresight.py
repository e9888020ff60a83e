"""What fails next on many hosts: every predictor, over the few signals that could tell it anything.

A predictor takes milliseconds a signal, and nearly all of a fleet's levels neither move nor are
beyond a limit. So each is first asked, all at once, what it would have to show for any predictor to
say a word; what does not show it is not predicted from, and nothing is lost by that.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind, Node, Prediction, Signal, Source, Window
from models.disks.predictor import PREFIX, SIGNALS
from models.growth import GROWING
from models.kinds import named
from models.predictor import Predictors, every_predictor, joined
from models.silence import SilencePredictor
from models.thresholds import LIMITS
from models.trend import EXHAUSTIBLE, heading

Array = NDArray[np.float64]
Places = NDArray[np.intp]

COUNTED: Final = "hw.physical_disk.power_cycles"  # of a healthy disk, too
ERRORS: Final = frozenset(SIGNALS.values()) - {COUNTED}
REMEMBERED: Final = 65_536  # signals of which is known who looks at them


def telling(signals: Sequence[Signal], values: Array) -> Places:
    """Return the places of the signals from which a predictor might tell something.

    Args:
        signals: Of any hosts.
        values: Of shape (instants, signals), NaN where nothing was seen.
    """
    asked = np.array([_asked(s.node.signal, s.kind, s.source) for s in signals], dtype=np.int64)
    found = np.zeros(len(signals), dtype=bool)
    for bit, limit in enumerate(LIMITS):
        place = np.flatnonzero(asked & (1 << bit))
        last = _last(values[:, place])
        if limit.within_hours:
            found[place] = _moved(values[:, place]) | (last != 0)
        else:
            found[place] |= last < limit.value if limit.below else last > limit.value
    moving = np.flatnonzero(asked & _TREND)
    found[moving] |= heading(values[:, moving])
    growing = np.flatnonzero(asked & _GROWTH)
    found[growing] |= (np.nan_to_num(values[:, growing]) > 0).any(axis=0)
    disks = np.flatnonzero(asked & _DISK).tolist()
    ill = {
        signals[i].node.entity
        for i in disks
        if signals[i].node.signal in ERRORS and (np.nan_to_num(values[:, i]) > 0).any()
    }
    # A disk's risk rests on all that it tells; one without any error is never risky.
    found[[i for i in disks if signals[i].node.entity in ill]] = True
    return np.flatnonzero(found)


def foreseen(levels: Window, silent: Window) -> tuple[Prediction, ...]:
    """Return what fails next, most probable first; each failure of an entity once.

    Args:
        levels: The signals that are ``telling``, of any number of hosts.
        silent: All signals of the entities of which nothing was read lately: whether an entity is
            silent, the few signals among ``levels`` cannot tell.
    """
    told = SilencePredictor().predict(silent) if silent.signals else ()
    return joined((*told, *(_of_levels().predict(levels) if levels.signals else ())))


# Who looks at a signal, as bits: first each limit, then these.
_TREND: Final = 1 << len(LIMITS)
_GROWTH: Final = _TREND << 1
_DISK: Final = _TREND << 2


@lru_cache(REMEMBERED)
def _asked(name: str, kind: Kind, source: Source) -> int:
    """Return who looks at a signal."""
    signal = Signal(Node("", name), kind, source)
    bits = sum(1 << bit for bit, limit in enumerate(LIMITS) if named(signal, limit.signal))
    bits |= _TREND if any(named(signal, one.signal) for one in EXHAUSTIBLE) else 0
    bits |= _GROWTH if any(named(signal, one.signal) for one in GROWING) else 0
    return bits | (_DISK if name.startswith(PREFIX) else 0)


@lru_cache(maxsize=1)
def _of_levels() -> Predictors:
    """Return this process's predictors: the disk model takes a while to load."""
    parts = every_predictor().parts
    return Predictors(part for part in parts if not isinstance(part, SilencePredictor))


def _last(values: Array) -> Array:
    """Return what each signal showed last; NaN where it was never seen."""
    seen = ~np.isnan(values)
    place = len(values) - 1 - seen[::-1].argmax(axis=0)
    last: Array = values[place, np.arange(values.shape[1])]
    return last


def _moved(values: Array) -> NDArray[np.bool_]:
    moved: NDArray[np.bool_] = np.fmax.reduce(values, axis=0) > np.fmin.reduce(values, axis=0)
    return moved
