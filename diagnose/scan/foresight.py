"""What fails next on many hosts: every predictor, over the few signals that any looks at."""

from functools import lru_cache
from typing import Final

from diagnose.schema import Kind, Node, Prediction, Signal, Source, Window
from models.disks.predictor import PREFIX
from models.growth import GROWING
from models.kinds import named
from models.predictor import Predictors, every_predictor, joined
from models.silence import SilencePredictor
from models.thresholds import LIMITS
from models.trend import EXHAUSTIBLE

NAMES: Final = tuple(dict.fromkeys(one.signal for one in (*LIMITS, *EXHAUSTIBLE, *GROWING)))
REMEMBERED: Final = 65_536  # signals of which is known whether any predictor looks at them


def looked_at(signal: Signal) -> bool:
    """Return whether any predictor but that of silence looks at ``signal``."""
    return _looked_at(signal.node.signal, signal.kind, signal.source)


def foreseen(levels: Window, silent: Window) -> tuple[Prediction, ...]:
    """Return what fails next, most probable first; each failure of an entity once.

    Args:
        levels: All signals that are ``looked_at``, of any number of hosts.
        silent: All signals of the entities of which nothing was read lately: whether an entity is
            silent, the few signals among ``levels`` cannot tell.
    """
    told = SilencePredictor().predict(silent) if silent.signals else ()
    return joined((*told, *(_of_levels().predict(levels) if levels.signals else ())))


@lru_cache(REMEMBERED)
def _looked_at(name: str, kind: Kind, source: Source) -> bool:
    signal = Signal(Node("", name), kind, source)
    return name.startswith(PREFIX) or any(named(signal, one) for one in NAMES)


@lru_cache(maxsize=1)
def _of_levels() -> Predictors:
    """Return this process's predictors: the disk model takes a while to load."""
    parts = every_predictor().parts
    return Predictors(part for part in parts if not isinstance(part, SilencePredictor))
