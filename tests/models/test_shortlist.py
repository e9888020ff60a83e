from dataclasses import replace

import numpy as np
import pytest

from models.shortlist import shortlist
from tests.models.scm import anomalies_of, signals_of, window_of

SYMPTOM = "front latency_p90"


def chosen(names, abnormal=(), topology=(), size=12, moved=(), contains=()):
    """Return the names that are chosen out of ``names``, of which ``moved`` move at the end."""
    signals = signals_of(*names)
    values = np.random.default_rng(0).normal(size=(200, len(names)))
    for name in moved:
        values[-12:, names.index(name)] += 50
    window = replace(window_of(values, signals, topology=topology), contains=contains)
    found = anomalies_of(signals_of(*abnormal))
    first = signals_of(SYMPTOM)[0].node
    picked = shortlist(window, found, first, size)
    return [f"{signal.node.entity} {signal.node.signal}" for signal in picked]


def test_the_symptom_comes_first_and_its_load_next():
    names = ["db cpu", "db mem", SYMPTOM, "front cpu", "front requests"]
    assert chosen(names, ["db cpu"])[:3] == [SYMPTOM, "front requests", "db cpu"]


def test_percentiles_of_one_latency_leave_room_for_other_kinds():
    names = [SYMPTOM, *(f"db latency_p{p}" for p in (50, 75, 90, 95, 99)), "db cpu", "c cpu"]
    picked = chosen(names, names[1:], size=4)
    assert picked == [SYMPTOM, "db latency_p50", "db cpu", "c cpu"]


def test_one_entity_does_not_crowd_out_the_others():
    kinds = ["cpu", "mem", "disk_q", "net_rx", "swap_used", "uptime", "processes", "queries"]
    names = [SYMPTOM, *(f"db {kind}" for kind in kinds), *(f"c{i} cpu" for i in range(5))]
    picked = chosen(names, names[1:], size=9)
    assert sum(name.startswith("db") for name in picked) == 3


def test_a_neighbour_that_shows_nothing_yet_is_kept_in_the_symptoms_kind():
    names = [SYMPTOM, "back latency_p50", *(f"c{i} cpu" for i in range(20))]
    assert "back latency_p50" in chosen(names, names[2:], topology=[("front", "back")])


def test_what_the_host_runs_short_of_and_who_takes_it_have_their_places():
    worst = [f"c{i} cpu" for i in range(20)]
    names = [SYMPTOM, *worst, "host cpu_pressure", "batch process_cpu_seconds", "h2 cpu_pressure"]
    contains = [("host", "front"), ("host", "batch"), ("h2", "c1")]
    picked = chosen(names, worst, moved=names[-3:], contains=contains)
    assert picked[0] == SYMPTOM
    assert {"host cpu_pressure", "batch process_cpu_seconds"} <= set(picked)
    assert "h2 cpu_pressure" not in picked
    assert SYMPTOM in chosen(names, worst, moved=names[-3:], contains=contains, size=2)


def test_what_moved_most_fills_the_rest():
    names = [SYMPTOM, *(f"c{i} cpu" for i in range(20))]
    assert chosen(names, moved=["c7 cpu"])[1] == "c7 cpu"


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_the_list_is_no_longer_than_asked_for_and_has_no_twins(size):
    names = [SYMPTOM, "front requests", "back latency_p50", *(f"c{i} cpu" for i in range(20))]
    picked = chosen(names, names[3:], [("front", "back")], size)
    assert len(picked) == len(set(picked)) <= max(size, 1)
