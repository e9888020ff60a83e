import json

import pytest

from diagnose.evaluation.question_scores import question_tables, read_cladder
from diagnose.failure import Failure

GRAPH = "Caching has a direct effect on latency."
GIVEN = (
    "For hosts without a cache, the probability of high latency is 60%. For hosts with a cache, "
)
GIVEN += "the probability of high latency is 20%."


class Refusing:
    """A model that says no."""

    def questions(self, texts, progress=lambda done: None):
        progress(len(texts))
        return [0.1] * len(texts)

    def entailments(self, asked, progress=lambda done: None):
        assert not asked, "a question has no premise"
        return []


def entry(number, rung, word, answer, story="cache"):
    return {
        "question_id": number,
        "given_info": GIVEN,
        "question": f"Will having a cache {word} the chance of high latency?",
        "answer": answer,
        "meta": {"model_id": 1, "rung": rung, "story_id": story},
    }


@pytest.fixture
def folder(tmp_path):
    graphs = [{"model_id": 1, "background": GRAPH}]
    (tmp_path / "test-model-meta.json").write_text(json.dumps(graphs))
    asked = [
        entry(n, rung, *way, story=f"story {n // 2}")
        for rung in (1, 2)
        for n, way in enumerate([("increase", "no"), ("decrease", "yes")] * 3)
    ]
    (tmp_path / "test-generate-easy.json").write_text(json.dumps(asked))
    return tmp_path


def test_each_question_follows_its_graph_and_belongs_to_a_rung(folder):
    found = read_cladder(folder)
    assert {rung: len(asked) for rung, asked in found.items()} == {1: 6, 2: 6, 3: 0}
    item = found[2][0]
    assert item.question.startswith(GRAPH)
    assert item.question.endswith("chance of high latency?")
    assert (item.label, item.group) == (False, "story 0")


def test_a_model_stands_beside_the_calculation(folder):
    told = []
    questions = {2: read_cladder(folder)[2]}
    (table,) = question_tables(
        questions, {"no": Refusing()}, 4, 60, lambda done, of: told.append((done, of))
    )
    rows = {row.who: [score and score.value for score in row.scores] for row in table.rows}
    assert {row.n for row in table.rows} == {4}
    assert rows["calculation on what was read"][3] == 1
    assert rows["no"][2] == 0
    assert "premise-blind rule" not in rows
    assert "last sentence alone" in rows
    assert told[-1] == (4, 4)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("test-generate-easy.json", "[{}]", "is not CLadder"),
        ("test-generate-easy.json", "{", "cannot be read"),
        ("other.json", "[]", "holds no questions"),
    ],
)
def test_what_is_not_the_set_is_refused(tmp_path, name, content, what):
    (tmp_path / name).write_text(content)
    with pytest.raises(Failure, match=what):
        read_cladder(tmp_path)
