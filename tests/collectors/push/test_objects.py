"""Values of JSON are counted as they are, whatever stands in its texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.push import TooLarge, objects

TEXT = st.text(st.sampled_from('a",:[]{}\\\n\u00e9'), max_size=8)
VALUES = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


def separators(value):
    """Return how many commas and opening brackets separate the values in a value."""
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(len(inner) - 1, 0) + sum(map(separators, inner))


def refused(body, most):
    """Return whether a body is refused where so many values may be in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "SMALL", -1)
        patch.setattr(objects, "VALUES", most)
        try:
            objects.refuse_dense_json("test", body)
        except TooLarge:
            return True
        return False


@given(VALUES)
def test_what_stands_in_texts_separates_nothing(value):
    number = separators(value)
    body = json.dumps(value).encode()
    assert not refused(body, number)
    assert refused(body, number - 1)


@given(st.binary(max_size=60))
def test_whatever_it_is_counting_ends(body):
    assert not refused(body, len(body))
