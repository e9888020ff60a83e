"""Grouping accuracy and speed of the log templates, beside drain3 on the same lines.

Run: python -m tests.bench.templates DIR

DIR holds one folder a system, each with ``SYSTEM_2k.log_structured_corrected.csv``: the lines of
LogHub with the corrected labels. Grouping accuracy is the share of lines whose group holds exactly
the lines of one true template. Speed is measured on a million lines, processor time of one thread
from the raw line to the line's template: all lines, each time with other numbers. drain3 is asked
twice: with its defaults, and for distinct lines behind our masks.

Reference: Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019; Khan et
al., "Guidelines for Assessing the Accuracy of Log Message Template Identification Techniques",
ICSE 2022.
"""

import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from time import process_time

os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig
from rich.console import Console
from rich.table import Table

from models.templates import TemplateParser, masked

REPEATS = 63
WARM_UP = 50_000  # lines before the clock starts: what is compiled is loaded once a process
NUMBER = re.compile(r"(?<!\w)\d+(?!\w)")
Labels = Sequence[Hashable] | pl.Series
Parse = Callable[[pl.Series], Labels]


def labelled(folder: Path) -> tuple[pl.Series, pl.Series]:
    """Return the lines of a system and the true template of each."""
    table = pl.read_csv(
        folder / f"{folder.name}_2k.log_structured_corrected.csv", infer_schema=False
    )
    return table["Content"].fill_null(""), table["EventTemplate"].fill_null("")


def grouping_accuracy(found: Labels, truth: Labels) -> float:
    """Return the share of lines whose group is exactly one true group."""
    pairs = Counter(zip(found, truth, strict=True))
    sizes, true_sizes = Counter(found), Counter(truth)
    right = (n for (a, b), n in pairs.items() if n == sizes[a] == true_sizes[b])
    return sum(right) / len(truth)


def ours(lines: pl.Series) -> Labels:
    """Return our template of each line."""
    bare = lines.to_frame("body").select(masked(pl.col("body"))).to_series()
    parser = TemplateParser()
    parser.learn(bare.value_counts(sort=True)["body"])
    found = parser.templates()
    return bare.replace_strict(list(found), list(found.values()))


def drain3(lines: pl.Series) -> Labels:
    """Return drain3's cluster of each line; its similarity .4 is its own default."""
    config = TemplateMinerConfig()
    config.drain_sim_th = 0.4
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(line)["cluster_id"] for line in lines]


def drain3_masked(lines: pl.Series) -> Labels:
    """Return drain3's cluster of each distinct masked line."""
    bare = lines.to_frame("body").select(masked(pl.col("body"))).to_series()
    known = bare.unique(maintain_order=True)
    return bare.replace_strict(known, pl.Series(drain3(known)))


def with_other_numbers(lines: Sequence[str]) -> pl.Series:
    """Return each line ``REPEATS`` times, the numbers in it drawn anew, as long as they were."""
    draw = random.Random(0)
    again = [line for _ in range(REPEATS) for line in lines]
    drawn = (NUMBER.sub(lambda m: str(draw.randrange(10 ** len(m[0]))), line) for line in again)
    return pl.Series(list(drawn))


def main(folder: Path) -> None:
    """Print the table."""
    systems = {path.name: labelled(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    many = with_other_numbers([line for lines, _ in systems.values() for line in lines])
    table = Table("parser", *systems, "mean", "lines/s")
    parsers: dict[str, Parse] = {
        "ours": ours,
        "drain3": drain3,
        "drain3 behind our masks": drain3_masked,
    }
    for name, parse in parsers.items():
        scores = [grouping_accuracy(parse(lines), truth) for lines, truth in systems.values()]
        parse(many.head(WARM_UP))
        start = process_time()
        parse(many)
        speed = len(many) / (process_time() - start)
        mean = sum(scores) / len(scores)
        table.add_row(name, *(f"{score:.3f}" for score in scores), f"{mean:.4f}", f"{speed:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
