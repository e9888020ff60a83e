"""The hand-over to another process: it may answer, fail, hang, die, or be asked again."""

import sys
from pathlib import Path

import numpy as np
import pytest

from diagnose.schema import Failure, Kind, Node, Signal
from tests.bench.peers.packages import HOPELESS, PYTHON, Packages, structural_edges
from tests.bench.peers.rankers import Rows

# Answers as a published package would; the method says what becomes of it.
ANSWERER = """
import json, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "hangs":
        time.sleep(60)
    if asked["method"] == "dies":
        sys.exit(3)
    open("asked", "a").write(asked["method"] + " ")
    answer = {"error": "ValueError: no"} if asked["method"] == "fails" else {"ranking": [1, 0]}
    print(json.dumps(answer), flush=True)
"""


def rows(seed=0):
    signals = tuple(
        Signal(Node(entity, name), Kind(name, load=name == "load"))
        for entity in ("web", "db")
        for name in ("latency", "load")
    )
    rng = np.random.default_rng(seed)
    past, now = rng.normal(size=(40, 4)), 4 + rng.normal(size=(5, 4))
    return Rows(signals, past, now, signals[0].node, (("web", "db"),))


@pytest.fixture
def packages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Packages(tmp_path / "kept", (sys.executable, "-c", ANSWERER), cap=0.5) as found:
        yield found


def test_an_answer_is_kept(packages):
    assert packages.ask("ranks", rows()).ranking == (1, 0)
    assert packages.ask("ranks", rows()).ranking == (1, 0)
    assert packages.ask("ranks", rows(seed=1)).ranking == (1, 0)
    assert Path("asked").read_text().split() == ["ready", "ranks", "ranks"]


def test_a_failure_is_kept_as_a_failure(packages):
    for _ in range(2):
        answer = packages.ask("fails", rows())
        assert (answer.ranking, answer.failure) == (None, "ValueError: no")
    assert Path("asked").read_text().split() == ["ready", "fails"]


def test_what_takes_too_long_is_ended_and_the_next_case_is_answered(packages):
    late = packages.ask("hangs", rows())
    assert late.ranking is None
    assert late.failure == "took longer than 0.5 s"
    assert packages.ask("ranks", rows()).ranking == (1, 0)


def test_a_process_that_dies_fails_its_case_alone(packages):
    assert packages.ask("dies", rows()).failure == "the process ended with 3"
    assert packages.ask("ranks", rows()).ranking == (1, 0)


def test_a_method_that_is_always_late_is_asked_no_more(packages):
    for seed in range(HOPELESS):
        assert packages.ask("hangs", rows(seed)).failure == "took longer than 0.5 s"
    unasked = packages.ask("hangs", rows(HOPELESS))
    assert unasked.ranking is None
    assert unasked.failure.startswith("not asked")
    assert packages.ask("ranks", rows()).ranking == (1, 0)


def test_without_its_environment_nothing_is_asked(tmp_path):
    with pytest.raises(Failure, match="is not there"):
        Packages(tmp_path, (str(tmp_path / "python"),))


def test_a_structural_graph_runs_from_the_called_and_from_load():
    names = [str(signal.node) for signal in rows().signals]
    edges = {(names[cause], names[effect]) for cause, effect in structural_edges(rows())}
    assert edges == {
        ("db · latency", "web · latency"),
        ("web · load", "db · load"),
        ("web · load", "web · latency"),
        ("db · load", "db · latency"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("method", ["baro", "circa-calls", "circa-pc", "rcd"])
def test_the_real_packages_rank(tmp_path, method):
    if not (PYTHON.parent.parent / "installed").exists():
        pytest.skip("RCAEval and PyRCA are not installed: make bench INCIDENTS=DIR")
    with Packages(tmp_path) as found:
        answer = found.ask(method, rows())
    assert answer.failure == ""
    assert answer.ranking
    assert set(answer.ranking) <= {0, 1, 2, 3}
