"""What will fail, by three kinds of claimants behind one contract.

*Learned* knows how such hardware failed elsewhere (``disks/``) or this host's own normal life
(``oddity.py``), *trend* (``trend.py``, of errors ``growth.py``) where a level is heading,
*knowledge* (``thresholds.py``, ``silence.py``) what vendors and severities say, and what it means
that somebody no longer reports. One failure of one entity is one prediction, however many foresee
it: the most probable stands, with all evidence. So nothing that knowledge alone would say is ever
lost, and it is the floor.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from diagnose.schema import Node, Prediction, Window
from models.growth import GrowthPredictor
from models.silence import SilencePredictor
from models.thresholds import ThresholdPredictor
from models.trend import TrendPredictor


class Predictor(Protocol):
    """Say what will fail; a predictor edits nothing and sees nothing after ``window.as_of``."""

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return what will fail, most probable first; empty where nothing is foreseen."""


class Predictors:
    """Several predictors as one.

    Args:
        parts: Whose predictions are joined.
    """

    def __init__(self, parts: Iterable[Predictor]) -> None:
        self.parts = tuple(parts)

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return what any of them foresees, each failure of an entity once."""
        return joined(found for part in self.parts for found in part.predict(window))


def every_predictor(disks: Path | None = None) -> Predictors:
    """Return all predictors as one.

    Args:
        disks: Folder of the disk model that ``aitia train predictor`` wrote; None for the one that
            is shipped.

    Raises:
        Failure: the disk model cannot be read.
    """
    from models.disks.predictor import DiskPredictor  # LightGBM: heavy, and not for the others
    from models.disks.stored import SHIPPED, load, told

    model, card = load(disks or SHIPPED)
    rest = (ThresholdPredictor(), TrendPredictor(), GrowthPredictor(), SilencePredictor())
    return Predictors((DiskPredictor(model, told(card)), *rest))


def joined(predictions: Iterable[Prediction]) -> tuple[Prediction, ...]:
    """Return each failure of an entity once, most probable first.

    The most probable prediction of it stands; the evidence of the others follows its own.
    """
    found: dict[tuple[str, str], Prediction] = {}
    ranked = sorted(predictions, key=lambda one: (-one.probability, one.entity, one.failure))
    for one in ranked:
        key = (one.entity, one.failure)
        first = found.setdefault(key, one)
        evidence: dict[Node, None] = dict.fromkeys((*first.evidence, *one.evidence))
        found[key] = replace(first, evidence=tuple(evidence))
    return tuple(found.values())
