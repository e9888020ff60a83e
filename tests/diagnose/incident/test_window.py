"""Laws of the window: what was read and when decides, nothing later does, gaps stay gaps."""

import time
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from diagnose.failure import Failure
from diagnose.incident.bundle import read_bundle
from diagnose.incident.window import WindowLimits, make_window
from diagnose.schema import READINGS, Node
from tests.frames import at, incident, log_records, put, readings, series

ALERT, AS_OF = 1800, 2100
rows = st.lists(
    st.tuples(
        st.integers(-100, AS_OF),
        st.sampled_from(["web", "db"]),
        st.sampled_from(["latency", "requests_total"]),
        st.floats(),  # NaN and infinity included
    ),
    min_size=1,
    max_size=40,
)


def made(tmp_path_factory, metrics, logs=None, **fields):
    folder = tmp_path_factory.mktemp("bundles") / "one"
    facts = incident(ALERT, AS_OF) | fields
    return make_window(read_bundle(put(folder, facts, metrics, logs)))


@pytest.fixture
def build(tmp_path_factory):
    return lambda *args, **fields: made(tmp_path_factory, *args, **fields)


def column(window, entity, signal):
    name = str(Node(entity, signal))
    return window.baseline[name].to_list(), window.recent[name].to_list()


def vars_of(node):
    return node.entity, node.signal


def same(one, two):
    assert [s.node for s in one.signals] == [s.node for s in two.signals]
    assert_frame_equal(one.baseline, two.baseline)
    assert_frame_equal(one.recent, two.recent)
    assert one.missing == two.missing


@given(rows=rows, data=st.data())
def test_neither_order_nor_repetition_matters(tmp_path_factory, rows, data):
    finite = [*rows, (60, "web", "latency", 1.0)]
    shuffled = data.draw(st.permutations(finite + finite[:5]))
    same(*(made(tmp_path_factory, readings(*each)) for each in (finite, shuffled)))


@given(poison=st.lists(st.tuples(st.integers(1, 9999), st.floats()), max_size=10))
def test_what_comes_after_as_of_changes_nothing(tmp_path_factory, poison):
    clean = series("web", "latency", range(36))
    logs = log_records(*((60 * i, "web", "INFO", f"request {i}", "{}") for i in range(36)))
    later = readings(*((AS_OF + s, e, "latency", v) for s, v in poison for e in ("web", "new")))
    shouts = log_records(*((AS_OF + s, "web", "FATAL", f"late {v}", "{}") for s, v in poison))
    same(
        made(tmp_path_factory, clean, logs),
        made(tmp_path_factory, pl.concat([later, clean]), pl.concat([shouts, logs])),
    )


def test_a_gap_stays_a_gap_and_no_number_is_not_a_number(build):
    values = [1.0, None, float("nan"), float("inf"), *[5.0] * 32]
    past, now = column(build(series("web", "latency", values)), "web", "latency")
    assert past[:5] == [1.0, None, None, None, 5.0]
    assert set(now) == {5.0}


def test_the_recent_part_begins_before_the_alert_and_ends_at_the_moment_of_asking(build):
    window = build(series("web", "latency", range(36)))
    assert window.recent["time"][0] == at(ALERT - 120)
    assert window.recent["time"][-1] == at(AS_OF)
    assert window.baseline["time"][-1] < window.recent["time"][0]


def test_a_counter_becomes_a_rate_that_survives_a_restart_and_a_gap(build):
    counts = [0, 60, 120, 0, 30, None, None, 210, *range(270, 270 + 60 * 28, 60)]
    window = build(series("web", "http_requests_total", counts))
    past, _ = column(window, "web", "http_requests_total")
    assert past[:8] == [None, 1.0, 1.0, 0.0, 0.5, None, None, 1.0]
    assert window.signals[0].source == "counter"


def test_a_known_normal_day_may_lie_far_away(build):
    old = series("web", "latency", [7.0] * 60, first=-90_000)
    span = [at(-90_000).isoformat(), at(-87_000).isoformat()]
    window = build(pl.concat([old, series("web", "latency", range(36))]), baseline_window=span)
    past, now = column(window, "web", "latency")
    assert set(past) == {7.0}
    assert now[-1] == 35.0


