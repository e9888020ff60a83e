import pytest

from diagnose.evaluation.incident_scores import incident_tables, labelled_sets
from diagnose.failure import Failure
from tests.scripted import DISK, LATENCY, Scripted, bundle_in

TRUTH = {"root_causes": [{"entity": DISK.entity, "signal": DISK.signal}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    for number in range(5):
        bundle_in(folder / f"inc-{number}", TRUTH)
    return folder


def test_a_set_is_thinned_evenly(folder):
    (paths,) = labelled_sets(folder, 3).values()
    assert [path.name for path in paths] == ["inc-0", "inc-2", "inc-4"]
    assert len(labelled_sets(folder, 60)[folder.name]) == 5


def test_every_variant_explains_the_same_incidents_beside_chance(folder):
    told = []
    variants = {
        "right": lambda: Scripted(DISK).roles(),
        "wrong": lambda: Scripted(LATENCY, DISK).roles(),
    }
    sets = labelled_sets(folder, 2)
    (table,) = incident_tables(sets, variants, progress=lambda done, of: told.append((done, of)))
    rows = {row.who: [score and score.value for score in row.scores] for row in table.rows}
    assert list(rows) == ["chance", "without a graph", "right", "wrong"]
    assert rows["right"] == [1, 1, 1, 1]
    assert rows["wrong"][0] == 0
    assert rows["chance"][0] == 0.5
    assert {row.n for row in table.rows} == {2}
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(Failure, match=r"no bundle with a truth\.json"):
        labelled_sets(tmp_path, 3)
