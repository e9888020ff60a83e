import json
from itertools import combinations

import numpy as np
import pytest

from diagnose.schema import Failure
from models.causal_lm import answers as table
from models.causal_lm.answers import AnswerTable, by_name, decode, encode
from models.causal_lm.belief import UNANSWERED, PairBelief
from models.causal_lm.build import all_pairs, build
from models.causal_lm.prompt import UNTUNED
from models.causal_lm.questions import Questions
from models.causal_lm.scorer import LocalScorer, local_scorer
from models.kinds import VOCABULARY, kind_of_metric
from tests.models.tiny_model import save_tiny_model

CPU, DISK, LATENCY = map(kind_of_metric, ["cpu", "disk_q", "latency_p90"])
MODEL = "0" * 64
SURE = PairBelief(2.0, -1.0, -0.5)


class Always:
    """An engine with one answer: A, whatever is asked."""

    def __init__(self):
        self.asked = []

    def log_probabilities(self, prompts, answers):
        self.asked.extend(prompts)
        return np.log(np.tile([0.6, 0.2, 0.2], (len(prompts), 1)))


def always():
    return Questions(Always(), UNTUNED).ask


def refuse():
    raise AssertionError("the model was loaded for nothing")


@pytest.fixture(autouse=True)
def _nothing_shipped(monkeypatch):
    monkeypatch.setattr(table, "TABLE", "no-such-file.json")


def test_an_answered_pair_needs_no_model_in_either_order():
    answers = AnswerTable(MODEL, None)
    answers.add({(DISK, LATENCY): SURE})
    scorer = LocalScorer(refuse, answers)
    assert scorer.score([(DISK, LATENCY), (LATENCY, DISK)]) == (SURE, SURE.reversed())
    assert scorer.left_out == 0


def test_the_model_is_loaded_once_and_asked_about_each_pair_once():
    engine = Always()
    model = Questions(engine, UNTUNED)
    scorer = LocalScorer([model.ask].pop, AnswerTable(MODEL, None))  # a second load would fail
    first = scorer.score([(CPU, DISK), (DISK, CPU)])
    asked = len(engine.asked)
    assert scorer.score([(CPU, DISK)]) == first[:1]
    assert first[0].reversed() == first[1]
    assert len(engine.asked) == asked
    assert scorer.score([(CPU, LATENCY)])[0].answered


def test_beyond_the_limit_there_is_no_belief_and_it_is_counted():
    scorer = LocalScorer(always, AnswerTable(MODEL, None), max_questions=1)
    first, second = scorer.score([(CPU, DISK), (CPU, LATENCY)])
    assert first.answered
    assert second == UNANSWERED
    assert scorer.left_out == 1


def test_answers_are_kept_for_one_model_and_one_wording(tmp_path):
    AnswerTable(MODEL, tmp_path).add({(CPU, DISK): SURE})
    assert AnswerTable(MODEL, tmp_path).get((DISK, CPU)) == SURE.reversed()
    assert AnswerTable("1" * 64, tmp_path).get((CPU, DISK)) is None
    assert AnswerTable(MODEL, tmp_path, prompt="0").get((CPU, DISK)) is None


def test_what_another_process_has_added_meanwhile_is_kept(tmp_path):
    one, other = AnswerTable(MODEL, tmp_path), AnswerTable(MODEL, tmp_path)
    one.add({(CPU, DISK): SURE})
    other.add({(CPU, LATENCY): SURE})
    both = AnswerTable(MODEL, tmp_path)
    assert both.get((CPU, DISK)) == both.get((CPU, LATENCY)) == SURE


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 1}', '{"kinds": [], "answers": [[9]]}'])
def test_a_damaged_table_is_as_good_as_empty(tmp_path, text):
    answers = AnswerTable(MODEL, tmp_path)
    assert answers.file
    answers.file.write_text(text)
    again = AnswerTable(MODEL, tmp_path)
    assert again.get((CPU, DISK)) is None
    again.add({(CPU, DISK): SURE})
    assert AnswerTable(MODEL, tmp_path).get((CPU, DISK)) == SURE


def test_a_folder_that_cannot_be_written_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"model\.cache_dir"):
        AnswerTable(MODEL, tmp_path / "file").add({(CPU, DISK): SURE})


def test_a_table_survives_writing_and_does_not_depend_on_order():
    pairs = list(combinations(VOCABULARY[:5], 2))
    beliefs = {pair: PairBelief(i / 4, -i / 2, 0.25) for i, pair in enumerate(pairs)}
    text = encode(by_name(beliefs), MODEL, "1")
    assert decode(text, MODEL, "1") == by_name(beliefs)
    assert encode(by_name(dict(reversed(beliefs.items()))), MODEL, "1") == text


def test_a_random_model_answers_from_end_to_end(tmp_path):
    folder = save_tiny_model(tmp_path / "model")
    scorer = local_scorer(str(folder), tmp_path / "cache", "cpu", max_questions=2)
    pairs = [(CPU, DISK), (DISK, LATENCY), (CPU, LATENCY)]
    beliefs = scorer.score(pairs)
    assert [belief.answered for belief in beliefs] == [True, True, False]
    again = local_scorer(str(folder), tmp_path / "cache", "cpu", max_questions=0)
    assert np.allclose(beliefs[0].forward, again.score(pairs)[0].forward, atol=0.01)


def test_building_goes_on_where_it_stopped(tmp_path):
    file, pairs = tmp_path / "answers.json", all_pairs()[:150]
    scorer = LocalScorer(always, AnswerTable(MODEL, None))
    assert next(build(scorer.ask, pairs, file, MODEL, UNTUNED.version, chunk=100)) == 100
    assert list(build(scorer.ask, pairs, file, MODEL, UNTUNED.version)) == [150]
    assert list(build(scorer.ask, pairs, file, MODEL, UNTUNED.version)) == []


def test_a_table_of_another_model_is_built_anew(tmp_path):
    file, pairs = tmp_path / "answers.json", all_pairs()[:2]
    scorer = LocalScorer(always, AnswerTable(MODEL, None))
    list(build(scorer.ask, pairs, file, "1" * 64, UNTUNED.version))
    assert list(build(scorer.ask, pairs[:1], file, MODEL, UNTUNED.version)) == [1]
    assert json.loads(file.read_text())["model"] == MODEL
