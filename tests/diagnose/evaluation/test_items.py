import json

import pytest

from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.items import Item, answer_items, by_symbols, opinions_within, read_items
from diagnose.evaluation.relation_scores import CONDITIONS, relation_tables, scored
from diagnose.evaluation.score_table import YES_NO, yes_no_row
from diagnose.failure import Failure
from models.causal_lm.belief import UNANSWERED, PairBelief

PREMISE = (
    "Three variables are all there is: A, B and C. A correlates with C. B correlates with C. "
    "A is independent of B."
)


class Certain:
    """A model that always says the same."""

    def __init__(self, probability):
        self.probability = probability
        self.asked = 0

    def questions(self, texts, progress=lambda done: None):
        self.asked += len(texts)
        progress(len(texts))
        return [self.probability] * len(texts)

    def entailments(self, asked, progress=lambda done: None):
        return self.questions(asked, progress)


class Believer:
    """Beliefs about one pair of kinds."""

    sent: tuple[str, ...] = ()

    def score(self, pairs):
        return tuple(
            PairBelief(2, -1, -1) if a.name == "disk io latency" else UNANSWERED for a, _ in pairs
        )


def values(row):
    """Return the four measures of a row, all of which are known."""
    assert all(row.scores)
    return {name: score.value for name, score in zip(YES_NO, row.scores, strict=True)}


def write(tmp_path, *lines):
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return file


def test_a_premise_goes_to_the_solver_and_the_model_is_told_apart():
    items = [
        Item("1", "A directly causes C.", PREMISE),
        Item("2", f"Premise: {PREMISE} Hypothesis: C directly causes A."),
        Item("3", f"{PREMISE} Does B directly cause C?"),
    ]
    answers = list(answer_items(items, Certain(0.2), None))
    assert [answer.by for answer in answers] == ["solver"] * 3
    assert [answer.probability > 0.5 for answer in answers] == [True, False, True]
    assert {answer.model_probability for answer in answers} == {0.2}
    assert "skeleton A - C, B - C" in answers[0].read


def test_a_question_with_a_graph_is_calculated_and_not_read_as_a_premise():
    text = (
        "Heat has a direct effect on returns. Noise has a direct effect on returns. For hosts that "
        "were returned, the correlation between heat and noise is 0.31. If we look at hosts that "
        "were returned, does it mean that heat does not affect noise?"
    )
    found = by_symbols(Item("1", text))
    assert found is not None
    assert found[1] == "calculation"
    assert found[0] > 0.5


def test_what_nobody_reads_is_the_models_or_a_half():
    odd = Item("1", "Is the fan happy?")
    (told,) = answer_items([odd], Certain(0.7), None)
    assert (told.by, told.probability, told.model_probability) == ("model", 0.7, 0.7)
    assert "Is the fan happy?" in told.read
    (alone,) = answer_items([odd], None, None)
    assert (alone.by, alone.probability, alone.model_probability) == ("nobody", 0.5, None)


def test_a_claim_that_is_not_understood_is_as_likely_as_any_about_these_two():
    found = [
        next(answer_items([Item("1", claim, PREMISE)], None, None))
        for claim in ("A frobnicates C.", "A frobnicates B.", "A, B and C are green.")
    ]
    assert [one.by for one in found] == ["solver", "solver", "nobody"]
    assert "A frobnicates C." in found[0].read
    assert found[0].probability == pytest.approx(0.05 + 0.9 / 6)  # a direct cause, and no more
    assert found[1].probability == pytest.approx(0.05 + 0.9 / 6)  # a common effect
    assert found[2].probability == 0.5


def test_without_time_the_model_is_asked_only_where_nothing_else_answers():
    model = Certain(0.2)
    items = [Item("a", "A directly causes C.", PREMISE), Item("b", "Why is the sky blue?")]
    solved, unread = answer_items(items, model, None, beside_seconds=0)
    assert (solved.by, solved.model_probability) == ("solver", None)
    assert (unread.by, unread.model_probability) == ("model", 0.2)
    assert model.asked == 1


def test_two_known_signals_are_asked_of_who_has_beliefs_about_their_kinds():
    found = by_symbols(Item("1", "Does disk io latency cause response latency?"), Believer())
    assert found is not None
    assert found[1] == "kinds"
    assert found[0] > 0.5
    assert by_symbols(Item("1", "Can disk io latency raise response latency?"), Believer())
    assert by_symbols(Item("1", "Does swap traffic cause response latency?"), Believer()) is None
    assert by_symbols(Item("1", "Does love cause response latency?"), Believer()) is None


