from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.causal_lm.entailment import ANSWERS, ASKED, Structured
from models.decoding import CACHED_TOKENS, Decoded, batches
from models.engine import Engine
from tests.models.tiny_model import save_tiny_model

PROMPTS = [
    "disk io latency and memory used",
    "disk io",
    "the same computer system and cpu utilization and memory used : B of",
    "cpu temperature",
]
WORD = " computer"
YES_NO = (" A", " B")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"), seed=3)


@pytest.fixture(scope="module")
def engine(folder):
    return Engine(folder, device="cpu", precision="float32")


def generated(folder, prompt, most):
    """Return the likeliest continuation as transformers itself makes it, one prompt alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    read = tokenizer(prompt, return_tensors="pt")
    said = model.generate(
        input_ids=read["input_ids"],
        attention_mask=read["attention_mask"],
        max_new_tokens=most,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return tokenizer.decode(said[0, read["input_ids"].shape[1] :])


def test_a_batch_says_what_each_prompt_alone_says(folder, engine):
    never = engine.decoded(PROMPTS, " <unk>", YES_NO, 6)
    for prompt, each in zip(PROMPTS, never, strict=True):
        whole = generated(folder, prompt, 7)
        assert whole.startswith(each.text)
        assert (each.answers is None) == ("<unk>" not in each.text)


def test_what_follows_the_word_is_weighed_as_if_it_had_been_read_in_one_go(folder, engine):
    for word in {text for prompt in PROMPTS for text in generated(folder, prompt, 4).split()}:
        found = engine.decoded(PROMPTS, f" {word}", YES_NO, 5)
        assert any(each.answers is not None for each in found)
        for prompt, each in zip(PROMPTS, found, strict=True):
            if each.answers is None:
                assert word not in each.text.split()[:5]
                continue
            assert each.text.split().index(word) == len(each.text.split()) - 1
            plain = engine.log_probabilities([f"{prompt} {each.text}"], YES_NO)
            assert np.allclose(each.answers, plain[0], atol=1e-4)


def test_progress_tells_how_many_are_done(engine):
    told: list[int] = []
    engine.decoded(PROMPTS, WORD, YES_NO, 3, told.append)
    assert told == [len(PROMPTS)]


def test_a_word_of_several_tokens_is_refused(engine):
    with pytest.raises(ValueError, match="no single token"):
        engine.decoded(PROMPTS, " disk io", YES_NO, 3)
    with pytest.raises(ValueError, match="empty"):
        engine.decoded([""], WORD, YES_NO, 3)


def test_batches_hold_every_prompt_once_and_bound_the_memory():
    lengths = [10, 4000, 30, 3900, 20, 100]
    found = list(batches(lengths, 400))
    assert sorted(place for places in found for place in places) == list(range(len(lengths)))
    for places in found:
        tokens = len(places) * (max(lengths[place] for place in places) + 400)
        assert len(places) == 1 or tokens <= CACHED_TOKENS


class Writing:
    """An engine that writes the same structure whatever it reads."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def decoded(self, prompts, word, answers, most_tokens, progress=lambda done: None):
        assert answers == ANSWERS
        self.asked += prompts
        progress(len(prompts))
        return [Decoded("skeleton none", self.answers) for _ in prompts]

    def log_probabilities(self, prompts, answers):
        return np.zeros((len(prompts), len(answers)))


def test_a_structure_is_asked_for_as_it_was_learned_and_its_answer_is_the_probability():
    engine = Writing(np.log([0.8, 0.2]))
    assert Structured(engine).entailments([("A.", "B.")]) == pytest.approx([0.8])
    assert engine.asked == [ASKED.format(premise="A.", hypothesis="B.")]


def test_a_structure_without_an_answer_says_neither_yes_nor_no():
    assert Structured(Writing(None)).entailments([("A.", "B.")]) == [0.5]
