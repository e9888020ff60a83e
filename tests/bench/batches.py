"""How many pairs a second the daemon's model weighs, by the size of a batch, and what bounds it.

    python -m tests.bench.batches [--device cpu|cuda] [--sizes 1 2 4 8 16 32 64 128 256]

The packaged model with its shipped adapter, loaded as the daemon loads it and asked about pairs of
kinds that no table answers. A batch must at least read every weight once: how fast it does, as a
share of what copying memory reaches on the same device (both directions counted), says how near it
is to that limit; small batches are bound by it, large ones by arithmetic. Without a GPU, --device
cuda measures nothing, and says so.
"""

import argparse
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Sequence

from diagnose.daemon.batches import PAIRS_AT_ONCE
from models.causal_lm.answers import Ask
from models.causal_lm.belief import Pair
from models.causal_lm.scorer import local_scorer
from models.kinds import LOG_KINDS, METRIC_KINDS

REPEATS = 5  # of which the median counts
COPIED = 1 << 28  # bytes


def loaded(device: str) -> tuple[Ask, int]:
    """Return how the model is asked, and how many bytes its weights take."""
    import torch

    scorer = local_scorer(device="cuda" if device == "cuda" else "cpu")
    some = list(zip(METRIC_KINDS, LOG_KINDS, strict=False))[:PAIRS_AT_ONCE]
    scorer.ask(some)  # loads it, warms it up
    held = [one for one in gc.get_objects() if type(one) is torch.nn.Parameter]
    return scorer.ask, sum(one.nbytes for one in held if one.device.type == device)


def copied(device: str) -> float:
    """Return the bytes a second that copying within the device's memory reads and writes."""
    import torch

    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        target.copy_(source)
        int(target[-1])  # looking at a number waits for all of them
        best = min(best, time.perf_counter() - begun)
    return 2 * COPIED / best


def seconds(ask: Ask, pairs: Sequence[Pair]) -> float:
    """Return how long a batch takes."""
    took = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ask(pairs)
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def main() -> int:
    """Measure and print; 1 where there is nothing to measure on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    given = parser.parse_args()
    import torch

    if given.device == "cuda" and not torch.cuda.is_available():
        sys.stdout.write("NOT MEASURED: there is no GPU here\n")
        return 1
    ask, weights = loaded(given.device)
    bandwidth = copied(given.device)
    name = torch.cuda.get_device_name() if given.device == "cuda" else "the CPU"
    lines = [
        f"{name}, {torch.get_num_threads()} threads: {weights / 1e6:,.0f} MB of weights, "
        f"{bandwidth / 1e9:,.1f} GB/s copied",
        "",
        "| pairs of a batch | pairs/s | ms a batch | share of the copy bandwidth |",
        "|---|---|---|---|",
    ]
    every = list(itertools.product(METRIC_KINDS, LOG_KINDS))
    for size in given.sizes:
        step = max(len(every) // size, 1)
        took = seconds(ask, every[::step][:size])
        share = weights / took / bandwidth
        lines.append(f"| {size} | {size / took:,.0f} | {1000 * took:.1f} | {share:.1%} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
