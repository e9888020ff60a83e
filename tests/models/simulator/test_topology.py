import networkx as nx
import pytest

from models.simulator.topology import Component, Topology, links_of, random_topology


def with_parts(*roles, lacking=()):
    parts = [Component(role, role) for role in ("site", "host", *roles)]
    return Topology("t", tuple(parts), (), (), frozenset(lacking))


def pairs(topology):
    return {(link.cause, link.effect, link.place, link.sign) for link in links_of(topology)}


def test_the_same_seed_gives_the_same_site_and_another_seed_another():
    assert random_topology(3) == random_topology(3)
    assert random_topology(3) != random_topology(4)


def test_every_part_runs_on_a_host_and_calls_form_no_cycle():
    for seed in range(50):
        topology = random_topology(seed)
        roles = {component.name: component.role for component in topology.components}
        assert all(roles[host] == "host" for _, host in topology.runs_on)
        parts = {name for name, role in roles.items() if role not in ("site", "host")}
        assert {part for part, _ in topology.runs_on} == parts
        assert nx.is_directed_acyclic_graph(nx.DiGraph(topology.calls))


def test_without_a_database_nothing_acts_on_one():
    assert not any("database trans" in effect for _, effect, *_ in pairs(with_parts("service")))


def test_what_acted_through_a_missing_concept_acts_directly():
    chain = ("inlet air temperature", "cpu thermal throttling", "same", 1)
    assert chain not in pairs(with_parts("service"))
    assert chain in pairs(with_parts("service", lacking=["cpu temperature"]))


def test_two_steps_against_each_other_keep_their_sign_and_place():
    lacking = ["database query latency"]
    found = pairs(with_parts("service", "database", lacking=lacking))
    assert ("cpu frequency", "response latency", "caller", -1) in found
    assert ("cpu frequency", "response latency", "same", -1) in found


@pytest.mark.parametrize("seed", range(20))
def test_what_a_site_lacks_occurs_in_no_link(seed):
    topology = random_topology(seed)
    named = {name for link in links_of(topology) for name in (link.cause, link.effect)}
    assert named.isdisjoint(topology.lacking)
    assert named <= set(topology.present())
