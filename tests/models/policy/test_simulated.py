import numpy as np

from models.policy.graphs import is_acyclic, reach
from models.policy.simulated import ROWS, SIGNALS, episodes


def test_an_incident_has_a_root_that_acts_on_its_symptom():
    for episode in episodes("train", 6):
        truth, incident = episode.truth, episode.incident
        assert is_acyclic(truth.edges)
        assert truth.edges.shape == (SIGNALS, SIGNALS)
        assert truth.root == incident.symptom or reach(truth.edges)[truth.root, incident.symptom]
        assert incident.baseline.shape == (ROWS // 2, SIGNALS)
        assert np.isfinite(incident.residuals.ranking(truth.edges)).all()


def test_the_same_seed_gives_the_same_and_splits_share_no_topology():
    one, two = (episodes("dev", 2, seed=4) for _ in range(2))
    assert np.array_equal(one[0].incident.baseline, two[0].incident.baseline, equal_nan=True)
    names = [{e.incident.cluster for e in episodes(split, 3)} for split in ("train", "dev", "test")]
    assert len(set.union(*names)) == 9
