import networkx as nx
import pytest

from diagnose.schema import Failure
from models.simulator.concepts import UNMEASURED
from models.simulator.simulate import Fault, simulate
from models.simulator.system import MOST_CAUSES, system_of
from models.simulator.topology import random_topology


@pytest.fixture(scope="module", params=range(6))
def system(request):
    return system_of(random_topology(request.param), 24, request.param)


def test_the_same_arguments_give_the_same_system(system):
    assert system == system_of(system.topology, 24, system.seed)
    assert system != system_of(system.topology, 24, system.seed + 1)


def test_causes_stand_before_effects_and_an_effect_has_few(system):
    assert all(influence.cause < influence.effect for influence in system.influences)
    degrees = [sum(i.effect == n for i in system.influences) for n in range(len(system.variables))]
    assert max(degrees) <= MOST_CAUSES + 2  # and what nobody has written down


def test_what_rarely_has_a_metric_is_not_measured(system):
    names = {signal.kind.name for signal in system.signals}
    assert len(system.signals) == 24
    assert names.isdisjoint(name for name, *_ in UNMEASURED)
    assert all(signal.kind.tier != "unknown" for signal in system.signals)


def test_the_true_graph_is_what_is_left_of_the_whole_when_hidden_variables_are_taken_out(system):
    whole = nx.DiGraph([(i.cause, i.effect) for i in system.influences])
    whole.add_nodes_from(range(len(system.variables)))
    measured = [i for i, variable in enumerate(system.variables) if variable.measured]
    for cause in measured:
        for effect in measured:
            between = set(whole) - set(measured) | {cause, effect}
            path = nx.has_path(whole.subgraph(between), cause, effect) and cause != effect
            pair = (system.variables[cause].node, system.variables[effect].node)
            assert (pair in system.edges) == path


def test_some_causes_of_several_signals_are_hidden(system):
    hidden = {i for i, variable in enumerate(system.variables) if not variable.measured}
    assert hidden
    children = [i.cause for i in system.influences]
    assert any(children.count(i) > 1 for i in hidden)


def test_a_site_cannot_show_more_than_it_has():
    with pytest.raises(Failure, match="signals"):
        system_of(random_topology(0), 5000, 0)


def test_a_hidden_variable_can_break(system):
    hidden = next(variable for variable in system.variables if not variable.measured)
    fault = Fault(hidden.component.name, hidden.concept.name)
    assert simulate(system, 50, 0, fault).root_cause == hidden.node