@pytest.mark.parametrize("ago", [timedelta(hours=1), timedelta(days=365)])
def test_a_stray_reading_long_ago_makes_no_baseline_of_holes(build, ago):
    frames = [series(f"web{i}", "latency", range(36)) for i in range(5)]
    old = readings((-int(ago.total_seconds()), "web0", "uptime", 1.0))
    plain, stray = build(pl.concat(frames)), build(pl.concat([*frames, old]))
    assert stray.baseline.height == plain.baseline.height
    assert any("web0 reached further back" in told for told in stray.missing)


def test_where_most_are_new_the_past_of_those_who_have_one_is_kept(build):
    old = pl.concat([series(f"web{i}", "latency", range(36)) for i in range(2)])
    new = [(ALERT + s, f"pod{i}", "latency", 1.0) for i in range(20) for s in (60, 120, 180)]
    with_new = build(pl.concat([old, readings(*new)]))
    assert with_new.baseline.height == build(old).baseline.height


def test_an_entity_that_falls_silent_is_a_signal_and_is_told(build):
    speaks, dies = series("web", "latency", range(36)), series("db", "load", range(29))
    window = build(pl.concat([speaks, dies]))
    past, now = column(window, "db", "telemetry.absent")
    assert set(past) == {0.0}
    assert now[-1] == 1.0
    late = build(pl.concat([speaks, series("db", "load", range(20))]))
    assert any("db" in sentence for sentence in late.missing)


@pytest.mark.parametrize(("hours", "words"), [(-2, "behind"), (2, "ahead")])
def test_a_clock_that_is_hours_off_is_told(build, hours, words):
    right = [series(name, "load", range(-240, 36), first=-14_400) for name in ("web", "cache")]
    off = series("db", "load", range(-240, 36), first=-14_400 + 3600 * hours)
    window = build(pl.concat([*right, off]))
    (told,) = [sentence for sentence in window.missing if "clock" in sentence]
    assert "db" in told
    assert words in told
    assert "web" not in told


def test_a_part_that_falls_silent_is_told_unless_it_is_a_signal_or_two_of_many(build):
    def telemetry(dying):
        whole = [series("db", f"m{i}", range(36)) for i in range(20 - dying)]
        return pl.concat([*whole, *(series("db", f"x{i}", range(29)) for i in range(dying))])

    absent = Node("db", "telemetry.absent")
    assert absent not in build(telemetry(2)).index()
    assert column(build(telemetry(4)), *vars_of(absent))[1][-1] == 0.2


def test_logs_become_signals_beside_the_metrics(build):
    lines = log_records(*((60 * i, "web", "INFO", f"took {i} ms", "{}") for i in range(36)))
    window = build(series("web", "latency", range(36)), lines)
    past, now = column(window, "web", "log/INFO/took <n> ms")
    assert {*past, *now} == {1.0}
    assert not any("log" in sentence for sentence in window.missing)


def test_a_single_reading_makes_a_window_that_says_so(build):
    window = build(series("web", "latency", [None] * 30 + [1.0]))
    assert any("no history" in sentence for sentence in window.missing)


@pytest.mark.parametrize("metrics", [[7.0] * 36, [None] * 30 + [1.0] * 6])
def test_constants_and_newcomers_make_a_window(build, metrics):
    window = build(pl.concat([series("web", "a", range(36)), series("new", "b", metrics)]))
    assert Node("new", "b") in window.index()


def test_what_comes_only_after_the_alert_has_no_history(build):
    window = build(series("web", "latency", [None] * 33 + [1.0] * 3))
    assert window.baseline.height == 0
    assert any("no history" in sentence for sentence in window.missing)


@pytest.mark.parametrize(
    ("span", "instants", "words"),
    [
        ((0, 900), 16, ""),
        ((0, 1750), 28, ""),  # cut where the recent part begins
        ((1700, 2000), 28, "lies after the alert"),
        ((9e6, 9e7), 28, "lies after the alert"),
        ((-9e8, -8.4e8), 5000, "was cut"),
    ],
)
def test_a_given_baseline_ends_before_the_alert(build, span, instants, words):
    window = build(
        series("web", "latency", range(36)), baseline_window=[at(s).isoformat() for s in span]
    )
    assert window.baseline.height == instants
    assert words in " ".join(window.missing)


