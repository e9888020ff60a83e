"""Whether trends run out when they were said to: python -m tests.bench.ramps

Levels that rise steadily towards their limit, in noise whose neighbours hang together: when each
gets there is known. Told are the share of 90 % intervals that hold that moment, and how often what
was called likely or unlikely within a horizon came true. Of the levels that were cleared, the rise
began anew halfway.
"""

import sys
from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.trend import exhaustion
from tests.bench.markdown import interval, table
from tests.bench.operating import exact

RAMPS: Final = 250  # of each kind
SIZES: Final = ((240, 15.0), (480, 300.0))  # values, and seconds between them
TOGETHER: Final = (0.0, 0.5, 0.9, 0.97, 0.99)  # correlation of neighbours
LEVEL: Final = 0.9  # of the intervals
LIKELY: Final = 0.9
LEADS: Final = (0.2, 4.0)  # multiples of the time seen, of which the lead is drawn
RISES: Final = (3.0, 30.0)  # deviations of the noise that are gained meanwhile, likewise
HORIZONS: Final = (0.3, 4.0)  # multiples of the time seen, likewise
HEAD: Final = (
    "values",
    "correlation of neighbours",
    "cleared",
    "called a trend",
    "90 % intervals that hold",
    "width, of the lead",
    f"came true of what was said above {LIKELY:g}",
    f"came true of what was said below {1 - LIKELY:.1f}",
)


def noise(rng: np.random.Generator, values: int, together: float) -> NDArray[np.float64]:
    """Return noise of variance 1 whose neighbours correlate by ``together``."""
    found = rng.normal(size=values)
    for place in range(1, values):
        fresh = np.sqrt(1 - together**2) * found[place]
        found[place] = together * found[place - 1] + fresh
    return found


def rows() -> Iterator[list[str]]:
    """Yield a line for each kind of ramp."""
    for (values, step), cleared, together in product(SIZES, (False, True), TOGETHER):
        rng = np.random.default_rng([values, round(100 * together), cleared])
        said, came, holds, width = [], [], [], []
        for _ in range(RAMPS):
            at = np.arange(0.0, step * values, step)
            begin = values // 2 if cleared else 0
            seen = at[-1] - at[begin]
            lead = float(rng.uniform(*LEADS)) * seen
            level = 1 - (at[-1] + lead - at) / (seen + lead)
            level[:begin] = level[-1] + (level[-1] - level[begin]) * at[:begin] / seen
            gained = seen / (seen + lead)
            level += gained / float(rng.uniform(*RISES)) * noise(rng, values, together)
            horizon = float(rng.uniform(*HORIZONS)) * seen
            found = exhaustion(at, level, 1.0, horizon, 1 - LEVEL)
            if found is None:
                continue
            holds.append(found.shortest <= lead <= found.longest)
            width.append((found.longest - found.shortest) / lead)
            said.append(found.probability)
            came.append(lead <= horizon)
        probability, true = np.array(said), np.array(came)
        yield [
            str(values),
            f"{together:g}",
            "halfway" if cleared else "",
            f"{len(said)} of {RAMPS}",
            interval(exact(sum(holds), len(holds))),
            f"{np.median(width):.2f}",
            _share(true[probability > LIKELY]),
            _share(true[probability < 1 - LIKELY]),
        ]


def _share(true: NDArray[np.bool_]) -> str:
    return f"{int(true.sum())} of {len(true)}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(HEAD, rows())) + "\n")
