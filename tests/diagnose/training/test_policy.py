import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from diagnose.failure import Failure
from diagnose.training.policy import CHECKPOINT, START, WEIGHTS, PolicyAmounts, train_policy
from models.policy.network import PairPolicy

SMALL = PolicyAmounts(question_steps=0, begun=4, train=8, test=6, units=60)


class StoppedError(Exception):
    pass


def quiet(done, of):
    assert 0 < done <= of


def test_a_run_leaves_weights_and_a_card_that_says_how_it_went(tmp_path):
    card = train_policy(tmp_path, "rloo", quiet, SMALL)
    assert json.loads((tmp_path / "run.json").read_text()) == card
    assert card["units"] >= 60
    assert set(card["test"]["f1"]) == {"topologies", "before", "after", "after less before"}
    assert card["test"]["f1"]["topologies"] == 6
    PairPolicy().load_state_dict(load_file(tmp_path / WEIGHTS))


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr("diagnose.training.policy.SAVED", 1)
    amounts = replace(SMALL, units=200)
    whole = train_policy(tmp_path / "whole", "nlpo", quiet, amounts)
    told = []

    def stop(done, of):
        told.append(done)
        if len(told) == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_policy(tmp_path / "parts", "nlpo", stop, amounts)
    again = train_policy(tmp_path / "parts", "nlpo", quiet, amounts)
    assert again["earned"] == whole["earned"]
    ends = [load_file(tmp_path / name / WEIGHTS) for name in ("whole", "parts")]
    assert all(torch.allclose(ends[0][key], ends[1][key], atol=1e-6) for key in ends[0])


def test_another_runs_folder_and_an_unknown_way_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("diagnose.training.policy.SAVED", 1)
    with pytest.raises(Failure, match="choose among ppo, rloo"):
        train_policy(tmp_path, "reinforce", quiet, SMALL)
    train_policy(tmp_path, "rloo", quiet, SMALL)
    assert (tmp_path / CHECKPOINT).is_file()
    assert (tmp_path / START).is_file()
    with pytest.raises(Failure, match="is of rloo"):
        train_policy(tmp_path, "trpo", quiet, SMALL)