@pytest.mark.parametrize(
    ("step", "words"), [(60, ""), (5, "read about every 60 s"), (3600, "no history")]
)
def test_a_step_that_does_not_fit_the_data_is_told(build, step, words):
    window = build(series("web", "latency", range(36)), step_seconds=step)
    assert words in " ".join(window.missing)


def test_readings_that_jitter_around_the_border_of_a_step_stay_one_a_step(build):
    jitter = np.random.default_rng(0).uniform(-9, 9, 36)
    window = build(
        readings(
            (3, "db", "load", 1.0), *((60 * i + j, "web", "a", i) for i, j in enumerate(jitter))
        )
    )
    past, now = column(window, "web", "a")
    assert [*past, *now][1:] == [*range(1, len(past) + len(now))]


def test_what_comes_very_late_is_left_out_and_told(build):
    window = build(series("web", "latency", range(36)), as_of=at(1e9).isoformat(), step_seconds=1)
    assert window.recent.height == 5000
    assert any("left out" in sentence for sentence in window.missing)


def test_names_that_cannot_be_told_apart_make_one_signal(build):
    twins = [("a", "b · c"), ("a · b", "c"), ("a", "telemetry.absent"), ("a", "log/INFO")]
    metrics = pl.concat([series(*twin, range(36)) for twin in twins])
    window = build(metrics, log_records((900, "a", "INFO", "tick", "{}")))
    assert len({str(signal.node) for signal in window.signals}) == len(window.signals)
    assert any("2 signals with the name" in sentence for sentence in window.missing)


def test_without_any_number_there_is_no_window(build):
    for table in (pl.DataFrame(schema=READINGS), series("web", "latency", [float("nan")] * 36)):
        with pytest.raises(Failure, match="finite"):
            build(table)


def test_ten_thousand_signals_are_cut_to_the_limit_and_the_symptom_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    entities, steps = 2500, 60
    grid = pl.DataFrame({"entity": [f"e{i:04}" for i in range(entities)]}).join(
        pl.DataFrame({"signal": ["a", "b", "c", "d"]}), how="cross"
    )
    times = pl.DataFrame({"time": [at(60 * i) for i in range(steps)]})
    table = grid.join(times, how="cross").with_columns(
        value=pl.Series(rng.normal(size=entities * 4 * steps))
    )
    symptom = {"entity": "e0007", "signal": "c"}
    facts = incident(50 * 60, 59 * 60, symptom=symptom)
    folder = put(tmp_path / "big", facts, table.select(READINGS.names()).cast(READINGS))
    begin = time.perf_counter()
    window = make_window(read_bundle(folder), WindowLimits(max_signals=500))
    assert time.perf_counter() - begin < 30  # it takes about a second
    assert len(window.signals) == 500
    assert Node("e0007", "c") in window.index()
    assert any("9500 of 10000" in sentence for sentence in window.missing)


def test_a_topology_with_cycles_and_strangers_does_no_harm(build):
    pairs = [["web", "db"], ["db", "web"], ["web", "web"], ["ghost", "web"]]
    window = build(series("web", "latency", range(36)), topology=pairs)
    assert window.topology == (("web", "db"), ("db", "web"), ("ghost", "web"))
    assert any("ghost" in sentence for sentence in window.missing)


def test_a_symptom_that_was_never_read_is_told(build):
    window = build(
        series("web", "latency", range(36)), symptom={"entity": "web", "signal": "nothing"}
    )
    assert any("web · nothing" in sentence for sentence in window.missing)


def test_one_may_ask_earlier_than_the_bundle_says(tmp_path):
    folder = put(tmp_path / "one", incident(ALERT, AS_OF), series("web", "latency", range(36)))
    window = make_window(read_bundle(folder, at(ALERT) + timedelta(seconds=60)))
    assert window.recent["time"][-1] == at(ALERT + 60)
