"""The whole chain on what the fault lab recorded: right often enough, silent on healthy windows."""

import html
import re
from pathlib import Path

import pytest

from diagnose.compose import compose
from diagnose.config import load
from diagnose.evaluation.backtest import backtest, replay

INCIDENTS = Path(__file__).parent.parent / "incidents"
PICTURE = Path(__file__).parents[2] / "diagnosis.svg"  # of the README
HEALTHY = sorted(path.name for path in INCIDENTS.glob("h*_quiet"))
LOST = "h04_quiet"  # customers on old links, and an exporter that hangs


@pytest.fixture(scope="module")
def roles():
    return compose(load(None, {"model": {"proposer": "none"}}))


@pytest.fixture(scope="module")
def report(roles):
    return backtest(INCIDENTS, roles)


def test_every_bundle_is_explained(report):
    (group,) = report.sets
    assert report.failed == ()
    assert group.n >= 8
    assert group.healthy >= 8


def test_the_true_entity_is_among_the_first_three(report):
    (group,) = report.sets
    assert group.aitia.entity.ac3.value >= 0.8
    assert group.aitia.entity.ac3.value > 2 * group.aitia.entity.chance_ac3


def test_every_incident_is_answered(report):
    (group,) = report.sets
    assert group.answered.value == 1


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_window_is_accused_of_nothing(roles, name):
    accused = replay(INCIDENTS / name, roles).diagnosis.root_causes
    assert {cause.entity for cause in accused[:1]} <= ({"catalog"} if name == LOST else set())


def test_a_slow_network_is_found_with_its_path_and_its_tests(roles):
    diagnosis = replay(INCIDENTS / "06_catalog_network_delay", roles).diagnosis
    first = diagnosis.root_causes[0]
    assert first.entity == "catalog"
    assert (first.path[0].entity, first.path[-1]) == ("catalog", diagnosis.symptom)
    verdicts = {(e.cause, e.effect): e.verdict for e in diagnosis.graph.edges}
    assert verdicts[first.path[0], first.path[1]] == "supported"
    titles = [paragraph.title for paragraph in diagnosis.story]
    assert titles[0] == "Answer"
    assert {"Rung one, association", "Rung two, intervention", "Tests"} <= set(titles)


def test_the_same_bundle_gives_the_same_answer(roles):
    one, two = (replay(INCIDENTS / "01_redis_killed", roles).diagnosis for _ in range(2))
    assert one.root_causes == two.root_causes
    assert one.graph == two.graph
    assert one.story == two.story


def test_the_picture_shows_what_is_answered_today():
    roles = compose(load(None, {}))
    diagnosis = replay(INCIDENTS / "06_catalog_network_delay", roles).diagnosis
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", PICTURE.read_text(encoding="utf-8"))
    shown = " ".join(html.unescape(" ".join(drawn)).split())
    told = {paragraph.title: paragraph.sentences for paragraph in diagnosis.story}
    for sentence in (*told["Answer"], *told["Tests"]):
        assert " ".join(sentence.split()) in shown, "draw it again: tests/bench/picture.py"
