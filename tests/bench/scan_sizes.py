"""How many hosts a second one core screens, by the size of a shard and of what is bounded at once.

    python -m tests.bench.scan_sizes [--hosts 1000] [--shards 10 25 50 100 200 400]
                                     [--signals 500 1000 2000 4000 8000 16000] [--keep DIR]

The tables are those of ``tests.bench.scan``. Shards are screened in this process, one after the
other, as a worker does it: reading, bounds, predictors. Memory is the process' peak, which only
grows, so sizes go up. Bounds alone are taken of one shard that was read before.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

from diagnose.fleet import ALPHA, LEAST_PROBABILITY
from diagnose.scan.kept import Kept, KeptCensus
from diagnose.scan.screening import HISTORY, RECENT, Look, screen
from models import screen as bounding
from models.deviation import countable
from tests.bench.scan import END, say, write_fleet

REPEATS = 3  # of which the fastest counts


def by_shard(source: Kept, census: KeptCensus, moment: datetime, sizes: list[int]) -> None:
    """Say how many hosts a second are screened in shards of each size."""
    look = Look(source, moment, moment, ALPHA, LEAST_PROBABILITY)
    screen(look, next(census.shards(census.hosts)))  # libraries and models are loaded
    say("| hosts of a shard | hosts/s | ms a host | peak MB |")
    say("|---|---|---|---|")
    for size in sizes:
        shards = list(census.shards(census.hosts, size))[: max(400 // size, 1)]
        hosts = sum(len(shard.hosts) for shard in shards)
        begun = time.process_time()
        for shard in shards:
            screen(look, shard)
        spent = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(f"| {size} | {hosts / spent:.0f} | {1000 * spent / hosts:.1f} | {peak:,.0f} |")


def by_signals(source: Kept, census: KeptCensus, moment: datetime, sizes: list[int]) -> None:
    """Say how many hosts a second are bounded where so many signals are measured at once."""
    shard = next(census.shards(census.hosts))
    panel = source.panel(shard, (moment - HISTORY, moment), RECENT)
    assert panel is not None
    counting = countable(panel.signals)
    say("| signals at once | hosts/s, bounds alone |")
    say("|---|---|")
    usual = bounding.AT_ONCE
    for size in sizes:
        vars(bounding)["AT_ONCE"] = size
        spent = []
        for _ in range(REPEATS):
            begun = time.process_time()
            bounding.bounds(panel.past, panel.now, panel.first, counting, panel.step_seconds)
            spent.append(time.process_time() - begun)
        say(f"| {size:,} | {len(panel.hosts) / min(spent):.0f} |")
    vars(bounding)["AT_ONCE"] = usual


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--shards", type=int, nargs="+", default=[10, 25, 50, 100, 200, 400])
    parser.add_argument(
        "--signals", type=int, nargs="+", default=[500, 1000, 2000, 4000, 8000, 16_000]
    )
    parser.add_argument("--keep", type=Path, help="folder in which tables are kept for another run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)) / str(given.hosts)
        if not folder.exists():
            with ProcessPoolExecutor(1, get_context("spawn")) as aside:  # whose memory is not ours
                aside.submit(write_fleet, folder, given.hosts).result()
        source = Kept(str(folder / "tables"))
        census = source.census(END)
        moment = min(census.newest, END)
        by_shard(source, census, moment, sorted(given.shards))
        by_signals(source, census, moment, sorted(given.signals))


if __name__ == "__main__":
    main()
