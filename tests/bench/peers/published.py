"""Run published packages on rows that are handed over; belongs to .venv-peers, imports no Aitia.

    .venv-peers/bin/python tests/bench/peers/published.py

One JSON object a line asks on standard input, one a line answers on standard output:

    {"method": "rcd", "table": FILE.npy, "baseline": 288, "edges": [[cause, effect], ...]}
    {"ranking": [7, 0, ...]}  or  {"error": "ValueError: ..."}

The method "ready" only reads the libraries, so that their import counts for no case.

The table is an array, a row an instant; rankings and edges name its columns by their place. The
first ``baseline`` rows are normal life, the rest is the incident. An exception is told as such and
never becomes a ranking: RCAEval's own entry points would return the order of the columns instead,
which is why its parts are called.
"""

import contextlib
import importlib
import json
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

SEED = 0
ALIKE = 0.99  # correlation from which RCAEval leaves out the second of two columns before PC
DESCENDANTS = 3.0  # CIRCA's threshold for the adjustment by descendants, as published

Edges = list[tuple[int, int]]


def prepared(table: pd.DataFrame, baseline: int) -> pd.DataFrame:
    """Return ``table`` without gaps (the last value holds) and without constant columns."""
    filled = table.ffill().bfill().fillna(0.0)
    moving = filled.loc[:, (filled != filled.iloc[0]).any()]
    if not 0 < baseline < len(table) or moving.empty:
        raise ValueError("nothing moves, or there is no history or no incident")
    return moving


def circa_by_pc(table: pd.DataFrame, baseline: int, edges: Edges) -> list[int]:
    """Return CIRCA's ranking on a graph that PC finds, as RCAEval runs it."""
    from RCAEval.graph_construction import normalize_adj
    from RCAEval.graph_construction.pc import pc_default

    correlation = np.triu(np.abs(np.corrcoef(table.to_numpy(), rowvar=False)), k=1)
    kept = table.loc[:, ~(correlation > ALIKE).any(axis=0)]
    found = normalize_adj(pc_default(kept))
    places = [int(name) for name in kept.columns]
    pairs = [(places[a], places[b]) for a, b in np.argwhere(found == 1)]
    return _circa(kept, baseline, pairs, adjusted=False)


def circa_by_calls(table: pd.DataFrame, baseline: int, edges: Edges) -> list[int]:
    """Return CIRCA's ranking on the given structural graph, with its adjustment by descendants."""
    if not edges:
        raise ValueError("no call graph was given")
    return _circa(table, baseline, edges, adjusted=True)


def _circa(table: pd.DataFrame, baseline: int, edges: Edges, *, adjusted: bool) -> list[int]:
    """Return all columns by RCAEval's regression-based hypothesis test, most suspicious first.

    The spans of its ``CaseData`` are counted in instants, so that it trains on exactly the
    baseline and tests on exactly the rest.
    """
    import networkx as nx
    from RCAEval.classes.data import CaseData, MemoryDataLoader
    from RCAEval.classes.graph import MemoryGraph, Node
    from RCAEval.graph_heads.rht import DAScorer, RHTScorer

    nodes = {int(name): Node(name, "value") for name in table.columns}
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes.values())
    graph.add_edges_from(
        (nodes[cause], nodes[effect])
        for cause, effect in edges
        if cause in nodes and effect in nodes
    )
    series = {
        name: {"value": list(enumerate(table[name].to_numpy(float)))} for name in table.columns
    }
    case = CaseData(
        MemoryDataLoader(series),
        sli=next(iter(nodes.values())),
        detect_time=len(table) - 1,
        interval=timedelta(seconds=1),
        lookup_window=len(table) - 1,
        detect_window=len(table) - baseline,
    )
    memory = MemoryGraph(graph)
    scores = RHTScorer(use_confidence=False).score(memory, case, len(table) - 1)
    if adjusted:
        scores = DAScorer(threshold=DESCENDANTS).score(memory, case, len(table) - 1, scores)
    ordered = sorted(scores.items(), key=lambda item: item[1].key, reverse=True)
    return [int(node.entity) for node, _ in ordered]


def rcd(table: pd.DataFrame, baseline: int, edges: Edges) -> list[int]:
    """Return the root causes that PyRCA's RCD finds."""
    from pyrca.analyzers.rcd import RCD, RCDConfig

    np.random.seed(SEED)  # noqa: NPY002, the package draws its chunks from the global generator
    analyzer = RCD(RCDConfig(k=table.shape[1]))
    found = analyzer.find_root_causes(table.iloc[:baseline].copy(), table.iloc[baseline:].copy())
    return [int(name) for name, _ in found.root_cause_nodes]


def baro(table: pd.DataFrame, baseline: int, edges: Edges) -> list[int]:
    """Return the ranking of BARO's RobustScorer, as RCAEval ships it."""
    from RCAEval.e2e.baro import baro as unguarded

    timed = table.assign(time=range(len(table)))
    found = unguarded(timed, inject_time=baseline)
    return [int(name) for name in found["ranks"] if name != "time"]


METHODS: dict[str, Callable[[pd.DataFrame, int, Edges], list[int]]] = {
    "baro": baro,
    "circa-calls": circa_by_calls,
    "circa-pc": circa_by_pc,
    "rcd": rcd,
}


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request."""
    if request["method"] == "ready":
        for name in ("pyrca.analyzers.rcd", "RCAEval.e2e.baro", "RCAEval.graph_heads.rht"):
            importlib.import_module(name)
        return {"ready": True}
    values = np.load(request["table"], allow_pickle=False)
    table = pd.DataFrame(values, columns=[str(place) for place in range(values.shape[1])])
    try:
        moving = prepared(table, request["baseline"])
        edges = [(int(cause), int(effect)) for cause, effect in request["edges"]]
        ranking = METHODS[request["method"]](moving, request["baseline"], edges)
    except Exception as error:  # noqa: BLE001, whatever a foreign package raises is a failed case
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    return {"ranking": ranking}


def main() -> None:
    """Answer until standard input ends."""
    warnings.simplefilter("ignore")
    out = sys.stdout
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):  # packages print
            answer = answered(json.loads(line))
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
