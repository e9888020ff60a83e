"""How well what-ifs are answered on servers of known mechanisms: python -m tests.bench.whatif

Every request is lived through once more on the server itself: the signal held, fresh noise in all
that it acts on, everything else as it was. Told are the share of 90 % intervals that hold what then
really comes, the share of requests outside of all that was seen that are refused, and the share of
counterfactuals that are refused where what a signal shows hides its noise.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np

from diagnose.scene import scene
from diagnose.schema import Setting
from diagnose.whatif import what_if
from tests.bench.servers import Episode, Veil, episode, random_server

VEILS: Final[tuple[Veil, ...]] = ("none", "clipped", "counted", "switched", "growing")
EXTREME: Final = (0.25, 3.0)  # widths of what was seen, by which a request lies outside of it


@dataclass(frozen=True)
class Asked:
    """One request and how it fared."""

    kind: str  # "inside" or "outside" of what was seen, or a veil
    shape: str  # of the symptom's mechanism
    rows: int
    refused: str | None
    covered: bool | None = None
    width: float | None = None  # of the interval, in standard deviations of normal life
    error: float | None = None  # likewise
    seconds: float = 0.0


def requests(seed: int) -> Iterator[Asked]:
    """Yield what was asked of one server: values that were seen, one that was not."""
    rng = np.random.default_rng(seed)
    server = random_server(rng, int(rng.integers(4, 8)))
    symptom = len(server.mechanisms) - 1
    fault = int(rng.integers(0, symptom + 1))
    rows, recent = int(rng.choice([240, 480, 960])), int(rng.choice([20, 30, 40]))
    lived = episode(rng, server, fault, float(rng.uniform(2, 8)), rows, recent)
    causes = [c for c in range(symptom) if symptom in server.descendants(c)]
    cause = int(rng.choice(causes))
    shown = lived.window.baseline[str(server.nodes[cause])].to_numpy()
    inside = float(rng.uniform(*np.quantile(shown, (0.02, 0.98))))
    yield ask(lived, cause, inside, "inside", rng)
    width = float(np.ptp(shown))
    beyond = float(rng.uniform(*EXTREME)) * width
    outside = shown.max() + beyond if rng.random() < 0.5 else shown.min() - beyond
    yield ask(lived, cause, float(outside), "outside", rng)


def ask(lived: Episode, cause: int, value: float, kind: str, rng: np.random.Generator) -> Asked:
    """Return how one request fared."""
    server, seen = lived.server, lived.window
    nodes = server.nodes
    begin = perf_counter()
    told = what_if("bench", server.graph, seen, nodes[-1], Setting(nodes[cause], value))
    took = perf_counter() - begin
    shape = server.mechanisms[-1].shape
    if told.refused or not told.effects:
        return Asked(kind, shape, lived.rows, told.refused, seconds=took)
    effect = told.effects[-1]
    affected = scene(server.graph, seen, nodes[-1]).asked
    real = float(lived.again(rng, {cause: value})[affected, -1].mean())
    usual = float(np.nanstd(seen.baseline[str(nodes[-1])].to_numpy()))
    return Asked(
        kind,
        shape,
        lived.rows,
        None,
        effect.low <= real <= effect.high,
        (effect.high - effect.low) / usual,
        (effect.expected - real) / usual,
        took,
    )


def imagined(seed: int, veil: Veil) -> Asked:
    """Return how a counterfactual fared where the symptom's noise is, or is not, hidden."""
    rng = np.random.default_rng(seed)
    server = random_server(rng, 5, veil)
    parents = server.mechanisms[-1].parents
    lived = episode(rng, server, parents[0], 4.0, 480, 30)
    node = server.nodes[parents[0]]
    value = float(lived.window.baseline[str(node)].median())
    told = what_if("bench", server.graph, lived.window, server.nodes[-1], Setting(node, value))
    answer = told.counterfactual
    refused = told.refused if answer is None else answer.refused
    return Asked(veil, server.mechanisms[-1].shape, 480, refused)


def share(found: list[bool]) -> str:
    """Return a share with its 95 % interval, by Wilson."""
    n, k = len(found), sum(found)
    if not n:
        return "-"
    z, p = 1.96, k / n
    middle = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n)
    return f"{p:.3f} [{middle - half:.3f}, {middle + half:.3f}] of {n}"


def main(servers: int = 200) -> None:
    """Print the figures."""
    asked = [one for seed in range(servers) for one in requests(seed)]
    inside = [one for one in asked if one.kind == "inside"]
    answered = [one for one in inside if one.covered is not None]
    outside = [one for one in asked if one.kind == "outside"]
    lines = [
        f"answered of requests inside: {share([one.refused is None for one in inside])}",
        f"90 % intervals that hold: {share([bool(one.covered) for one in answered])}",
        f"refused of requests outside: {share([one.refused is not None for one in outside])}",
        f"median width, in standard deviations: {np.median([one.width for one in answered]):.2f}",
        f"median error, likewise: {np.median([abs(one.error or 0) for one in answered]):.2f}",
        f"median seconds of an answer: {np.median([one.seconds for one in answered]):.2f}",
    ]
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in answered:
        for group in (one.shape, f"{one.rows} rows"):
            groups[group].append(bool(one.covered))
    lines += [f"  holds, {group}: {share(groups[group])}" for group in sorted(groups)]
    why = Counter((one.refused or "").split(" host")[0][:60] for one in inside if one.refused)
    for veil in VEILS:
        found = [imagined(seed, veil) for seed in range(servers // 4)]
        lines.append(f"counterfactual refused, {veil}: {share([bool(f.refused) for f in found])}")
    sys.stdout.write("\n".join([*lines, f"refused inside: {why.most_common(8)}"]) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
