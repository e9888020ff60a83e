from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.causal_lm.entailment import END, READ_RIGHT, Concluded, Structured
from models.decoding import CACHED_TOKENS, batches
from models.engine import Engine
from tests.models.tiny_model import save_tiny_model

PROMPTS = [
    "disk io latency and memory used",
    "disk io",
    "the same computer system and cpu utilization and memory used : B of",
    "cpu temperature",
]
WORD = " computer"


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


@pytest.mark.parametrize("begin", ["", "cpu utilization and memory used : "])
def test_a_batch_says_what_each_prompt_alone_says_up_to_the_end(folder, engine, begin):
    prompts = [begin + prompt for prompt in PROMPTS]
    alone = [generated(folder, prompt, 6) for prompt in prompts]
    for word in {word for text in alone for word in text.split()}:
        found = engine.decoded(prompts, f" {word}", 6)
        assert any(each is not None for each in found)
        for text, each in zip(alone, found, strict=True):
            if each is None:
                assert word not in text.split()
            else:
                assert each.split() == text.split()[: text.split().index(word)]


def test_progress_tells_how_many_are_done(engine):
    told: list[int] = []
    engine.decoded(PROMPTS, WORD, 3, told.append)
    assert told == [len(PROMPTS)]


def test_an_end_of_several_tokens_is_refused(engine):
    with pytest.raises(ValueError, match="no single token"):
        engine.decoded(PROMPTS, " disk io", 3)
    with pytest.raises(ValueError, match="empty"):
        engine.decoded([""], WORD, 3)


def test_batches_hold_every_prompt_once_and_bound_the_memory():
    lengths = [10, 4000, 30, 3900, 20, 100]
    found = list(batches(lengths, 400))
    assert sorted(place for places in found for place in places) == list(range(len(lengths)))
    for places in found:
        tokens = len(places) * (max(lengths[place] for place in places) + 400)
        assert len(places) == 1 or tokens <= CACHED_TOKENS


class Writing:
    """An engine that writes the same structure whatever it reads, and weighs by the hypothesis."""

    def __init__(self, structure, argument=" direct A, B: none"):
        self.structure = structure
        self.argument = argument
        self.read = []
        self.asked = []

    def decoded(self, prompts, end, most_tokens, progress=lambda done: None):
        assert end == END
        self.read += prompts
        return [self.argument if "That is" in prompt else self.structure for prompt in prompts]

    def log_probabilities(self, prompts, answers):
        self.asked += prompts
        if not prompts:
            return np.zeros((0, len(answers)))
        return np.log([[0.8, 0.2] if "B. That" in prompt else [0.1, 0.9] for prompt in prompts])


def test_each_premise_is_read_once_and_its_hypotheses_are_weighed_behind_what_decides_them():
    engine = Writing("pairs none")
    asked = [("P.", "B."), ("Q.", "B."), ("P.", "C.")]
    assert Structured(engine).entailments(asked) == pytest.approx([0.8, 0.8, 0.1])
    assert engine.read[:2] == ["Premise: P.\n", "Premise: Q.\n"]
    assert "Premise: P.\npairs none\nC. That is direct A, B: none\nAnswer:" in engine.asked


def test_the_solver_concludes_from_what_was_read_once():
    engine = Writing("dependent A - C, B - C; apart A - B", " direct A, C: none")
    reader = Structured(engine)
    asked = [("P.", "B."), ("P.", "C.")]
    assert reader.entailments(asked) == pytest.approx([0.8, 0.1])
    read = len(engine.read)
    assert Concluded(reader).entailments(asked) == [READ_RIGHT, READ_RIGHT]
    assert len(engine.read) == read
    assert Concluded(Structured(Writing("nothing"))).entailments(asked) == [0.5, 0.5]


@pytest.mark.parametrize("engine", [Writing(None), Writing("pairs none", None)])
def test_who_comes_to_no_end_says_neither_yes_nor_no(engine):
    assert Structured(engine).entailments([("A.", "B.")]) == [0.5]
    assert not engine.asked
