"""Items of the task: a premise, a hypothesis and whether the one entails the other.

Each item has its own order of the variables, names and wordings, so that neither a letter nor a
phrase carries an answer. Which classes are held out does not depend on names or on the seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.corr2cause.arguments import argument
from models.corr2cause.classes import COUNTED, Split, classes_in, name_of, renamed, sampled
from models.corr2cause.graphs import Pattern, colliders
from models.corr2cause.hypotheses import HELD_OUT_HYPOTHESES, HYPOTHESES, hypothesis
from models.corr2cause.names import Style, draw_names, shortened
from models.corr2cause.premises import HELD_OUT_PREMISES, PREMISES, told
from models.corr2cause.reasoning import reasoning
from models.corr2cause.relations import Claim, Kind, claims, is_entailed
from models.corr2cause.statements import statements_of

SIZES: Final = (2, 3, 4, 5, 6)
PATIENCE: Final = 100  # classes that are tried for a sort of claim that some sizes never have
MIXED: Final[Mapping[Style, float]] = {
    "letters": 0.4, "words": 0.15, "signals": 0.15, "metrics": 0.1, "nonsense": 0.1, "numbered": 0.1
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its answer.

    Attributes:
        id: Tells the split, the seed and the place.
        premise: All statistical relations of some variables, in words.
        hypothesis: A claim about two of them, in words.
        label: Whether the claim holds in every graph with these relations.
        structure: The steps to the answer: skeleton, v-structures, then "answer yes" or "no".
        size: Number of variables.
        group: The equivalence class whatever its names; items of one class are not independent.
        kind: What sort of claim it is.
        premise_wording: Number of the premise's wording.
        hypothesis_wording: Number of the hypothesis's wording, among those of its kind.
        names: The variables, in the order of the structure.
        reasoning: What follows from the premise alone, step by step, whatever the hypothesis; names
            are shortened to what tells them apart.
        argument: What of that decides the hypothesis.
    """

    id: str
    premise: str
    hypothesis: str
    label: bool
    structure: str
    size: int
    group: str
    kind: Kind
    premise_wording: int
    hypothesis_wording: int
    names: tuple[str, ...]
    reasoning: str
    argument: str


def items(
    seed: int,
    count: int,
    split: Split = "train",
    sizes: Sequence[int] = SIZES,
    styles: Mapping[Style, float] = MIXED,
    *,
    held_out_wording: bool = False,
    balanced: bool = False,
) -> Iterator[Item]:
    """Yield ``count`` items, the same for the same arguments.

    Args:
        seed: Of everything that is drawn.
        count: How many.
        split: Whose classes; sizes that ``split`` has no class of are left out.
        sizes: Numbers of variables, each as likely as the others.
        styles: What sort of names, and how likely each is.
        held_out_wording: Take the wordings that are held out, instead of the others.
        balanced: Draw yes and no alike within each kind of claim; where not, the share of yes is
            that of the classes.

    Raises:
        ValueError: no size has a class in this split.
    """
    rng = np.random.default_rng([seed, ("train", "dev", "test").index(split)])
    known = _sizes_in(sizes, split)
    for place in range(count):
        pattern, claim = _drawn(known, split, rng, balanced)
        style = _style(styles, rng)
        yield _item(f"{split}-{seed}-{place}", pattern, claim, style, rng, held_out_wording)


def cases(
    seed: int,
    count: int,
    split: Split = "train",
    sizes: Sequence[int] = SIZES,
    styles: Mapping[Style, float] = MIXED,
    twins: int = 2,
    *,
    held_out_wording: bool = False,
) -> Iterator[tuple[Item, ...]]:
    """Yield ``count`` premises, each with several hypotheses about it.

    The first is drawn as ``items`` draws it, balanced. The others come in pairs of one kind, of
    which one holds and one does not: only the premise tells them apart.

    Args:
        seed: Of everything that is drawn.
        count: How many premises.
        split: Whose classes.
        sizes: Numbers of variables, as ``items`` takes them.
        styles: What sort of names, and how likely each is.
        twins: Pairs at most; classes in which nothing of a kind holds have fewer.
        held_out_wording: As ``items`` takes it.

    Raises:
        ValueError: no size has a class in this split.
    """
    rng = np.random.default_rng([seed, ("train", "dev", "test").index(split), twins])
    known = _sizes_in(sizes, split)
    for place in range(count):
        pattern, claim = _drawn(known, split, rng, balanced=True)
        name = f"{split}-{seed}-{place}"
        first = _item(name, pattern, claim, _style(styles, rng), rng, held_out_wording)
        rest = [
            _claimed(replace(first, id=f"{name}-{number}"), pattern, one, rng, held_out_wording)
            for number, one in enumerate(_twins(pattern, twins, rng), start=1)
        ]
        yield (first, *rest)


