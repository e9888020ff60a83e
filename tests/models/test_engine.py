from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from diagnose.schema import Failure
from models.engine import Engine
from tests.models.tiny_model import save_tiny_model

PROMPTS = [
    "disk io latency and memory used : A",
    "disk io latency and cpu utilization",
    "disk io latency and",
    "disk io latency and memory used : B of the same computer",
    "disk io latency and cpu temperature",
]
ANSWERS = [" A", " B", " C"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def engine(folder):
    return Engine(folder, device="cpu", precision="float32")


def plainly(folder, prompt, answers):
    """Return the same by the book: one forward for each answer, without any cache."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    sums = []
    for answer in answers:
        begin, end = tokenizer(prompt)["input_ids"], tokenizer(answer)["input_ids"]
        with torch.inference_mode():
            logits = model(torch.tensor([begin + end])).logits[0].log_softmax(-1)
        places = range(len(begin) - 1, len(begin) + len(end) - 1)
        sums.append(sum(float(logits[p, t]) for p, t in zip(places, end, strict=True)))
    return np.array(sums) - np.logaddexp.reduce(sums)


@pytest.mark.parametrize("answers", [ANSWERS, [" A", " the same computer", " disk io"]])
def test_sharing_and_batching_change_nothing(folder, engine, answers):
    together = engine.log_probabilities(PROMPTS, answers)
    alone = np.concatenate([engine.log_probabilities([p], answers) for p in PROMPTS])
    by_the_book = np.array([plainly(folder, p, answers) for p in PROMPTS])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(together, by_the_book, atol=1e-5)


def test_small_batches_change_nothing(folder, engine):
    small = Engine(folder, device="cpu", precision="float32", batch_tokens=1)
    assert np.allclose(
        small.log_probabilities(PROMPTS, ANSWERS), engine.log_probabilities(PROMPTS, ANSWERS)
    )


def test_prompts_with_nothing_in_common_are_fine(folder, engine):
    prompts = ["disk io", "memory used", "A"]
    expected = np.array([plainly(folder, p, ANSWERS) for p in prompts])
    assert np.allclose(engine.log_probabilities(prompts, ANSWERS), expected, atol=1e-5)


def test_a_prompt_that_others_continue_is_fine(folder, engine):
    prompts = ["disk io", "disk io", "disk io latency"]
    expected = np.array([plainly(folder, p, ANSWERS) for p in prompts])
    assert np.allclose(engine.log_probabilities(prompts, ANSWERS), expected, atol=1e-5)


def test_probabilities_of_the_given_answers_sum_to_one(engine):
    likely = engine.log_probabilities(PROMPTS, ANSWERS)
    assert likely.shape == (len(PROMPTS), 3)
    assert np.allclose(np.exp(likely).sum(axis=1), 1)


def test_the_same_question_has_the_same_answer(engine):
    first = engine.log_probabilities(PROMPTS, ANSWERS)
    assert (first == engine.log_probabilities(PROMPTS, ANSWERS)).all()


def test_nothing_asked_is_nothing_answered(engine):
    assert engine.log_probabilities([], ANSWERS).shape == (0, 3)


def test_an_empty_prompt_is_refused(engine):
    with pytest.raises(ValueError, match="empty"):
        engine.log_probabilities(["", "disk"], ANSWERS)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(Failure, match="no model can be loaded"):
        Engine(tmp_path)


def test_damaged_weights_are_refused(tmp_path):
    folder = save_tiny_model(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(Failure, match="no model can be loaded"):
        Engine(folder)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused(folder):
    with pytest.raises(Failure, match="no CUDA device"):
        Engine(Path(folder), device="cuda")
