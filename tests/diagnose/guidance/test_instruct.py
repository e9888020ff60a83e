"""Guidance in words: the steps in order, what they rest on, and what the data say of the repair."""

from dataclasses import replace

import pytest

from diagnose.guidance.instruct import instruct
from diagnose.schema import (
    Anomaly,
    Check,
    Diagnosis,
    Guidance,
    Intervention,
    Node,
    RootCause,
    Sign,
    Step,
    Tried,
)
from tests.frames import at

UP, SLOW = Node("redis", "redis_up"), Node("web", "p95")
GUIDANCE = Guidance(
    "inc-1",
    "Start it again.",
    "redis-down",
    "ticket",
    "redis",
    0.42,
    "medium",
    signs=(Sign("data store state falls", UP), Sign("missing telemetry")),
    checks=(Check("redis-cli ping", "no answer", "PONG"),),
    steps=(
        Step("read", "Read its log."),
        Step("start", "Start it.", "systemctl start redis", "Old data."),
    ),
    reversibility="Complete.",
    expected="error rate falls within 1 min",
    escalate_when=("It ends again.",),
    vendor=("runbook of the alert: https://wiki/redis",),
)
DIAGNOSIS = Diagnosis(
    "inc-1",
    SLOW,
    (RootCause("redis", "redis_up", 0.7),),
    0.3,
    anomalies=(Anomaly(SLOW, at(0), 9.0, 5.0, normal=0.2, observed=2.2),),
    guidance=(GUIDANCE,),
)


def told(**changed):
    diagnosis = replace(DIAGNOSIS, guidance=(replace(GUIDANCE, **changed),))
    return list(instruct(diagnosis, {SLOW: "s"}))


def test_the_steps_come_in_order_with_their_commands_and_dangers():
    said = told()
    assert said[0].startswith("On redis: Start it again. (Runbook redis-down, risk medium, ticket;")
    first = said.index("1. Read its log.")
    assert said[first + 1] == "2. Start it. systemctl start redis DANGER: Old data."


def test_it_says_what_it_rests_on_what_is_lacking_and_how_to_make_sure():
    said = " ".join(told())
    assert "It fits because of: data store state falls (redis · redis_up)." in said
    assert "Not seen, though it may be: missing telemetry." in said
    assert "redis-cli ping - confirmed by no answer; refuted by PONG." in said
    assert "Undo: Complete." in said
    assert "Call for help when: It ends again." in said
    assert "The sender says: runbook of the alert: https://wiki/redis" in said


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (
            Intervention(UP, 0.9, 0.8, 1.0),
            "web · p95 would be 400 ms (90 % interval 200 ms to 600 ms)",
        ),
        (Intervention(UP, 0.9), "web · p95 would be 400 ms and not 2.2 s"),
        (
            Intervention(UP, refused="it never moved"),
            "cannot be told from these data: it never moved.",
        ),
        (None, "the tested graph holds no signal that it would change"),
    ],
)
def test_the_effect_is_an_interval_or_a_reason(effect, said):
    assert said in " ".join(told(effect=effect))


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (Intervention(UP, 0.9, 0.8, 1.0), "Foretold: web · p95 400 ms (200 ms to 600 ms)."),
        (Intervention(UP, refused="it never moved"), "Its effect cannot be told from these data."),
        (None, "Its effect cannot be told from these data."),
    ],
)
def test_a_step_that_repairs_says_what_it_would_do_and_others_do_not(effect, said):
    look, start = Step("read", "Read its log."), Step("start", "Start it.", repairs=True)
    lines = told(effect=effect, steps=(look, start))
    assert "1. Read its log." in lines
    assert f"2. Start it. {said}" in lines


def test_what_was_recorded_is_told_and_nothing_else():
    record = (Tried("redis-down", "start", 3, 4), Tried("redis-down", "", 0, 1))
    lines = told(tried=record)
    assert lines[0].endswith("Worked 3 of 5 times here.")
    assert any(line.startswith("2. Start it.") and "3 of 4 times" in line for line in lines)
    assert sum("times here" in line for line in lines) == 2
    assert not any("here" in line for line in told())


def test_an_effect_on_a_symptom_without_numbers_is_a_share():
    blind = replace(DIAGNOSIS, anomalies=(), guidance=(replace(GUIDANCE, effect=EFFECT),))
    said = " ".join(instruct(blind, {}))
    assert "it would remove 90 % of the symptom's deviation (90 % interval 80 % to 100 %)" in said


EFFECT = Intervention(UP, 0.9, 0.8, 1.0)


def test_others_that_fit_are_named_with_their_scores():
    other = replace(GUIDANCE, runbook="cold-cache", score=0.1)
    said = list(instruct(replace(DIAGNOSIS, guidance=(GUIDANCE, other)), {}))
    assert said[-1] == "Next, if that does not fit (42 %): cold-cache on redis (10 %)."


def test_where_no_runbook_fits_it_says_what_to_look_at():
    said = list(instruct(replace(DIAGNOSIS, guidance=()), {}))
    assert said[0].endswith("none is forced. Look first at redis · redis_up.")
    assert "what changed on redis" in said[1]


def test_a_repair_of_another_than_the_likeliest_cause_says_so():
    other = replace(GUIDANCE, entity="elsewhere")
    said = list(instruct(replace(DIAGNOSIS, guidance=(other,)), {}))
    accused = DIAGNOSIS.root_causes[0].entity
    assert any(f"That is not {accused}, the likeliest cause" in one for one in said)
    assert not any("That is not" in one for one in told())
