from contextlib import suppress

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.compose import compose
from diagnose.config import load
from diagnose.incident.bundle import read_bundle
from diagnose.incident.bundle_check import check_bundle
from diagnose.incident.window import make_window
from diagnose.schema import Failure
from diagnose.topology import NO_SITE, SiteTopology, Topology, around, read_topology, resolved
from models.proposer import GraphProposer
from tests.frames import incident, put, series

NAMES = st.sampled_from(["a", "b", "h/a", "h/b", "a-0", "c"])
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=8)


@pytest.fixture
def file(tmp_path):
    """Return a way to write a site's file."""

    def file(text):
        path = tmp_path / "topology.yaml"
        path.write_text(text)
        return path

    return file


def test_a_site_says_who_calls_whom_and_what_acts_on_what(file):
    site = read_topology(
        file(
            "known:\n- web -> db\n- '*/web -> cache'\n"
            "contains:\n- h1 -> web\nrequired:\n- db · latency -> web*\n"
            "forbidden:\n- web -> h1\n"
        )
    )
    assert site.known == (("web", "db"), ("*/web", "cache"))
    assert site.required == (("db · latency", "web*"),)
    assert site.forbidden == (("web", "h1"),)
    known = site.among(["h1/web", "h2/web", "h1"])
    assert known.calls == (("web", "db"), ("h1/web", "cache"), ("h2/web", "cache"))
    assert known.contains == (("h1", "web"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("calls:\n- a -> b", "line 1: unknown key calls"),
        ("known: a -> b", "line 1: known is no list"),
        ("known:\n- a -> b\n- a => b", "line 3: 'a => b' is no edge"),
        ("known:\n- a -> b -> c", "line 2: 'a -> b -> c' is no edge"),
        ("known:\n- ' -> b'", "line 2: ' -> b' is no edge"),
        ("known:\n- a -> a", "line 2: a stands on both sides"),
        ("known:\n- {a: b}", "line 2: {'a': 'b'} is no edge"),
        ("required:\n\n- 5", "line 3: 5 is no edge"),
    ],
)
def test_a_mistake_is_told_with_its_line(file, text, said):
    with pytest.raises(Failure) as failure:
        read_topology(file(text))
    assert said in failure.value.what


def test_no_file_and_an_empty_one_say_nothing(file):
    assert read_topology(None) == read_topology(file("")) == NO_SITE
    assert read_topology(file("known:\n")) == NO_SITE


def test_what_is_said_in_words_joins_what_is_listed(file):
    site = read_topology(
        file(
            "known: [web -> payments-db]\nforbidden: [a -> b]\nsentences:\n"
            "- backups cause disk load, never the other way\n"
            "- the payments database is upstream of web\n- web runs on `h1`\n"
        )
    )
    assert site.known == (("web", "payments-db"),)
    assert site.contains == (("h1", "web"),)
    assert site.required == (("backup", "disk utilization"),)
    assert site.forbidden == (("a", "b"), ("disk utilization", "backup"))
    assert [one.text for one in site.sentences][1] == "the payments database is upstream of web"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sentences: backups cause errors", "line 1: sentences is no list"),
        ("sentences:\n- 5", "line 2: 5 is no sentence"),
        ("sentences:\n- backups cause errors\n- x causes y", "line 3: 'x' is neither an entity"),
        ("known: [a -> b]\nsentences: [all is well]", "line 2: 'all is well' says nothing"),
    ],
)
def test_a_sentence_that_is_not_understood_is_told_with_its_line(file, text, said):
    with pytest.raises(Failure, match=said):
        read_topology(file(text))


def test_a_services_name_stands_for_all_that_answer_to_it():
    entities = ["h1/web", "web-0", "db-7d4b9c6f-x2x4q", "db-exporter", "cache"]
    calls = resolved([("web", "db"), ("web", "queue")], entities)
    assert calls == (
        ("h1/web", "db-7d4b9c6f-x2x4q"),
        ("web-0", "db-7d4b9c6f-x2x4q"),
        ("h1/web", "queue"),
        ("web-0", "queue"),
    )


def test_steps_are_counted_over_calls_either_way_and_over_hosts():
    topology = Topology((("web", "api"), ("api", "db"), ("db", "disk")), (("host", "web"),))
    assert around(topology, "web") == {"web": 0, "api": 1, "host": 1, "db": 2}
    assert around(topology, "nobody") == {"nobody": 0}


@given(PAIRS, PAIRS, NAMES)
def test_whatever_the_topology_the_start_is_near_itself_and_more_steps_reach_no_less(
    calls, contains, start
):
    topology = Topology(tuple(calls), tuple(contains))
    one, two = around(topology, start, 1), around(topology, start, 2)
    assert one[start] == 0
    assert one.items() <= two.items()


@given(PAIRS, st.lists(NAMES))
def test_nothing_is_joined_to_itself_and_no_pair_comes_twice(pairs, entities):
    found = resolved(pairs, entities)
    assert all(one != other for one, other in found)
    assert len(set(found)) == len(found)


def metrics():
    values = np.sin(np.arange(90.0))
    return pl.concat(
        [series("host", "node_load1", values), series("web", "latency_p90", 2 + values)]
    )


def test_a_bundle_tells_what_contains_what(tmp_path):
    folder = put(tmp_path / "b", incident(4800, 5340, contains=[["host", "web"]]), metrics())
    bundle = read_bundle(folder)
    assert bundle.contains == (("host", "web"),)
    assert make_window(bundle).contains == (("host", "web"),)
    site = SiteTopology(known=(("w*", "db"),), contains=(("host", "db"),))
    window = make_window(bundle, site=site)
    assert window.topology == (("web", "db"),)
    assert window.contains == (("host", "web"), ("host", "db"))


@pytest.mark.parametrize("wrong", [["host", "web"], [["host"]], "host", [[1, 2]], {}])
def test_what_is_no_list_of_pairs_is_told_by_its_field(tmp_path, wrong):
    folder = put(tmp_path / "b", incident(4800, 5340, contains=wrong), metrics())
    (problem,) = check_bundle(folder)
    assert (problem.where, problem.fatal) == ("contains", True)
    assert "[[whole, part], ...]" in problem.way_out


def test_what_a_site_requires_and_forbids_reaches_the_proposer(file):
    path = file("required:\n- a -> b\nforbidden:\n- b -> a\n")
    settings = load(None, {"explain": {"topology": path}, "model": {"proposer": "none"}})
    proposer = compose(settings).proposer
    assert isinstance(proposer, GraphProposer)
    assert proposer.required == (("a", "b"),)
    assert proposer.forbidden == (("b", "a"),)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="knowcteirqufbds:-[]{}#&*!|>~'\"%@ ,?\n0.", max_size=60))
def test_any_text_is_a_site_or_refused(file, text):
    with suppress(Failure):
        assert isinstance(read_topology(file(text)), SiteTopology)


@pytest.mark.parametrize("key", ["~", "1", "true", "2026-11-22", "[a]"])
def test_a_key_that_is_no_word_is_told(file, key):
    with pytest.raises(Failure, match=r"no word|no YAML"):
        read_topology(file(f"{key}: [a -> b]\n"))
