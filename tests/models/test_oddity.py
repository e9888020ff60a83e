"""Which hosts are off their normal life, as learned, kept in a file and asked by a scan."""

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.failure import Failure
from diagnose.schema import TIME, Node, Signal, Window
from models.foretelling import learned_components
from models.lives import STRETCH, GroupLife, Lives, read_lives, write_lives
from models.normal_life import NormalLife
from models.oddity import MOST_CERTAIN, LifePredictor, bounded, judged, odd_for
from models.predictor import Predictors

HOSTS = ("db1", "db2", "db3")
TOLD = (("", "cpu"), ("", "queue"), ("/sda", "busy"), ("/sda", "wait"))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(host, minutes, seed=0):
    """Return four signals of a host that follow its load, one row a minute."""
    rng = np.random.default_rng([HOSTS.index(host), seed])
    load = np.sin(np.arange(minutes) / 30) + 0.2 * rng.normal(size=minutes)
    return 50 + (load[:, None] + 0.1 * rng.normal(size=(minutes, 4))) * [1.0, 10.0, 0.1, 5.0]


@pytest.fixture(scope="module")
def group():
    """Return what was learned of a day and a half of three hosts."""
    pasts = {host: shown(host, 2200) for host in HOSTS}
    foreteller = learned_components([past[:1700] for past in pasts.values()])
    lives = [NormalLife.of(past, foreteller) for past in pasts.values()]
    middle = np.array([one.scale.middle for one in lives])
    width = np.array([one.scale.width for one in lives])
    error = np.array([one.error for one in lives])
    calm = np.array([one.calm(STRETCH) for one in lives])
    return GroupLife(TOLD, HOSTS, foreteller, middle, width, error, calm)


def columns(values):
    """Return nodes and columns of hosts, mixed with a host that nobody knows."""
    nodes = [Node(f"{host}{part}", signal) for host in values for part, signal in TOLD]
    other = Node("web1", "cpu")
    whole = np.column_stack([*values.values(), np.arange(len(next(iter(values.values()))))])
    return [*nodes, other], whole


def lately(**shift):
    """Return the last hour of all hosts, with one signal of some hosts shifted for as long."""
    values = {host: shown(host, 60, seed=1) for host in HOSTS}
    for host, by in shift.items():
        values[host][:, 1] += by
    return columns(values)


def test_only_who_has_left_its_life_is_surprising(group):
    nodes, values = lately(db2=120.0)
    found = judged(Lives((group,)), nodes, values, 60.0)
    assert found.surprise.keys() == set(HOSTS)
    assert found.surprise["db2"] > 3
    assert max(found.surprise["db1"], found.surprise["db3"]) < 2
    assert found.others == ()


@given(st.permutations(range(13)), st.sampled_from([15.0, 20.0, 60.0]))
def test_neither_order_nor_pace_of_reading_matters(group, order, step):
    nodes, values = lately(db2=120.0)
    expected = judged(Lives((group,)), nodes, values, 60.0).surprise
    often = np.repeat(values, round(60 / step), axis=0)[:, order]
    found = judged(Lives((group,)), [nodes[i] for i in order], often, step).surprise
    for host, said in expected.items():
        assert found[host] == pytest.approx(said, abs=1e-3)


def test_a_host_without_its_signals_and_one_that_is_read_too_seldom_are_told(group):
    nodes, values = lately()
    values[:, 0:2] = np.nan
    found = judged(Lives((group,)), nodes, values, 60.0)
    assert (set(found.surprise), found.others) == ({"db2", "db3"}, ("db1",))
    assert judged(Lives((group,)), nodes, values, 300.0).others == HOSTS


def window(nodes, values):
    rows = pl.from_numpy(values, [str(node) for node in nodes], orient="row").fill_nan(None)
    times = [NOON - timedelta(minutes=len(values) - 1 - i) for i in range(len(values))]
    rows = rows.insert_column(0, pl.Series("time", times, TIME))
    cut = len(values) - STRETCH
    return Window(tuple(map(Signal, nodes)), rows[:cut], rows[cut:], 60.0, times[cut], NOON)


def test_a_prediction_names_the_worst_signals_and_since_when(group):
    nodes, values = lately()
    values[40:, 5] += 120.0
    values[3:9, 7] = np.nan
    (found,) = Predictors([LifePredictor(Lives((group,)), 0.001)]).predict(window(nodes, values))
    assert (found.entity, found.failure, found.calibration) == (
        "db2",
        "service-degradation",
        "uncalibrated",
    )
    assert found.evidence[0] == Node("db2", "queue")
    assert found.since is not None
    assert abs(found.since - (NOON - timedelta(minutes=19))) <= timedelta(minutes=3)
    assert LifePredictor(Lives((group,)), 1e-9).predict(window(nodes, values)) == ()


def test_what_has_lasted_longer_than_the_window_has_no_beginning(group):
    (found,) = LifePredictor(Lives((group,)), 0.001).predict(window(*lately(db3=-200.0)))
    assert (found.entity, found.since) == ("db3", None)


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_beyond_what_days_can_tell_only_the_order_is_left(surprising):
    said = bounded(np.array(sorted(surprising)))
    assert (np.diff(said) >= 0).all()
    assert said.max() <= MOST_CERTAIN + 1


@given(st.integers(0, 30), st.integers(1, 30))
def test_a_run_at_the_end_has_its_beginning(calm, odd):
    back = odd_for(np.array([0.2] * calm + [2.0] * odd))
    assert back == (odd - 1 if calm else None)


def test_what_is_kept_says_the_same_and_damage_is_named(group, tmp_path):
    file = tmp_path / "life" / "life.safetensors"
    write_lives([group], file)
    lives = read_lives(file)
    nodes, shown = lately(db2=30.0)
    said = judged(Lives((group,)), nodes, shown, 60.0)
    assert judged(lives, nodes, shown, 60.0) == said
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    whole = file.read_bytes()
    write_lives([group, group], file)
    assert read_lives(file).digest != lives.digest
    for broken in (b"", whole[:-8], whole.replace(b"0.error", b"0.terror"), b"\xff" * 64):
        file.write_bytes(broken)
        with pytest.raises(Failure, match=r"life\.safetensors"):
            read_lives(file)
    shutil.rmtree(file.parent)
    with pytest.raises(Failure, match="no learned life"):
        read_lives(file)


@pytest.mark.parametrize("name", ["middle", "width", "error", "calm"])
def test_parts_that_do_not_belong_together_are_refused(group, name, tmp_path):
    parts = {one: getattr(group, one) for one in ("middle", "width", "error", "calm")}
    parts[name] = parts[name][:-1]
    file = tmp_path / "life.safetensors"
    write_lives([GroupLife(TOLD, HOSTS, group.foreteller, **parts)], file)
    with pytest.raises(Failure, match=name):
        read_lives(file)
