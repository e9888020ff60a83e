import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.failure import Failure
from diagnose.page.axis import axis_of
from diagnose.page.page import render, write
from diagnose.page.text import visible
from diagnose.page.timeline import tracks
from diagnose.schema import (
    Diagnosis,
    Intervention,
    Kind,
    Node,
    Paragraph,
    RootCause,
    Signal,
    Step,
    Tried,
)
from tests.diagnose.page.hostile import (
    ALERT,
    HOSTILE,
    STEP,
    counting,
    diagnosis_of,
    edges_between,
    guidance_of,
    nodes,
    records_of,
    window_of,
)

ROOT = Path(__file__).parents[3]
LARGEST = 2_000_000
ACTS = {"script", "iframe", "object", "embed", "img", "link", "base", "form", "input", "a", "use",
        "foreignobject", "image", "animate", "set", "audio", "video"}  # fmt: skip
PLAIN = [Node("db", "disk.free"), Node("api", "latency"), Node("web", "errors")]


class Parts(HTMLParser):
    """What a browser would make of a document."""

    def __init__(self, document):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str | None]] = {}
        self.texts: list[str] = []
        self.feed(document)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value)

    def handle_data(self, data):
        self.texts.append(data)


def page_of(signals=PLAIN, edges=(), sources=(), records=None, **others):
    known = [*(Signal(node) for node in signals), *sources]
    return render(diagnosis_of(signals, edges, **others), window_of(known), records)


def is_harmless(document):
    parts = Parts(document)
    assert not parts.tags & ACTS
    assert not [name for name in parts.attributes if name.startswith("on")]
    assert not parts.attributes.keys() & {"style", "src", "href", "xlink:href", "action"}
    assert parts.attributes["http-equiv"] == {"Content-Security-Policy"}
    unseen = [letter for letter in document if not (letter.isprintable() or letter == "\n")]
    assert not unseen
    return parts


def test_hostile_text_is_only_text(hostile_page):
    parts = is_harmless(hostile_page)
    for text in HOSTILE:
        assert " ".join(visible(text).split())[:60] in parts.text


def test_a_page_of_ten_megabyte_lines_stays_small(hostile_page):
    assert len(hostile_page.encode()) < LARGEST
    assert "more characters)" in hostile_page


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=3, max_size=6))
def test_any_name_is_harmless(names):
    signals = [Node(name, f"{name}{i}") for i, name in enumerate(names)]
    is_harmless(page_of(signals, edges_between(signals, 9), records=records_of(*names)))


def test_a_thousand_signals_and_edges_stay_readable():
    signals = nodes(1000)
    sources = [counting(f"{text[:80]} {i}") for i in range(400) for text in HOSTILE[:3]]
    document = page_of(
        signals, edges_between(signals, 3000), sources, missing=HOSTILE * 200, story=()
    )
    assert len(document.encode()) < LARGEST
    parts = is_harmless(document)
    assert "2850 more edges in the JSON" in parts.text
    assert "And 3160 more" in parts.text


def test_a_long_window_is_drawn_in_few_points():
    signals = [Signal(PLAIN[0]), Signal(PLAIN[2]), counting("many")]
    window = window_of(signals, baseline=5000, recent=5000)
    assert len(render(diagnosis_of(PLAIN[::2]), window)) < 200_000


