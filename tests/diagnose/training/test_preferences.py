import json

import pytest
from safetensors.torch import load_file

from diagnose.failure import Failure
from diagnose.training.preferences import MODEL, RewardAmounts, train_reward, tune_adapter
from models.adapters import HEAD, WEIGHTS, read_adapter
from models.causal_lm.prompt import KINDS, TUNED
from models.policy.preferences import RewardModel
from models.policy.tuning import TuningPlan
from models.training.lora import AdaptedModel, AdapterShape
from models.training.sites import KindReader
from models.weights import locate
from tests.models.tiny_model import save_tiny_model

# Inside peft, at transformers 5.23; nothing that is used here.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

GOOD = '{"about": "edge", "cause": "backup", "effect": "disk io latency", "verdict": "accepted"}'


def quiet(done, of):
    assert 0 < done <= of


@pytest.fixture
def start(tmp_path):
    """Return a tiny model and an adapter of it."""
    model = save_tiny_model(tmp_path / "model")
    adapted = AdaptedModel(model, AdapterShape(4, 0), precision="float32")
    identity = locate(str(model)).identity
    adapted.save(
        tmp_path / "start", {"base": identity, "wording": TUNED.version, "temperature": 1.3}
    )
    return model, tmp_path / "start"


def test_a_reward_model_is_left_with_its_card(tmp_path):
    card = train_reward(tmp_path, quiet, RewardAmounts(6, 5, 3, 2))
    assert json.loads((tmp_path / "run.json").read_text()) == card
    assert card["comparisons"] == 18
    assert {"model", "BIC alone", "model less BIC alone"} < set(card["test"]["closeness"])
    RewardModel().load_state_dict(load_file(tmp_path / MODEL))


def test_an_adapter_is_tuned_and_stays_an_adapter(tmp_path, start):
    model, folder = start
    judged = tmp_path / "judged.jsonl"
    judged.write_text(GOOD + "\n")
    out = tmp_path / "tuned"
    card = tune_adapter(judged, folder, out, quiet, TuningPlan(8, 1e-3), str(model))
    assert card["losses"][-1] < card["losses"][0]
    before, after = read_adapter(folder), read_adapter(out)
    assert (after.base, after.temperature) == (before.base, 1.3)
    old, new = load_file(folder / WEIGHTS), load_file(out / WEIGHTS)
    assert any((old[name] != new[name]).any() for name in old)
    assert card["start"] == before.identity


def test_a_reader_of_kinds_is_tuned_by_its_head_alone(tmp_path):
    model = save_tiny_model(tmp_path / "model")
    reader = KindReader(model, AdapterShape(4, 0, 1))
    facts = {"base": locate(str(model)).identity, "wording": KINDS, "temperature": 1.0, "depth": 1}
    start, out = tmp_path / "start", tmp_path / "tuned"
    reader.save(start, {**facts, "learned": ["backup"]})
    judged = tmp_path / "judged.jsonl"
    judged.write_text(GOOD + "\n")
    card = tune_adapter(judged, start, out, quiet, TuningPlan(20, 1e-3), str(model))
    assert card["losses"][-1] < card["losses"][0]
    old, new = load_file(start / WEIGHTS), load_file(out / WEIGHTS)
    assert all((old[name] == new[name]).all() for name in old)
    head, tuned = load_file(start / HEAD), load_file(out / HEAD)
    assert any((head[name] != tuned[name]).any() for name in head)
    assert read_adapter(out).learned == {"backup"}


def test_nothing_to_learn_from_is_said(tmp_path, start):
    model, folder = start
    judged = tmp_path / "judged.jsonl"
    judged.write_text("\n")
    with pytest.raises(Failure, match="holds no judgements"):
        tune_adapter(judged, folder, tmp_path / "out", quiet, model=str(model))


def test_an_adapter_of_another_model_is_refused(tmp_path, start):
    judged = tmp_path / "judged.jsonl"
    judged.write_text(GOOD)
    other = save_tiny_model(tmp_path / "other", seed=3)
    with pytest.raises(Failure, match="is of another model"):
        tune_adapter(judged, start[1], tmp_path / "out", quiet, model=str(other))
