"""Builds the table of answers that ships with this package.

    python -m models.causal_lm.build            # all pairs of metrics; hours on one core
    python -m models.causal_lm.build --pairs 2000

It goes on where it stopped: the table is written every few minutes, the most useful pairs first.
Arithmetic is float32 on every device, so that the table does not depend on who built it.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from models.adapters import SHIPPED, read_adapter
from models.causal_lm.answers import (
    TABLE,
    AnswerTable,
    Ask,
    by_name,
    decode,
    encode,
    replace_file,
)
from models.causal_lm.belief import UNANSWERED, Pair
from models.causal_lm.prompt import WORDINGS
from models.causal_lm.scorer import LocalScorer
from models.engine import Engine
from models.kinds import METRIC_KINDS, VOCABULARY
from models.weights import BASE, locate

CHUNK: Final = 100  # pairs between two writes
# What nearly every server sends; pairs of these come first.
COMMON: Final = (
    "request rate",
    "response latency",
    "error rate",
    "cpu utilization",
    "memory used",
    "network receive rate",
    "network transmit rate",
    "disk read rate",
    "disk write rate",
    "availability",
    "success rate",
    "system load average",
    "memory available",
    "file system space used",
    "disk io latency",
    "disk io queue",
    "disk utilization",
    "client latency",
    "system calls",
    "cpu time waiting for disk",
    "cpu time stolen",
    "process memory",
    "process cpu time",
    "open tcp connections",
    "new tcp connections",
    "tcp retransmissions",
    "network errors",
    "network dropped packets",
    "swap traffic",
    "swap used",
    "page cache memory",
    "page faults",
    "context switches",
    "interrupts",
    "processes",
    "blocked processes",
    "open file descriptors",
    "cpu pressure",
    "memory pressure",
    "io pressure",
    "out-of-memory kills",
    "process restarts",
    "database transactions",
    "database connections",
    "database lock waits",
    "database deadlocks",
    "database query latency",
    "database slow queries",
    "database rollbacks",
    "database buffer reads",
    "database temporary files",
    "database replication lag",
    "data store state",
    "cache hits",
    "cache misses",
    "cache evictions",
    "cache memory used",
    "cache clients",
    "cache commands",
    "cache keys",
    "cache latency",
    "requests in flight",
    "request timeouts",
    "queue depth",
    "garbage collection time",
    "heap memory used",
    "runtime threads",
    "network packets received",
    "network packets sent",
    "cpu temperature",
    "hardware temperature",
    "fan speed",
    "container cpu throttling",
    "cpu thermal throttling",
    "tcp timeouts",
    "tcp resets",
    "listen queue overflows",
    "udp errors",
    "network traffic",
    "probe success",
    "error log message about connection",
    "error log message about timeout",
    "error log message about failure",
    "error log message about exception",
    "warning log message about timeout",
    "warning log message about connection",
    "database errors",
    "cache errors",
    "database rows read",
    "database table scans",
    "database rows written",
)


def useful_first() -> list[Pair]:
    """Return all pairs of common kinds, then all of metrics that a question can be about."""
    rank = {name: i for i, name in enumerate(COMMON)}
    kinds = [kind for kind in VOCABULARY if kind in METRIC_KINDS or kind.name in rank]
    askable = [kind for kind in kinds if kind.tier != "unknown"]
    ordered = sorted(askable, key=lambda kind: (rank.get(kind.name, len(rank)), kind.name))
    return sorted(combinations(ordered, 2), key=lambda pair: ordered.index(pair[1]))


def build(ask: Ask, pairs: Sequence[Pair], file: Path, model: str, prompt: str) -> Iterator[int]:
    """Write to ``file`` what a model answers about ``pairs``; yield how many it holds so far.

    Args:
        ask: Gives the model's answers.
        pairs: What to ask about; what the file already holds is not asked again.
        file: The table, which is read first and written after each chunk.
        model: Identity of the model; a file of another model's answers is replaced.
        prompt: Version of the questions' wording; likewise.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = decode(text, model, prompt)
    left = [pair for pair in pairs if not by_name({pair: UNANSWERED}).keys() <= known.keys()]
    for start in range(0, len(left), CHUNK):
        known.update(by_name(ask(left[start : start + CHUNK])))
        replace_file(file, encode(known, model, prompt))
        yield len(known)


def main() -> None:
    """Build the shipped table from the packaged base model and its adapter."""
    parser = argparse.ArgumentParser(prog="python -m models.causal_lm.build", description=__doc__)
    parser.add_argument("--pairs", type=int, default=None, help="the most useful only")
    parser.add_argument("--model", default=BASE, help="a folder, or a name on a model hub")
    parser.add_argument("--adapter", type=Path, default=SHIPPED, help="a folder")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(TABLE))
    chosen = parser.parse_args()
    found = locate(chosen.model)
    adapter = read_adapter(chosen.adapter)
    wording = WORDINGS[adapter.wording]
    engine = Engine(found.folder, adapter=adapter)
    table = AnswerTable(adapter.identity, None, wording.version)
    scorer = LocalScorer(lambda: engine, table, 0, wording, adapter.temperature)
    pairs = useful_first()[: chosen.pairs]
    for done in build(scorer.ask, pairs, chosen.out, adapter.identity, wording.version):
        print(f"{done} of {len(pairs)} pairs", flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
