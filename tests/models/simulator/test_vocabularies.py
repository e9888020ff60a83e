import numpy as np
import pytest

from models.simulator.concepts import concepts
from models.simulator.vocabularies import NAMES, has_name, named, nonsense


@pytest.mark.parametrize("vocabulary", NAMES)
def test_each_source_names_known_concepts_and_no_two_alike(vocabulary):
    table = NAMES[vocabulary]
    assert set(table) <= set(concepts())
    assert len(set(table.values())) == len(table)


def test_a_name_changes_nothing_but_the_name():
    concept = concepts()["cpu temperature"]
    for vocabulary in ("product", "ipmi", "nonsense", "smart"):
        kind = named(concept, vocabulary, np.random.default_rng(0))
        assert (kind.unit, kind.tier) == (concept.kind.unit, concept.kind.tier)
    assert named(concept, "ipmi", np.random.default_rng(0)).name == "CPU1 Temp"


def test_what_a_source_does_not_measure_keeps_the_products_name():
    concept = concepts()["cache hits"]
    assert not has_name(concept, "smart")
    assert named(concept, "smart", np.random.default_rng(0)) == concept.kind


def test_nonsense_is_no_known_word():
    rng = np.random.default_rng(0)
    words = {word for name in concepts() for word in name.split()}
    drawn = [nonsense(rng) for _ in range(200)]
    assert len(set(drawn)) > 195
    assert words.isdisjoint(word for name in drawn for word in name.split() if len(word) > 3)
