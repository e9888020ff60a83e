"""What is measured, as plain numbers: the tables are made from these alone."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]  # AC@1 .. AC@5

AITIA: Final = "**Aitia**"
WITHOUT_MODEL: Final = "without model"
WITHOUT_GRAPH: Final = "without graph"
OURS: Final = (AITIA, WITHOUT_MODEL, WITHOUT_GRAPH)


@dataclass(frozen=True, slots=True)
class Trusted:
    """How one call graph fared.

    Attributes:
        trust: Of the graph that was made with it.
        first: AC@1 with it.
        violated: Share of its implied independences that the data deny; None where untestable.
        null: The same for its median relabelling.
    """

    trust: float
    first: float
    violated: float | None
    null: float | None


@dataclass(frozen=True, slots=True)
class Said:
    """One entity that an answer named.

    Attributes:
        probability: That the fault is there, as it was said.
        right: Whether it is.
        first: Whether no other entity was said to be likelier.
    """

    probability: float
    right: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """One bundle.

    Attributes:
        id: Its identifier.
        alert: When its alert came, ISO 8601.
        incident: Whether it has a cause.
        pairs: Whether signals are to be found and not entities, since there is one entity only.
        expected: AC@1 .. AC@5 of a random order; None for a healthy window.
        answered: Whether a cause was named.
        said: What the answer said of entities.
        stages: Seconds by stage of the diagnosis on time; ``all`` from the folder to the answer.
        shape: What can be seen without any value.
        found: AC@1 .. AC@5 by variant and method; empty for a healthy window.
        failures: Why a published package gave no ranking, or a variant made no window, by name.
        took: Seconds a published package took.
        abnormal: How abnormal the window is, by detector.
        graphs: How call graphs fared, by kind.
    """

    id: str
    alert: str
    incident: bool
    pairs: bool
    expected: Scores | None
    answered: bool
    said: tuple[Said, ...]
    stages: dict[str, float]
    shape: dict[str, float]
    found: dict[str, dict[str, Scores]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    abnormal: dict[str, float] = field(default_factory=dict)
    graphs: dict[str, list[Trusted]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """All bundles of one set.

    Attributes:
        name: Of the set.
        bundles: One a bundle that could be explained.
        failed: Bundle and reason of those that could not.
        peak_mebibytes: Most memory that the process held while it diagnosed all bundles on time.
    """

    name: str
    bundles: tuple[Measured, ...]
    failed: tuple[tuple[str, str], ...]
    peak_mebibytes: float

    @property
    def incidents(self) -> tuple[Measured, ...]:
        """Return what has a cause."""
        return tuple(bundle for bundle in self.bundles if bundle.incident)

    @property
    def healthy(self) -> tuple[Measured, ...]:
        """Return what has none."""
        return tuple(bundle for bundle in self.bundles if not bundle.incident)

    @property
    def level(self) -> str:
        """Return what is to be found."""
        return "signal" if any(bundle.pairs for bundle in self.bundles) else "entity"