def test_the_answer_comes_first():
    edges = list(edges_between(PLAIN, 3))
    text = Parts(page_of(edges=edges)).text
    order = ["db is the likeliest cause", "uncalibrated", "03:00:00 UTC", "What was seen"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "not as odds" in text


def test_the_accused_is_the_first_candidate_though_another_entity_may_hold_more():
    causes = (RootCause("db", "a", 0.3), RootCause("web", "a", 0.2), RootCause("web", "b", 0.2))
    split = replace(diagnosis_of(PLAIN), root_causes=causes, other_probability=0.3)
    text = Parts(render(split, window_of([Signal(node) for node in PLAIN]))).text
    assert "db is the likeliest cause" in text
    assert "If its repair leaves the symptom: web (40 %)." in text


def test_every_tested_edge_is_listed_with_its_numbers():
    text = Parts(page_of(edges=edges_between(PLAIN, 3))).text
    assert text.count("supported") > 1
    assert "refuted" in text
    assert "0.01" in text
    assert "direction from" in text


def test_what_to_do_is_told_with_its_dangers():
    guidance = guidance_of(PLAIN[0], ("Free the disk.", "disk-full", "disk fills up", "inodes"))
    advised = replace(diagnosis_of(PLAIN), guidance=(guidance,))
    text = Parts(render(advised, window_of([Signal(node) for node in PLAIN]))).text
    assert "db : Free the disk." in text
    assert "disk fills up (db · disk.free)" in text
    assert "Not seen inodes" in text
    assert "danger: Free the disk." in text


def test_a_step_that_repairs_says_what_it_would_do_and_how_often_it_worked_here():
    guidance = replace(
        guidance_of(PLAIN[0], ("Free the disk.", "disk-full", "disk fills up", "inodes")),
        runbook="disk-full",
        steps=(Step("look", "Look."), Step("grow", "Grow it.", repairs=True)),
        effect=Intervention(PLAIN[0], 0.8, 0.6, 0.9),
        tried=(Tried("disk-full", "grow", 3, 4),),
    )
    window = window_of([Signal(node) for node in PLAIN])
    text = Parts(render(replace(diagnosis_of(PLAIN), guidance=(guidance,)), window)).text
    assert "by the data: would remove 80 % of the deviation (90 % interval 60 to 90 %)" in text
    assert "here: worked 3 of 4 times" in text
    untold = replace(guidance, effect=None, tried=())
    text = Parts(render(replace(diagnosis_of(PLAIN), guidance=(untold,)), window)).text
    assert text.count("by the data: cannot be told") == 1
    assert "worked" not in text


def test_without_a_cause_the_page_says_why():
    story = (Paragraph("Answer", ("No incident: none of 3 signals left its normal range.",)),)
    ranking = diagnosis_of(PLAIN).ranking_without_graph
    quiet = Diagnosis("inc-1", ranking_without_graph=ranking, story=story, alert_time=ALERT)
    text = Parts(render(quiet, window_of([Signal(node) for node in PLAIN]))).text
    assert "No incident" in text
    assert "None of 3 signals left its normal range." in text
    assert "likeliest" not in text
    assert "latency" in text


def test_an_answer_that_abstains_is_not_called_healthy():
    unsure = replace(diagnosis_of(PLAIN), root_causes=(), other_probability=1.0)
    text = Parts(render(unsure, window_of([Signal(node) for node in PLAIN]))).text
    assert "No cause can be named" in text
    assert "No incident" not in text


@pytest.mark.parametrize(("baseline", "recent"), [(0, 5), (300, 0), (1, 1), (0, 0)])
def test_an_empty_part_of_the_window_is_no_obstacle(baseline, recent):
    window = window_of([Signal(node) for node in PLAIN], baseline, recent)
    is_harmless(render(diagnosis_of(PLAIN), window))


def test_lines_are_quoted_under_their_template():
    lines = ["dial 10.0.0.1 failed", "dial 10.0.0.2 failed", "all is well"]
    text = Parts(page_of(sources=[counting("dial <ip> failed")], records=records_of(*lines))).text
    assert "dial 10.0.0.2 failed" in text
    assert "all is well" not in text


def test_a_gap_breaks_the_curve():
    window = window_of([Signal(PLAIN[0])], baseline=20, recent=10)
    (track,) = tracks(diagnosis_of(PLAIN[:1]), window, axis_of(window))
    assert track.curve.line.count("M") == 3  # a gap in either part


def test_units_are_told():
    signal = Signal(PLAIN[0], Kind("disk space available", "By"))
    window = window_of([signal])
    (track,) = tracks(diagnosis_of(PLAIN[:1]), window, axis_of(window))
    assert track.normal.endswith(" B")


def test_counts_are_told_as_rates():
    signal = counting("order placed")
    window = window_of([signal])
    (track,) = tracks(diagnosis_of([signal.node]), window, axis_of(window))
    assert track.normal.endswith("/min")
    assert float(track.normal.removesuffix("/min")) == pytest.approx(60, rel=0.02)
    assert float(track.observed.removesuffix("/min")) == pytest.approx(180, rel=0.05)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 5000))
def test_the_axis_runs_forwards_and_shows_the_recent_part(baseline, recent, apart):
    window = window_of([Signal(PLAIN[0])], baseline, recent)
    moved = window.baseline.with_columns(pl.col("time") - apart * STEP)
    axis = axis_of(replace(window, baseline=moved))
    assert list(axis.places) == sorted(axis.places)
    assert all(0 <= place <= 100 for place in axis.places)
    assert axis.place(ALERT) is not None
    assert axis.place(ALERT - timedelta(days=90)) is None
    assert all(0 <= tick.at <= 100 for tick in axis.ticks)
    assert len(axis.ticks) <= 12


def test_a_page_is_written_whole_and_replaces_what_was_there(tmp_path):
    file = tmp_path / "page.html"
    write(file, "one")
    write(file, "two ✓")
    assert file.read_text(encoding="utf-8") == "two ✓"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_what_a_link_points_to_is_replaced(tmp_path):
    (tmp_path / "link.html").symlink_to(tmp_path / "page.html")
    write(tmp_path / "link.html", "one")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text() == "one"


@pytest.mark.parametrize("name", ["", "missing/page.html", "pipe"])
def test_what_cannot_be_written_is_refused_and_left_alone(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="choose another file"):
        write(tmp_path / name, "one")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


@pytest.fixture
def aitia(tmp_path):
    """Run the command line in a process of its own."""
    surroundings = {
        **os.environ,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    def aitia(*arguments):
        command = [sys.executable, "-m", "diagnose", "explain", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=60
        )

    return aitia


def test_the_command_writes_the_answer_it_prints(aitia, tmp_path):
    file = tmp_path / "page.html"
    bundle = ROOT / "tests" / "incidents" / "h01_quiet"
    ran = aitia(bundle, "--proposer", "none", "--report", file)
    assert ran.returncode == 0
    document = file.read_text(encoding="utf-8")
    assert "No incident" in is_harmless(document).text
    (identifier,) = re.findall(r"inc-\w+", ran.stdout)
    assert identifier in document


def test_a_page_that_cannot_be_written_does_not_cost_the_answer(aitia, tmp_path):
    bundle = ROOT / "tests" / "incidents" / "h01_quiet"
    ran = aitia(bundle, "--proposer", "none", "--report", tmp_path / "missing" / "page.html")
    assert ran.returncode == 2
    assert "No incident" in ran.stdout
    assert "choose another file with --report" in ran.stderr
    assert "Traceback" not in ran.stderr
