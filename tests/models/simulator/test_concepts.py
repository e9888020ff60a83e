import networkx as nx

from models.kinds import VOCABULARY
from models.simulator.concepts import UNMEASURED, concepts, links, wider_concepts, wider_links


def test_what_acts_on_what_has_no_cycle_but_calls_between_alike():
    between = [(link.cause, link.effect) for link in links() if link.cause != link.effect]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(between))
    assert {link.place for link in links() if link.cause == link.effect} == {"called", "caller"}


def test_no_link_is_written_twice():
    keys = [(link.cause, link.effect, link.place) for link in links()]
    assert len(keys) == len(set(keys))


def test_knowledge_is_broad_and_mostly_in_the_products_own_words():
    names = set(concepts())
    own = names & {kind.name for kind in VOCABULARY}
    assert len(names) >= 200
    assert len(links()) >= 500
    assert len(own) / len(names) >= 0.8
    assert own == names - {name for name, *_ in UNMEASURED}


def test_each_effect_can_be_where_the_link_says_it_is():
    for link in links():
        cause, effect = (set(concepts()[name].roles) for name in (link.cause, link.effect))
        if link.place == "called":
            assert "service" in cause, link
        if link.place == "caller":
            assert "service" in effect, link


def test_a_fifth_of_the_concepts_is_held_out_in_every_tier():
    held = [concept for concept in concepts().values() if concept.held_out]
    assert 0.15 < len(held) / len(concepts()) < 0.25
    assert {concept.kind.tier for concept in held} >= {
        *("environment", "hardware", "os", "platform", "service", "user"),
    }


def test_what_only_training_learns_about_names_nothing_that_is_held_out():
    further = wider_links()[len(links()) :]
    named = {name for link in further for name in (link.cause, link.effect)}
    assert named.isdisjoint(name for name, each in concepts().items() if each.held_out)
    assert set(wider_concepts()) - set(concepts()) <= named <= set(wider_concepts())


def test_what_only_training_learns_about_contradicts_nothing_that_tests_ask():
    pairs = [(link.cause, link.effect) for link in wider_links() if link.cause != link.effect]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(pairs))
    further = wider_links()[len(links()) :]
    between = {(link.cause, link.effect) for link in further}
    assert len(between) == len(further) >= 400
    old = set(concepts())
    assert between.isdisjoint({(link.cause, link.effect) for link in links()})
    assert all(not {cause, effect} <= old for cause, effect in between)
