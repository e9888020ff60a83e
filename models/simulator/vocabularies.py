"""The names that different sources give to one concept, and names that tell nothing."""

from typing import Final, Literal, get_args

import numpy as np

from diagnose.schema import Kind
from models.simulator.concepts import Concept
from models.simulator.names_exporters import OPENTELEMETRY, PROMETHEUS
from models.simulator.names_systems import IPMI, LINUX, SMART, WINDOWS

Vocabulary = Literal[
    "product", "prometheus", "opentelemetry", "ipmi", "smart", "linux", "windows", "nonsense"
]
VOCABULARIES: Final[tuple[Vocabulary, ...]] = get_args(Vocabulary)
UNSEEN: Final = "windows"  # the one that training never meets

NAMES: Final[dict[str, dict[str, str]]] = {
    "prometheus": PROMETHEUS,
    "opentelemetry": OPENTELEMETRY,
    "ipmi": IPMI,
    "smart": SMART,
    "linux": LINUX,
    "windows": WINDOWS,
}
ONSETS: Final = ("b", "br", "d", "f", "g", "kl", "m", "n", "pl", "r", "s", "st", "t", "v", "z")
NUCLEI: Final = ("a", "e", "i", "o", "u", "ai", "ou")
CODAS: Final = ("", "", "k", "l", "n", "r", "x")


def has_name(concept: Concept, vocabulary: Vocabulary) -> bool:
    """Return whether a source of this sort measures the concept at all."""
    return vocabulary not in NAMES or concept.name in NAMES[vocabulary]


def named(concept: Concept, vocabulary: Vocabulary, rng: np.random.Generator) -> Kind:
    """Return the concept's kind under the name that a source of this sort gives it.

    Args:
        concept: What is to be named.
        vocabulary: Whose names; where it has none for the concept, the product's own is taken.
            "nonsense" invents a name and leaves unit and tier.
        rng: Draws invented names.
    """
    kind = concept.kind
    if vocabulary == "nonsense":
        return Kind(nonsense(rng), kind.unit, kind.tier, kind.load)
    name = NAMES.get(vocabulary, {}).get(concept.name, kind.name)
    return Kind(name, kind.unit, kind.tier, kind.load)


def nonsense(rng: np.random.Generator) -> str:
    """Return a name of two or three words that exist in no language, for example "brai stoun"."""
    words = (
        "".join(
            str(rng.choice(ONSETS)) + str(rng.choice(NUCLEI)) for _ in range(rng.integers(1, 3))
        )
        + str(rng.choice(CODAS))
        for _ in range(rng.integers(2, 4))
    )
    return " ".join(words)
