"""Probabilities that come true: how sharp a ranking is, fitted on labelled incidents.

A mixture of weak witnesses is too modest where they agree and the graph tells the same. Raising
every probability to a power, that of "something else" with a weight of its own, keeps the order and
is fitted by likelihood (``python -m tests.bench.fit_calibration``).

Reference: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, for
temperature scaling, of which this is the inverse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from diagnose.schema import RootCause

ENOUGH: Final = 30  # labelled incidents below which no probability is called calibrated


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a ranking's probabilities are read.

    Attributes:
        sharpness: Power to which each is raised; 1 changes nothing.
        other: Weight of "something else" beside the candidates; 1 changes nothing.
        incidents: Labelled incidents it was fitted on.
    """

    sharpness: float = 1.0
    other: float = 1.0
    incidents: int = 0

    @property
    def enough(self) -> bool:
        """Whether there were enough incidents to take the probabilities literally."""
        return self.incidents >= ENOUGH

    def calibrated(self, ranking: Sequence[RootCause]) -> tuple[RootCause, ...]:
        """Return ``ranking`` with its probabilities as they come true, in the same order.

        Together they leave at least what n incidents cannot tell, 1 in n + 2 (Laplace's rule of
        succession).

        Example:
            >>> sure = Calibration(sharpness=2.0).calibrated([RootCause("db1", "cpu", 0.6)])
            >>> round(sure[0].probability, 2)
            0.69
        """
        powers = [cause.probability**self.sharpness for cause in ranking]
        rest = max(1.0 - sum(cause.probability for cause in ranking), 0.0)
        total = sum(powers) + self.other * rest**self.sharpness
        if total <= 0:
            return tuple(ranking)
        most = 1 - 1 / (self.incidents + 2) if self.incidents else 1.0
        total = max(total, sum(powers) / most)
        return tuple(
            replace(cause, probability=power / total)
            for cause, power in zip(ranking, powers, strict=True)
        )


UNFITTED: Final = Calibration()
# On PetShop, Online Boutique, Train Ticket and the project's own lab.
SHIPPED: Final = Calibration(sharpness=2.0, other=0.1, incidents=68)
