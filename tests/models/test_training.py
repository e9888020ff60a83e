import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import Failure
from models.adapters import CARD, read_adapter
from models.causal_lm.belief import PairBelief
from models.causal_lm.encoder import Encoder
from models.causal_lm.pair_head import PairHead
from models.causal_lm.prompt import ANSWERS, KINDS, TUNED
from models.causal_lm.questions import Questions
from models.causal_lm.scorer import adapter_of, loaded, local_scorer
from models.kinds import VOCABULARY
from models.simulator.concepts import concepts
from models.simulator.sites import drawn_site
from models.training.answer_words import Verbalised, answer_words
from models.training.answers import fitted_strangeness, fitted_temperature, sharpened
from models.training.loop import Plan, train
from models.training.lora import AdaptedModel, AdapterShape
from models.training.objectives import (
    Choice,
    ChoosesAnswer,
    Dialogue,
    Told,
    learns_answers,
    learns_statements,
)
from models.training.prefixes import PrefixedModel, TriggeredModel, search
from models.training.sites import KindReader, sites, weighs_pairs
from models.weights import identify
from tests.models.tiny_model import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

WHOLE = AdapterShape(rank=4, first_layer=1)
LOWER = AdapterShape(rank=4, first_layer=0, depth=1)
QUESTIONS = [
    Choice(TUNED.templates[0].about(a.name, b.name), i % 3)
    for i, (a, b) in enumerate(zip(VOCABULARY[:12], VOCABULARY[12:24], strict=True))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def learned(model, objective, batch, steps, checkpoint):
    plan = Plan(steps, minutes=10, learning_rate=2e-2)
    return list(train(model, objective, batch, plan, checkpoint))


def test_questions_are_learned_and_the_adapter_answers_as_the_model_that_learned(folder, tmp_path):
    model = AdaptedModel(folder, WHOLE, precision="float32")
    objective = ChoosesAnswer(ANSWERS)
    progress = learned(model, objective, lambda step: QUESTIONS, 60, tmp_path / "checkpoint")
    assert progress[-1].losses[-1] < progress[-1].losses[0] / 2
    base = identify(str(folder))
    model.save(tmp_path / "adapter", {"base": base, "wording": TUNED.version, "temperature": 1.0})
    again = loaded(folder, read_adapter(tmp_path / "adapter"), "cpu")
    assert isinstance(again, Questions)
    texts = [each.prompt for each in QUESTIONS]
    told = again.engine.log_probabilities(texts, ANSWERS).argmax(axis=1)
    assert (told == [each.answer for each in QUESTIONS]).mean() > 0.8


def test_vectors_in_front_of_a_frozen_model_learn_questions(folder, tmp_path):
    model = PrefixedModel(folder, tokens=4, precision="float32")
    frozen = [each.clone() for each in model.model.model.parameters()]
    objective = ChoosesAnswer(ANSWERS)
    progress = learned(model, objective, lambda step: QUESTIONS, 100, tmp_path / "c")
    assert progress[-1].losses[-1] < progress[0].losses[0] * 0.9
    assert all(map(torch.equal, frozen, model.model.model.parameters()))


def test_a_search_finds_words_that_help_a_frozen_model(folder):
    model = TriggeredModel(folder, "X = Y =", precision="float32")
    objective, begun = ChoosesAnswer(ANSWERS), model.words.clone()
    before = objective(model, QUESTIONS).item()
    for _ in zip(range(8), search(model, objective, lambda step: QUESTIONS, 10), strict=False):
        pass
    assert objective(model, QUESTIONS).item() < before
    assert not torch.equal(model.words, begun)


def test_words_are_found_that_tell_the_answers_apart_and_stand_for_them():
    rng = np.random.default_rng(0)
    right = rng.integers(3, size=300)
    logs = rng.normal(size=(300, 40))
    for answer, word in enumerate((7, 3, 20)):
        logs[right == answer, word] += 2
    assert answer_words(logs, right) == (7, 3, 20)

    class Fixed:
        def log_probabilities(self, prompts, answers):
            odds = {"empty": [0.5, 0.3, 0.2], "one": [0.5, 0.2, 0.3]}
            return np.log([odds[prompt] for prompt in prompts])

    verbalised = Verbalised(Fixed(), [" a", " b", " c"], ["empty"])
    told = np.exp(verbalised.log_probabilities(["one"], ANSWERS))[0]
    assert told.sum() == pytest.approx(1)
    assert told.argmax() == 2  # "a" is favoured anyway
    with pytest.raises(ValueError, match="3 words stand for 2"):
        verbalised.log_probabilities(["one"], ANSWERS[:2])


def test_words_in_front_are_read_like_those_of_the_question(folder):
    model = TriggeredModel(folder, "X =", precision="float32")
    plain = AdaptedModel(folder, WHOLE, precision="float32")
    question = QUESTIONS[0].prompt
    objective = ChoosesAnswer(ANSWERS)
    with torch.no_grad():
        found = objective.logits(model, [question, question[:-20]])
        expected = objective.logits(plain, [f"X = {question}", f"X = {question[:-20]}"])
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_run_that_was_stopped_goes_on_to_the_same_end(folder, tmp_path):
    def batch(step):
        return QUESTIONS[step % 6 : step % 6 + 6]

    whole = AdaptedModel(folder, WHOLE, precision="float32")
    learned(whole, ChoosesAnswer(ANSWERS), batch, 20, tmp_path / "whole")
    first = AdaptedModel(folder, WHOLE, precision="float32")
    plan = Plan(20, minutes=10, learning_rate=2e-2, checkpoint_minutes=0)
    next(train(first, ChoosesAnswer(ANSWERS), batch, plan, tmp_path / "parts"))
    steps = train(first, ChoosesAnswer(ANSWERS), batch, plan, tmp_path / "parts")
    assert not (tmp_path / "parts").exists()  # the first was stopped before it saved
    assert [each.step for each in steps] == [10, 20]
    second = AdaptedModel(folder, WHOLE, precision="float32")
    assert list(train(second, ChoosesAnswer(ANSWERS), batch, plan, tmp_path / "parts")) == []
    for name, value in first.parameters.items():
        assert torch.equal(value, second.parameters[name])


def test_a_checkpoint_of_another_shape_is_refused(folder, tmp_path):
    model = AdaptedModel(folder, WHOLE, precision="float32")
    learned(model, ChoosesAnswer(ANSWERS), lambda step: QUESTIONS, 10, tmp_path / "checkpoint")
    other = AdaptedModel(folder, AdapterShape(rank=4, first_layer=0), precision="float32")
    with pytest.raises(ValueError, match="another adapter"):
        learned(other, ChoosesAnswer(ANSWERS), lambda step: QUESTIONS, 10, tmp_path / "checkpoint")


def test_direction_is_learned_from_statements_and_their_twins(folder, tmp_path):
    names = [kind.name for kind in VOCABULARY[:8]]
    told = [Told(f"{a} {b}", f"{b} {a}") for a, b in zip(names[:4], names[4:], strict=True)]
    model = AdaptedModel(folder, WHOLE, precision="float32")
    losses = learned(model, learns_statements, lambda step: told, 40, tmp_path / "c")[-1].losses
    assert losses[-1] < losses[0]


def test_only_answers_of_a_dialogue_are_learned(folder):
    model = AdaptedModel(folder, WHOLE, precision="float32")
    words = [kind.name.split()[0] for kind in VOCABULARY[:3]]
    one = Dialogue(((words[0], False), (words[1], True)))
    same = Dialogue(((words[0], False), (words[1], True), (words[2], False)))
    assert learns_answers(model, [one]).item() == pytest.approx(
        learns_answers(model, [same]).item()
    )


def test_kinds_are_learned_and_read_again_from_the_adapter(folder, tmp_path):
    model = KindReader(folder, LOWER)
    site = sites(0, 1)
    losses = learned(model, weighs_pairs, lambda step: site, 60, tmp_path / "c")[-1].losses
    assert losses[-1] < losses[0] * 0.8
    base = identify(str(folder))
    card = {"base": base, "wording": KINDS, "temperature": 1.0, "depth": 1}
    model.save(tmp_path / "adapter", card)
    encoder = loaded(folder, read_adapter(tmp_path / "adapter"), "cpu")
    assert isinstance(encoder, Encoder)
    scorer = local_scorer(str(folder), tmp_path, "cpu", 10, tmp_path / "adapter")
    cpu, disk, fan = VOCABULARY[40], VOCABULARY[60], VOCABULARY[20]
    told = scorer.score([(cpu, disk), (disk, cpu), (fan, disk)])
    assert told[0] == told[1].reversed()
    assert all(isinstance(each, PairBelief) and each.answered for each in told)


@given(st.integers(0, 50))
def test_exchanging_two_kinds_exchanges_the_answers(seed):
    torch.manual_seed(seed)
    head = PairHead(6, hidden=4).eval()
    vectors = torch.randn(5, 6)
    first, second = torch.tensor([0, 1, 2]), torch.tensor([3, 4, 0])
    straight, turned = head(vectors, first, second), head(vectors, second, first)
    assert torch.allclose(straight, turned[:, [1, 0, 2]], atol=1e-6)


def test_every_other_site_has_concepts_that_only_training_learns_about():
    plain, wide = sites(3, 2)
    assert {kind.name for kind in plain.own} <= set(concepts())
    assert not {kind.name for kind in wide.own} <= set(concepts())
    held = {name for name, each in concepts().items() if each.held_out}
    assert held.isdisjoint(kind.name for kind in wide.own)


@given(st.integers(0, 5))
def test_a_site_holds_what_questions_would_ask_in_their_shares(seed):
    site = drawn_site(seed, 40)
    assert len(site.kinds) <= 40
    assert site.weight.sum() == pytest.approx(1)
    assert site.weight[site.answer < 2].sum() == pytest.approx(0.6, abs=0.02)


@given(st.floats(0.4, 4.0))
def test_the_temperature_that_answers_were_drawn_with_is_found(temperature):
    rng = np.random.default_rng(0)
    logs = np.log(rng.dirichlet(np.ones(3), 4000))
    truth = np.array([rng.choice(3, p=row) for row in sharpened(logs, temperature)])
    assert fitted_temperature(logs, truth) == pytest.approx(temperature, rel=0.15)


def test_an_adapter_of_another_model_or_wording_is_refused(folder, tmp_path):
    model = AdaptedModel(folder, WHOLE, precision="float32")
    base = identify(str(folder))
    model.save(tmp_path / "a", {"base": "0" * 64, "wording": TUNED.version, "temperature": 1.0})
    with pytest.raises(Failure, match="another model"):
        adapter_of(base, tmp_path / "a")
    model.save(tmp_path / "b", {"base": base, "wording": "0", "temperature": 1.0})
    with pytest.raises(Failure, match="version 0"):
        adapter_of(base, tmp_path / "b")
    (tmp_path / "b" / CARD).write_text(json.dumps({"base": base}))
    with pytest.raises(Failure, match="no adapter"):
        read_adapter(tmp_path / "b")
    with pytest.raises(Failure, match="no adapter"):
        adapter_of(base, tmp_path / "nowhere")


@pytest.mark.parametrize(("added", "temperature"), [(-2.0, 2.0), (0.5, 0.8)])
def test_how_the_unlearned_is_to_be_read_is_found(added, temperature):
    rng = np.random.default_rng(1)
    logs = np.log(rng.dirichlet(np.ones(3), 1500))
    shares = sharpened(logs + np.array([0, 0, added]), temperature)
    truth = (rng.random((len(shares), 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(max=2)
    neither, found = fitted_strangeness(logs, truth, np.ones(len(truth)))
    assert neither / found == pytest.approx(added / temperature, abs=0.35)


def test_kinds_that_were_not_taught_are_read_in_their_own_way(folder, tmp_path):
    model = KindReader(folder, LOWER)
    base = identify(str(folder))
    card = {"base": base, "wording": KINDS, "temperature": 1.0, "depth": 1}
    card |= {"unlearned_temperature": 2.0, "unlearned_none": -3.0, "learned": ["a", "b"]}
    model.save(tmp_path, card)
    encoder = Encoder(folder, read_adapter(tmp_path), "cpu")
    places = [0, 0, 1], [1, 2, 2]
    plain = encoder.probabilities(["a", "b", "c"], *places)
    told = encoder.probabilities(["a", "b", "c"], *places, [True, True, False])
    assert np.allclose(plain[0], told[0])
    expected = sharpened(np.log(plain[1:]) + np.array([0, 0, -3.0]), 2.0)
    assert np.allclose(told[1:], expected, atol=1e-5)
