import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.classes import split_of
from models.corr2cause.generate import cases, items
from models.corr2cause.hypotheses import HELD_OUT_HYPOTHESES, HYPOTHESES
from models.corr2cause.names import METRIC_NAMES, SIGNAL_NAMES, STYLES, WORDS, Style, draw_names
from models.corr2cause.premises import HELD_OUT_PREMISES, PREMISES
from models.corr2cause.relations import KINDS

SMALL = (3, 4, 5)


def test_items_are_the_same_for_the_same_seed_and_others_for_another():
    first = list(items(1, 20, sizes=SMALL))
    assert first == list(items(1, 20, sizes=SMALL))
    assert first[:10] == list(items(1, 10, sizes=SMALL))
    assert not {item.premise for item in first} & {
        item.premise for item in items(2, 20, sizes=SMALL)
    }


def test_no_class_is_both_learned_from_and_measured_on():
    seen = {
        split: {item.group for item in items(1, 300, split, SMALL)}
        for split in ("train", "dev", "test")
    }
    for split, groups in seen.items():
        assert {split_of(group) for group in groups} == {split}


def test_held_out_wordings_are_met_in_the_test_only():
    learned = list(items(1, 600, sizes=SMALL))
    held_out = list(items(1, 600, "test", SMALL, held_out_wording=True))
    assert HELD_OUT_PREMISES >= 4
    assert not {i.premise_wording for i in learned} & {i.premise_wording for i in held_out}
    for kind in KINDS:
        met = [
            {i.hypothesis_wording for i in part if i.kind == kind} for part in (learned, held_out)
        ]
        assert not met[0] & met[1]
        assert len(met[0]) == len(HYPOTHESES[kind]) - HELD_OUT_HYPOTHESES


def test_balanced_items_say_yes_half_of_the_time_within_each_kind():
    drawn = Counter((item.kind, item.label) for item in items(3, 1200, sizes=SMALL, balanced=True))
    for kind in KINDS:
        yes, no = drawn[kind, True], drawn[kind, False]
        assert 0.38 < yes / (yes + no) < 0.62


def test_the_structure_ends_in_the_label_and_speaks_of_the_items_names():
    for item in items(4, 100, sizes=SMALL):
        assert item.structure.endswith("answer yes" if item.label else "answer no")
        assert item.structure.startswith("skeleton ")
        assert all(name in item.premise for name in item.names)
        assert sum(name in item.hypothesis for name in item.names) >= 2
        assert "{" not in item.premise + item.hypothesis


def test_a_premise_comes_with_twins_of_which_only_it_tells_which_one_holds():
    for about in cases(6, 60, sizes=SMALL):
        assert len({each.premise for each in about}) == 1
        assert len({each.id for each in about}) == len(about)
        twins = about[1:]
        held = {kind: [each.label for each in twins if each.kind == kind] for kind in KINDS}
        assert all(sorted(labels) in ([], [False, True]) for labels in held.values())
    assert list(cases(6, 3, sizes=SMALL)) == list(cases(6, 3, sizes=SMALL))


def test_the_letter_that_comes_first_in_the_alphabet_causes_no_more_than_the_other():
    later: Counter[bool] = Counter()
    only: dict[Style, float] = {"letters": 1.0}
    for item in items(5, 600, sizes=SMALL, styles=only, balanced=True):
        found = re.findall(r"\b[A-Z]\b", item.hypothesis)
        if item.label and item.kind == "parent" and len(found) >= 2:
            x, y = found[-2:] if found[0] == "A" and len(found) > 2 else found[:2]
            later[x < y] += 1
    assert 0.3 < later[True] / later.total() < 0.7


def test_seven_variables_are_for_measuring_only():
    assert {item.size for item in items(1, 5, "test", (7,))} == {7}
    with pytest.raises(ValueError, match="in train"):
        next(items(1, 5, "train", (7,)))


@given(st.sampled_from(STYLES), st.integers(2, 9), st.integers(0, 99))
def test_names_differ_and_none_is_another(style, count, seed):
    names = draw_names(style, count, np.random.default_rng(seed))
    assert len(set(names)) == count


def test_each_wording_is_there_once():
    for pool in (WORDS, METRIC_NAMES, SIGNAL_NAMES, *HYPOTHESES.values()):
        assert len(set(pool)) == len(pool)
    assert len(PREMISES) - HELD_OUT_PREMISES >= 16
    openings = sorted(wording.opening for wording in PREMISES)
    assert all(one != other for one, other in pairwise(openings))