def _twins(pattern: Pattern, most: int, rng: np.random.Generator) -> list[Claim]:
    """Return claims of up to ``most`` kinds, of each one that holds and one that does not."""
    found: list[Claim] = []
    kinds = sorted(HYPOTHESES)
    for kind in (kinds[place] for place in rng.permutation(len(kinds))):
        alike = [one for one in claims(pattern.size) if one.kind == kind]
        holds = [one for one in alike if is_entailed(pattern, one)]
        fails = [one for one in alike if one not in holds]
        if holds and fails and len(found) < 2 * most:
            found += [holds[rng.integers(len(holds))], fails[rng.integers(len(fails))]]
    return [found[place] for place in rng.permutation(len(found))]


def _sizes_in(sizes: Sequence[int], split: Split) -> list[int]:
    """Return the sizes that have classes in ``split``."""
    known = [n for n in sizes if (n > COUNTED and split == "test") or _listed(n, split)]
    if not known:
        raise ValueError(f"no class of {list(sizes)} variables is in {split}")
    return known


def _style(styles: Mapping[Style, float], rng: np.random.Generator) -> Style:
    weights = np.array(list(styles.values()))
    return list(styles)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _listed(size: int, split: Split) -> bool:
    return size <= COUNTED and bool(classes_in(size, split))


def _drawn(
    sizes: Sequence[int], split: Split, rng: np.random.Generator, balanced: bool
) -> tuple[Pattern, Claim]:
    """Return a class of the split, its variables in random order, and a claim about it."""
    while True:
        kinds = sorted(HYPOTHESES)
        kind, wanted = kinds[rng.integers(len(kinds))], bool(rng.integers(2))
        for _ in range(PATIENCE):
            pattern = _class(int(rng.choice(sizes)), split, rng)
            fitting = [
                claim
                for claim in claims(pattern.size)
                if not balanced or (claim.kind == kind and is_entailed(pattern, claim) == wanted)
            ]
            if fitting:
                return pattern, fitting[rng.integers(len(fitting))]


def _class(size: int, split: Split, rng: np.random.Generator) -> Pattern:
    if size > COUNTED:
        return sampled(size, rng)
    known = classes_in(size, split)
    return renamed(known[rng.integers(len(known))], rng.permutation(size).tolist())


def _item(
    name: str,
    pattern: Pattern,
    claim: Claim,
    style: Style,
    rng: np.random.Generator,
    held_out: bool,
) -> Item:
    names = draw_names(style, pattern.size, rng)
    premise = _wording(len(PREMISES), HELD_OUT_PREMISES, held_out, rng)
    bare = Item(
        name,
        told(PREMISES[premise], names, statements_of(pattern)),
        "",
        False,
        "",
        pattern.size,
        name_of(pattern),
        claim.kind,
        premise,
        0,
        names,
        reasoning(pattern, shortened(names)),
        "",
    )
    return _claimed(bare, pattern, claim, rng, held_out)


def _claimed(
    item: Item, pattern: Pattern, claim: Claim, rng: np.random.Generator, held_out: bool
) -> Item:
    """Return ``item`` with another hypothesis."""
    phrase = _wording(len(HYPOTHESES[claim.kind]), HELD_OUT_HYPOTHESES, held_out, rng)
    label = is_entailed(pattern, claim)
    return replace(
        item,
        hypothesis=hypothesis(claim, item.names, phrase),
        label=label,
        structure=structure(pattern, item.names, label),
        kind=claim.kind,
        hypothesis_wording=phrase,
        argument=argument(pattern, claim, shortened(item.names)),
    )


def _wording(count: int, kept: int, held_out: bool, rng: np.random.Generator) -> int:
    low, high = (count - kept, count) if held_out else (0, count - kept)
    return int(rng.integers(low, high))


def structure(pattern: Pattern, names: Sequence[str], label: bool) -> str:
    """Return the steps from a premise to an answer.

    Example:
        >>> from models.corr2cause.graphs import pattern_of
        >>> structure(pattern_of((0, 0, 0b11)), ("A", "B", "C"), label=True)
        'skeleton A - C, B - C; v-structures A -> C <- B; answer yes'
    """
    skeleton = ", ".join(f"{names[a]} - {names[b]}" for a, b in pattern.edges())
    found = sorted(colliders(pattern.parents, pattern.lines))
    shapes = ", ".join(f"{names[a]} -> {names[c]} <- {names[b]}" for a, c, b in found)
    answer = "yes" if label else "no"
    return f"skeleton {skeleton or 'none'}; v-structures {shapes or 'none'}; answer {answer}"