def test_progress_is_told_after_each_item():
    told = []
    items = [Item(str(i), "Is it?") for i in range(3)]
    list(answer_items(items, None, None, lambda done, of: told.append((done, of))))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_items_are_read_with_their_labels(tmp_path):
    file = write(
        tmp_path,
        {"id": 1, "premise": "p", "hypothesis": "h", "label": 1},
        "",
        {"id": "b", "question": "q?", "answer": "no", "group": "g"},
        {"id": "c", "given_info": "Given.", "question": "q?", "label": True},
    )
    assert read_items(file) == (
        Item("1", "h", "p", True, "1"),
        Item("b", "q?", "", False, "g"),
        Item("c", "Given. q?", "", True, "c"),
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 is no object with an id"),
        ({"id": 2}, "line 2 has neither"),
        ({"id": 2, "question": " "}, "line 2: a text is empty"),
        ({"id": 2, "question": 5}, "line 2: a text is empty or no text"),
        ({"id": 1, "question": "q"}, "line 2: id '1' comes twice"),
        ({"id": 2, "question": "q", "label": "perhaps"}, "line 2: 'perhaps' is neither"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, what):
    with pytest.raises(Failure, match=what):
        read_items(write(tmp_path, {"id": 1, "question": "q"}, line))


def test_a_file_without_items_is_refused(tmp_path):
    with pytest.raises(Failure, match="holds no items"):
        read_items(write(tmp_path, ""))
    with pytest.raises(Failure, match="cannot be read"):
        read_items(tmp_path / "missing.jsonl")


def test_labelled_items_are_scored_beside_what_gives_nothing():
    items = [
        Item("1", "A directly causes C.", PREMISE, True, "g"),
        Item("2", "C directly causes A.", PREMISE, False, "h"),
        Item("3", "A directly causes B.", PREMISE),
    ]
    table = scored(items, list(answer_items(items, Certain(0.9), None)))
    assert table is not None
    rows = {row.who: row for row in table.rows}
    assert rows["answers"].n == 2
    assert values(rows["answers"])["F1"] == 1
    assert values(rows["language model alone"])["accuracy"] == 0.5
    assert {"chance", "always yes", "premise-blind rule"} < rows.keys()
    assert scored(items[2:], list(answer_items(items[2:], None, None))) is None


def test_the_solver_reads_every_table_and_each_model_has_its_row():
    small = [condition for condition in CONDITIONS if condition.sizes != (7,)]
    small = [type(one)(one.title, (3, 4), one.styles, one.held_out) for one in small]
    model = Certain(0.1)
    tables = list(relation_tables({"ours": model}, 12, 60, conditions=small, split="train"))
    assert [table.title for table in tables] == [condition.title for condition in small]
    for table in tables:
        rows = {row.who: row for row in table.rows}
        assert table.measures == YES_NO
        assert values(rows["solver on what was read"])["accuracy"] == 1
        assert rows["ours"].scores[2] == Estimate(0, 0, 0)
        assert "hypothesis alone" in rows
    assert model.asked == 12 * len(small)


def test_without_time_a_model_is_asked_a_few_and_the_row_says_so():
    told: list[int] = []
    items = [Item(str(i), "A directly causes C.", PREMISE) for i in range(100)]
    assert opinions_within(0, Certain(0.2), items, told.append) == [0.2] * 40
    assert opinions_within(60, Certain(0.2), items, told.append) == [0.2] * 100
    assert told == [40, 40, 80, 100]


def test_measures_are_those_of_the_counts():
    row = yes_no_row("us", [True] * 3 + [False] * 3, [0.9, 0.9, 0.1, 0.9, 0.1, 0.1], list("aabbcc"))
    found = values(row)
    assert [found[name] for name in YES_NO] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 4 / 6])
    assert (row.n, row.groups) == (6, 3)
    assert all(score.low <= score.value <= score.high for score in row.scores if score)


def test_a_measure_without_cases_is_unknown():
    row = yes_no_row("us", [False, False], [0.1, 0.2], ["a", "b"])
    assert row.scores[:3] == (None, None, None)
