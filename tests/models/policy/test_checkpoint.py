import pytest
import torch

from diagnose.schema import Failure
from models.policy.checkpoint import resume, save
from models.policy.network import KindEdges, PairPolicy
from tests.models.policy.worlds import world

INCIDENT = world(1)[0]


def step(policy, optimiser):
    optimiser.zero_grad()
    logits = policy(INCIDENT)
    logits[torch.isfinite(logits)].square().mean().backward()
    optimiser.step()


def test_a_run_goes_on_as_if_it_had_never_stopped(tmp_path):
    file = tmp_path / "folder" / "checkpoint.safetensors"
    policy = PairPolicy()
    optimiser = torch.optim.Adam(policy.parameters(), lr=0.01)
    for number in range(4):
        if number == 2:
            save(file, policy, [optimiser], {"step": number, "losses": [0.5]})
        step(policy, optimiser)
    other = PairPolicy(seed=9)
    again = torch.optim.Adam(other.parameters(), lr=0.01)
    assert resume(file, other, [again]) == {"step": 2, "losses": [0.5]}
    for _ in range(2):
        step(other, again)
    for one, two in zip(policy.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_without_a_file_nothing_is_taken_over(tmp_path):
    assert resume(tmp_path / "none.safetensors", PairPolicy(), []) == {}


def test_what_is_no_checkpoint_of_this_is_refused(tmp_path):
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(b"12345678 not at all")
    with pytest.raises(Failure, match="is no checkpoint of this run"):
        resume(file, PairPolicy(), [])
    save(file, KindEdges(), [], {})
    with pytest.raises(Failure, match="is no checkpoint of this run"):
        resume(file, PairPolicy(), [])
