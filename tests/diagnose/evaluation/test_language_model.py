from pathlib import Path

import pytest

from diagnose.config import Settings
from diagnose.evaluation.language_model import MEASURED, Wanted, default_parts, measured
from diagnose.failure import Failure

SETTINGS = Settings()


def told(done, of):
    """Hear of progress."""


def test_without_folders_only_what_needs_none_is_measured():
    assert default_parts(Wanted(SETTINGS)) == ("edges", "relations", "graphs")
    given = Wanted(SETTINGS, cladder=Path("c"), bundles=(Path("b"),))
    assert set(default_parts(given)) == set(MEASURED) - {"speed"}


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("questions", "no questions to ask"),
        ("calls", "no recorded incidents"),
        ("incidents", "no recorded incidents"),
        ("moon", "no part 'moon'"),
    ],
)
def test_a_part_says_what_it_lacks(part, what):
    with pytest.raises(Failure, match=what):
        list(measured(part, Wanted(SETTINGS, ask=False), told))
