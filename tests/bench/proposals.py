"""Graphs proposed for simulated servers, with and without a language model, beside PC and GES.

Run: python -m tests.bench.proposals [--nodes 20 50] [--systems 20] [--adapter FOLDER]
    [--peers "random graph" PC GES]

Systems come from the topologies that training never meets; ``--dev`` takes those that weights are
chosen on. GES needs a minute for a graph of 50 signals.
"""

import argparse
import os
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"

from threadpoolctl import threadpool_limits

from diagnose.graph_scores import LinkKnower, Way, graph_scores, graph_table, peers, proposers
from models.causal_lm.belief import PairScorer
from models.causal_lm.scorer import local_scorer
from models.simulator.questions import TOPOLOGIES

EVERY_PAIR = 100_000


def main() -> None:
    """Print the table of one run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proposals", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 500, 5000])
    parser.add_argument("--systems", type=int, default=20)
    parser.add_argument("--dev", action="store_true", help="the topologies that weights are for")
    parser.add_argument("--weights", type=float, nargs="*", help="of the model, beside the shipped")
    parser.add_argument("--adapter", type=Path, help="a tuned model, beside the base model")
    parser.add_argument("--asked", action="store_true", help="the base model beyond its table")
    parser.add_argument("--peers", nargs="*", default=[], choices=peers(), help="beside what")
    chosen = parser.parse_args()
    threadpool_limits(1)
    asked = EVERY_PAIR if chosen.asked else 0
    scorers: dict[str, PairScorer] = {"base model": local_scorer(max_questions=asked, adapter=None)}
    if chosen.adapter:
        scorers["tuned"] = local_scorer(max_questions=EVERY_PAIR, adapter=chosen.adapter)
    scorers["links known"] = LinkKnower()
    ways: dict[str, Way] = {name: peers()[name] for name in chosen.peers} | proposers(scorers)
    for weight in chosen.weights or ():
        more = proposers(scorers, weight)
        ways |= {f"{name}, weight {weight:g}": way for name, way in more.items()}
    first = TOPOLOGIES["dev" if chosen.dev else "test"][0]
    topologies = range(first, first + chosen.systems)
    found = graph_scores(ways, chosen.nodes, chosen.samples, topologies)
    for line in graph_table(found):
        print(line, flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
