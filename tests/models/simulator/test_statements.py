from collections import Counter

from models.simulator.concepts import concepts
from models.simulator.names_systems import WINDOWS
from models.simulator.statements import causal_statements


def test_the_same_seed_gives_the_same_statements():
    assert list(causal_statements(1, 50)) == list(causal_statements(1, 50))
    assert list(causal_statements(1, 50)) != list(causal_statements(2, 50))


def test_the_twin_says_something_else_with_the_same_words():
    for statement in causal_statements(0, 1000):
        assert statement.text != statement.swapped
        assert Counter(statement.text) == Counter(statement.swapped)


def test_nothing_that_is_kept_for_the_test_occurs():
    text = "\n".join(statement.text for statement in causal_statements(0, 5000))
    held_out = {name for name, concept in concepts().items() if concept.held_out}
    told = {name for name in concepts() if name not in held_out}
    # "network errors" is held out and must not be found within a longer name that is not.
    hidden = {name for name in held_out if not any(name in other for other in told)}
    assert not [name for name in hidden if name in text]
    assert not [name for name in WINDOWS.values() if name in text]


def test_wordings_are_many():
    shapes = {statement.text.split(" ")[0] for statement in causal_statements(5, 3000)}
    assert len(shapes) > 100
