import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.sentences import ALL, NotUnderstood, spoken, understood

ENTITIES = ("checkout", "payments-db", "web", "h1")
KINDS = st.sampled_from(sorted(ALL))
NAMES = st.text(st.characters(exclude_characters="`\0", exclude_categories=["C", "Z"]), min_size=1)


@given(st.sampled_from(["required", "forbidden"]), KINDS | NAMES, KINDS | NAMES)
def test_an_edge_survives_being_said(says, a, b):
    assume(a != b)
    assert understood(spoken(says, (a, b))).edges() == [(says, (a, b))]


@given(st.sampled_from(["known", "contains"]), NAMES, NAMES)
def test_a_call_and_a_part_survive_being_said(says, a, b):
    assume(a != b and not {a, b} & ALL and "·" not in a + b)
    assume("*" not in (a[0], b[0]))  # "*latency" stands for kinds, which call nobody
    assert understood(spoken(says, (a, b))).edges() == [(says, (a, b))]


def test_a_pattern_of_entities_may_call():
    assert understood("`*` calls `*/cache`").known == (("*", "*/cache"),)


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        (
            "backups cause disk load, never the other way",
            ["required backup disk utilization", "forbidden disk utilization backup"],
        ),
        ("Backups cause disk load.", ["required backup disk utilization"]),
        ("fan speed does not affect latency", ["forbidden fan speed *latency"]),
        (
            "The fan speed has no effect on the cpu temperature.",
            ["forbidden fan speed cpu temperature"],
        ),
        ("memory is affected by traffic", ["required request rate memory used"]),
        ("disk latency depends on backups", ["required backup disk io latency"]),
        ("the payments database is upstream of checkout", ["known checkout payments-db"]),
        ("checkout calls payments-db", ["known checkout payments-db"]),
        ("web and checkout run on h1", ["contains h1 web", "contains h1 checkout"]),
        ("latency of payments-db drives the latency of checkout", None),
        ("payments-db's latency drives checkout latency", None),
        ("`a b` causes `web · p99`", ["required a b web · p99"]),
        (
            "fan speed and error rate are unrelated",
            ["forbidden fan speed error rate", "forbidden error rate fan speed"],
        ),
        (
            "backups and deploys raise cpu load but not the other way round",
            [
                "required backup cpu utilization",
                "required change: deployment cpu utilization",
                "forbidden cpu utilization backup",
                "forbidden cpu utilization change: deployment",
            ],
        ),
    ],
)
def test_what_a_sentence_means(text, edges):
    if edges is None:
        edges = ["required payments-db · *latency checkout · *latency"]
    found = understood(text, ENTITIES)
    assert [f"{says} {a} {b}" for says, (a, b) in found.edges()] == edges
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the weather is nice", "says nothing about cause and effect"),
        ("", "says nothing about cause and effect"),
        ("backups cause trouble", "'trouble' is neither an entity of this file nor a kind"),
        ("the payment gateway is upstream of checkout", "'payment gateway' is neither"),
        ("packet loss causes latency", "'packet loss' is neither"),
        ("latency causes latency", "stands on both sides"),
        ("latency calls `web`", "only entities call"),
        ("backups never cause errors, never the other way", "which way is meant"),
    ],
)
def test_what_is_not_understood_is_refused(text, said):
    with pytest.raises(NotUnderstood, match=said):
        understood(text, ENTITIES)


@given(st.text(max_size=80))
def test_any_text_is_understood_or_refused(text):
    try:
        found = understood(text, ENTITIES)
    except NotUnderstood:
        return
    assert found.edges()
