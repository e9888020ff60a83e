"""Whole sites to learn from: the kinds that one measures, and the answer about every pair of them.

Who reads each kind once and then weighs all pairs learns from a thousand pairs for the price of
fifty readings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.simulator.questions import CASES, NEAR, OFTEN, TOPOLOGIES, Split, pairs_of
from models.simulator.vocabularies import Vocabulary, named


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Some of the kinds of one site.

    Attributes:
        kinds: Each under the name that some vocabulary gives it.
        own: The same in the product's own words.
        first: Numbers of kinds, one a pair.
        second: Likewise.
        answer: For each pair 0 where the first acts on the second, 1 where the second acts on the
            first, 2 where neither does.
        weight: How often each pair would be asked about; the sum is 1.
    """

    kinds: tuple[Kind, ...]
    own: tuple[Kind, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    answer: NDArray[np.int64]
    weight: NDArray[np.float64]


OF_CASE: Final = 128  # pairs of one site and case at most
SHARES: Final = {
    "direct": CASES["direct"],
    "indirect": CASES["indirect"] * (1 - NEAR),
    "near": CASES["indirect"] * NEAR,
    "confounded": CASES["confounded"],
    "unrelated": CASES["unrelated"],
}


def left_out(kind: Kind) -> bool:
    """Return whether a kind that training knows is left out where a model learns what it is worth.

    One in six by a hash of its name, whatever the seed.
    """
    return sha256(f"left out {kind.name}".encode()).digest()[0] % 6 == 0


def drawn_site(
    seed: int,
    most: int,
    split: Split = "train",
    only: Callable[[Kind], bool] | None = None,
    wider: bool = False,
) -> Site:
    """Return kinds of one site, all of which training may know; the same for the same seed.

    Each concept bears the name of a vocabulary of its own, drawn as often as for questions.

    Args:
        seed: Chooses site, concepts and names.
        most: Kinds at most.
        split: Whose sites.
        only: Which of the concepts, by their kinds in the product's own words; None for all.
        wider: Whether the site also has what only training learns about.
    """
    start, number = TOPOLOGIES[split]
    rng = np.random.default_rng([seed, start, 17])
    pairs = pairs_of(start + int(rng.integers(number)), wider)
    known = np.flatnonzero(
        [
            not concept.held_out and (only is None or only(concept.kind))
            for concept in pairs.concepts
        ]
    )
    chosen = rng.permutation(known)[:most]
    place = np.full(len(pairs.concepts), -1)
    place[chosen] = np.arange(len(chosen))
    vocabularies: list[Vocabulary] = list(OFTEN)
    drawn = rng.choice(len(vocabularies), len(chosen), p=_normed(list(OFTEN.values())))
    kinds = tuple(
        named(pairs.concepts[concept], vocabularies[vocabulary], rng)
        for concept, vocabulary in zip(chosen, drawn, strict=True)
    )
    first, second, answer, weight = [], [], [], []
    for case, share in SHARES.items():
        found = place[pairs.by_case[case]]
        found = found[(found >= 0).all(axis=1)]
        if not len(found):
            continue
        found = rng.permutation(found)[:OF_CASE]  # those without a link are by far the most
        turned = rng.random(len(found)) < 0.5
        found[turned] = found[turned, ::-1]
        first.append(found[:, 0])
        second.append(found[:, 1])
        answer.append(np.where(turned, 1, 0) if case == "direct" else np.full(len(found), 2))
        weight.append(np.full(len(found), share / len(found)))
    whole = np.concatenate(weight)
    return Site(
        kinds,
        tuple(pairs.concepts[concept].kind for concept in chosen),
        np.concatenate(first),
        np.concatenate(second),
        np.concatenate(answer),
        whole / whole.sum(),
    )


def _normed(shares: list[float]) -> NDArray[np.float64]:
    return np.array(shares) / sum(shares)
