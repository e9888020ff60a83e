"""Whose life is learned together, of which signals, and who foretells them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.training.life import MOST_SIGNALS, choose, settled_signals
from diagnose.training.pasts import SELDOM, groups_of
from models.foretellers import Components, Recurrent

WEB = frozenset(("", f"signal{i}") for i in range(10))
DB = frozenset(("/disk", f"signal{i}") for i in range(10))


def test_hosts_that_show_nearly_the_same_are_one_group():
    shown = {
        "web1": WEB,
        "web2": WEB,
        "web3": WEB | {("/sdb", "busy")},
        "db1": DB,
        "slow": None,
        "empty": frozenset(),
    }
    groups, left_out = groups_of(shown)
    assert [group.hosts for group in groups] == [("web1", "web2", "web3"), ("db1",)]
    assert groups[0].signals == tuple(sorted(WEB))
    assert left_out == {"slow": SELDOM, "empty": "it shows nothing regularly"}


signals = st.frozensets(st.tuples(st.sampled_from(["", "/sda"]), st.sampled_from("abcdef")))
shown = st.dictionaries(st.text("wxyz", min_size=1), st.none() | signals)


@given(shown)
def test_every_host_is_in_one_group_or_left_out(shown):
    groups, left_out = groups_of(shown)
    grouped = [host for group in groups for host in group.hosts]
    assert sorted([*grouped, *left_out]) == sorted(shown)
    sizes = [len(group.hosts) for group in groups]
    assert sizes == sorted(sizes, reverse=True)


def pasts(hosts, signals=4, minutes=400):
    rng = np.random.default_rng(hosts)
    load = np.cumsum(rng.normal(size=(hosts, minutes)), axis=1) * 0.1
    return [one[:, None] + 0.1 * rng.normal(size=(minutes, signals)) for one in load]


def test_what_leaves_for_good_is_not_judged():
    rng = np.random.default_rng(0)
    hosts = [rng.normal(size=(400, 4)) for _ in range(3)]
    for past in hosts:
        past[:, 1] = np.arange(400)  # hours in service
        past[:, 3] = 7.0
    hosts[0][330:, 2] += 100.0  # one host alone, which is its own affair
    hosts[1][:, 0] = np.nan
    assert settled_signals(hosts) == [0, 2, 3]


def test_of_too_many_signals_those_that_move_are_judged():
    past = np.random.default_rng(0).normal(size=(200, MOST_SIGNALS + 9))
    past[:, 3:12] = 1.0
    assert settled_signals([past]) == [0, 1, 2, *range(12, MOST_SIGNALS + 9)]


def test_many_hosts_are_asked_about_hosts_not_seen():
    chosen = choose(pasts(16), encoded=False)
    assert (chosen.facts["held_out"], chosen.facts["learned_of"]) == ("5 hosts", 11)
    assert isinstance(chosen.foreteller, Components)
    assert "encoder_gains" not in chosen.facts


@pytest.mark.parametrize("gain", [1.0, -1.0])
def test_an_encoder_joins_only_where_it_gains(monkeypatch, gain):
    monkeypatch.setattr("models.foretelling.BATCHES", 2)

    def errors(foreteller, asked, by_host):
        return np.linspace(2, 3, 9) - (gain if isinstance(foreteller, Recurrent) else 0.0)

    monkeypatch.setattr("diagnose.training.life._errors", errors)
    chosen = choose(pasts(2), encoded=True)
    assert chosen.facts["held_out"] == "the last part of the time"
    assert chosen.facts["foreteller"] == ("encoder" if gain > 0 else "components")
    assert isinstance(chosen.foreteller, Recurrent if gain > 0 else Components)
    assert chosen.facts["encoder_gains"]["value"] == pytest.approx(gain)
