from time import process_time

import numpy as np
import pytest

from models.simulator.simulate import RECENT, Fault, simulate
from models.simulator.system import system_of
from models.simulator.topology import random_topology


@pytest.fixture(scope="module")
def system():
    return system_of(random_topology(5), 20, 5)


def columns(frame):
    return frame.drop("time").to_numpy().astype(float)


def scores(values):
    """Return ranks of columns, so that units and heavy tails count no more than they should."""
    order = np.argsort(np.argsort(np.nan_to_num(values), axis=0), axis=0)
    return (order - order.mean(axis=0)) / order.std(axis=0)


def test_the_same_arguments_give_the_same_numbers(system):
    first, again = simulate(system, 100, 1), simulate(system, 100, 1)
    assert first.window.baseline.equals(again.window.baseline)
    assert not first.window.baseline.equals(simulate(system, 100, 2).window.baseline)


def test_the_window_holds_what_is_measured_and_how_it_hangs_together(system):
    window = simulate(system, 120, 0).window
    assert window.signals == system.signals
    assert (len(window.baseline), len(window.recent)) == (120, RECENT)
    assert set(window.topology) == set(system.topology.calls)
    assert {part for _, part in window.contains} >= {part for part, _ in system.topology.runs_on}


def test_effects_follow_their_causes_and_strangers_do_not(system):
    window = simulate(system, 4000, 0).window
    values = scores(columns(window.baseline))
    place = window.index()
    late = [np.abs(values[lag:].T @ values[: len(values) - lag]) / len(values) for lag in range(4)]
    strength = np.max(late, axis=0)  # effects by causes
    linked = [strength[place[effect], place[cause]] for cause, effect in system.edges]
    assert np.median(linked) > 3 * np.median(strength)


def test_logs_are_counts_and_ratios_are_shares():
    system = system_of(random_topology(3), 60, 3)
    window = simulate(system, 200, 0).window
    for signal in window.signals:
        values = window.baseline[str(signal.node)].drop_nulls().to_numpy()
        if signal.source == "template":
            assert (values == values.round()).all()
            assert (values >= 0).all()
        elif signal.kind.unit == "ratio":
            assert ((values > 0) & (values < 1)).all()


def test_values_are_missing_now_and_then(system):
    values = columns(simulate(system, 1000, 0).window.baseline)
    assert 0.002 < np.isnan(values).mean() < 0.02


def test_a_fault_moves_its_variable_and_what_follows_and_nothing_that_comes_before(system):
    cause, _ = sorted(system.edges)[0]
    healthy = simulate(system, 200, 4).window.recent
    broken = simulate(system, 200, 4, Fault(cause.entity, cause.signal)).window.recent
    changed = {
        signal.node
        for signal in system.signals
        if not healthy[str(signal.node)].equals(broken[str(signal.node)])
    }
    followers = {effect for one, effect in system.edges if one == cause}
    assert {cause, *followers} <= changed
    assert {one for one, effect in system.edges if effect == cause}.isdisjoint(changed)


@pytest.mark.parametrize("course", ["jump", "ramp", "spikes"])
def test_every_course_of_a_fault_shows(system, course):
    node = system.signals[0].node
    healthy = simulate(system, 200, 4).window.recent[str(node)]
    fault = Fault(node.entity, node.signal, 8.0, course)
    broken = simulate(system, 200, 4, fault).window.recent[str(node)]
    assert not broken.equals(healthy)


def test_normal_life_is_the_same_with_and_without_a_fault(system):
    node = system.signals[0].node
    broken = simulate(system, 200, 4, Fault(node.entity, node.signal))
    assert broken.window.baseline.equals(simulate(system, 200, 4).window.baseline)


def test_another_environment_has_other_mechanisms_and_is_itself_again(system):
    here, there = simulate(system, 200, 4), simulate(system, 200, 4, environment=2)
    assert not here.window.baseline.equals(there.window.baseline)
    assert there.window.baseline.equals(simulate(system, 200, 4, environment=2).window.baseline)
    assert here.edges == there.edges


def test_what_is_held_stays_and_only_what_it_acts_on_is_another(system):
    held = system.signals[0].node
    effects = {held}
    while below := {e for c, e in system.edges if c in effects} - effects:
        effects |= below
    plain, fixed = simulate(system, 200, 4), simulate(system, 200, 4, held={held: 2.0})
    assert fixed.window.baseline.equals(plain.window.baseline)
    assert fixed.window.recent[str(held)].drop_nulls().n_unique() == 1
    for signal in system.signals:
        name = str(signal.node)
        if signal.node not in effects and signal.source == "metric":
            both = plain.window.recent[name] - fixed.window.recent[name]
            assert both.drop_nulls().abs().max() == 0.0


def test_a_fault_needs_a_variable(system):
    with pytest.raises(ValueError, match="no variable"):
        simulate(system, 50, 0, Fault("host99", "cpu utilization"))


def test_forty_signals_of_a_thousand_rows_are_fast():
    system = system_of(random_topology(7), 40, 7)
    simulate(system, 1000, 0)
    started = process_time()
    simulate(system, 1000, 1)
    assert process_time() - started < 0.05
