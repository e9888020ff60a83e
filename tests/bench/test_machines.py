"""Instants of servers: what is counted, and that whoever knows the answer gets all of it."""

import numpy as np
import pytest

from tests.bench.machines import (
    PEERS,
    Scored,
    aitia,
    bar_of_others,
    rows,
    rule_rows,
    scored,
    smoothed,
)
from tests.bench.replay_days import HISTORY

LABEL = np.zeros(2880, bool)
LABEL[700:760] = LABEL[2000:2100] = True


def test_whoever_knows_the_labels_gets_everything():
    perfect = Scored(LABEL, LABEL.astype(float), 60.0)
    assert (perfect.precision(), perfect.f1(perfect.best_bar())) == (1.0, 1.0)
    assert perfect.false_alarms(0.5) == 0


def test_instants_count_by_themselves():
    """Finding one instant of a stretch is finding one instant, not the stretch."""
    score = np.zeros(len(LABEL))
    score[700] = score[2000] = 1
    one = Scored(LABEL, score, 60.0)
    assert one.f1(1) == pytest.approx(2 * 2 / (2 + 160))


def test_false_alarms_an_hour_apart_are_one():
    score = LABEL * 1.0
    score[[100, 120, 1000, 1061, 705]] = 2
    assert Scored(LABEL, score, 60.0).false_alarms(0.5) == pytest.approx(3 / 2)


def test_no_server_chooses_its_own_bar():
    good, shifted = Scored(LABEL, LABEL * 1.0, 60.0), Scored(LABEL, LABEL * 5.0, 60.0)
    assert bar_of_others([good, shifted, shifted], 0) == 5.0


def test_a_stretch_has_one_number():
    assert smoothed(np.array([1.0, 3, 5, 5, 8]), 2).tolist() == [2, 2, 5, 5, 8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two servers of one kind; one signal jumps where it is labelled."""
    folder, rng = tmp_path_factory.mktemp("servers"), np.random.default_rng(0)
    for name in ("omi-1", "omi-2"):
        calm, asked = rng.normal(size=(HISTORY, 4)), rng.normal(size=(400, 4))
        label = np.zeros(400, np.uint8)
        label[200:230] = 1
        asked[label == 1, 2] += 15
        np.savez(folder / name, train=calm, test=asked, test_label=label)
    return folder


def test_who_looks_finds_a_jump(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("models.foretelling.BATCHES", 5)
    servers = dict(scored(folder, 1, tmp_path))
    lines = list(rows(servers))
    assert [line[0] for line in lines][:2] == ["Aitia", "median and IQR"]
    for ways in servers.values():
        assert ways["Aitia"].precision() > 0.7
        assert ways["median and IQR, smoothed"].precision() > 0.7
        assert ways["encoder, own past"].precision() > 0.7
        assert ways["Aitia or encoder, other servers"].precision() > 0.7
    rules = {line[0]: line[1:] for line in rule_rows(servers)}
    assert rules["Aitia"][-1] == rules["life, own past"][-1] == "2 of 2"
    again = dict(scored(folder, 1, tmp_path))
    np.testing.assert_array_equal(again["omi-1"]["Aitia"].score, servers["omi-1"]["Aitia"].score)


@pytest.mark.parametrize("learn", PEERS.values(), ids=PEERS)
def test_a_peer_says_one_number_an_instant(learn):
    calm = np.random.default_rng(1).normal(size=(300, 3))
    said = learn(calm)(np.vstack([calm[:5], [[40.0, 0, 0]]]))
    assert said.shape == (6,)
    assert said.argmax() == 5


def test_what_comes_later_changes_no_score():
    values = np.random.default_rng(2).normal(size=(HISTORY + 60, 3))
    later = values.copy()
    later[-12:] += 9
    calm, length = values[:HISTORY], 48
    first, _ = aitia(calm, values[HISTORY:], 300.0, 1)
    second, _ = aitia(calm, later[HISTORY:], 300.0, 1)
    np.testing.assert_array_equal(first[:length], second[:length])
    assert (second[length:] > first[length:]).all()
