"""The commands: what they print, where to, and how they exit."""

import json
import re
from datetime import datetime
from threading import Event

import pytest
from pydantic import TypeAdapter

from diagnose.cli import terminal
from diagnose.schema import (
    Diagnosis,
    Failure,
)
from tests.scripted import DISK, HOSTILE, Scripted, bundle_in


def test_the_answer_comes_first_and_findings_exit_with_1(run, scripted, bundle):
    status, answer, said = run("explain", bundle)
    assert status == 1
    assert answer.splitlines()[0] == "It is db-1 · disk.free."
    for word in (
        "alert 2026-03-01 03:00:00 UTC",
        "75 %",
        "25 %",
        "No logs were seen.",
        "supported",
    ):
        assert word in answer
    assert "\x1b" not in answer
    assert said == ""


def test_json_is_one_diagnosis_and_nothing_else(run, scripted, bundle):
    status, answer, said = run("explain", bundle, "-o", "json")
    diagnosis = TypeAdapter(Diagnosis).validate_json(answer)
    assert status == 1
    assert [cause.node for cause in diagnosis.root_causes] == [DISK]
    assert re.fullmatch("inc-[0-9a-f]{6}", diagnosis.incident)
    assert said == ""


def test_where_it_abstains_it_is_fine(run, scripted, bundle):
    scripted(cause=None)
    status, answer, _ = run("explain", bundle)
    assert status == 0
    assert answer.splitlines()[0] == "No incident."
    assert "nothing is claimed" in answer


def test_the_same_incident_is_found_again(run, scripted, bundle):
    answers = [json.loads(run("explain", bundle, "-o", "json")[1]) for _ in range(2)]
    assert answers[0]["incident"] == answers[1]["incident"]
    incident = answers[0]["incident"]
    listed = json.loads(run("incidents", "list", "-o", "json")[1])
    assert [(one["id"], one["status"]) for one in listed] == [(incident, "answered")]
    assert incident in run("incidents", "list")[1]
    status, shown, _ = run("incidents", "show", incident, "-o", "json")
    assert status == 0
    assert json.loads(shown) == answers[1]
    assert run("incidents", "show", incident)[1].startswith("It is db-1")


def test_without_incidents_it_says_so(run):
    assert run("incidents", "list") == (0, "no incidents yet\n", "")
    status, answer, said = run("incidents", "show", "inc-000000")
    assert (status, answer) == (2, "")
    assert said.startswith("aitia: error: incident inc-000000 is not known")


def test_a_broken_state_database_does_not_withhold_the_answer(run, scripted, bundle, tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    status, answer, said = run("explain", bundle)
    assert status == 1
    assert answer.startswith("It is db-1")
    assert said.startswith("aitia: warning: the answer was not stored: ")
    assert said.count("\n") == 1


def test_the_truth_is_not_opened(run, scripted, bundle):
    (bundle / "truth.json").mkdir()  # a folder cannot be read as a file
    assert run("explain", bundle)[0] == 1


def test_the_moment_of_asking_is_honoured(run, scripted, bundle):
    asked = "2026-03-01T03:01:00+00:00"
    diagnosis = json.loads(run("explain", bundle, "-o", "json", "--as-of", asked)[1])
    assert datetime.fromisoformat(diagnosis["as_of"]) == datetime.fromisoformat(asked)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-03-01T03:01:00", "", "0001-01-01T00:00:00+14:00"]
)
def test_a_moment_has_a_zone(run, bundle, text):
    status, answer, said = run("explain", bundle, "--as-of", text)
    assert (status, answer) == (2, "")
    assert "for example 2026-01-31T03:05:00Z" in said


def test_the_proposer_of_the_command_line_outranks_the_setting(run, scripted, bundle, monkeypatch):
    asked = []

    def compose(settings):
        asked.append(settings.model.proposer)
        return Scripted().roles()

    scripted(compose=compose)
    monkeypatch.setenv("AITIA_MODEL__PROPOSER", "local")
    run("explain", bundle, "--proposer", "none")
    run("explain", bundle)
    assert asked == ["none", "local"]
    status, _, said = run("explain", bundle, "--proposer", "openai")
    assert status == 2
    assert "allow_egress" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "/nowhere"),
        ("explain", "{bundle}", "--config", "/nowhere.yaml"),
        ("backtest", "/nowhere"),
        ("bundle", "check", "/nowhere"),
        ("incidents", "show", "inc-000000"),
        ("config", "check", "--config", "{bundle}/metrics.parquet"),
    ],
)
def test_an_error_is_one_line_with_a_way_out(run, scripted, bundle, arguments):
    status, answer, said = run(*(part.replace("{bundle}", str(bundle)) for part in arguments))
    assert status == 2
    if arguments[0] != "bundle":  # what is wrong with bundles is what was asked for
        assert answer == ""
        assert re.fullmatch(r"aitia: error: .+ \(.+\)\n", said)


@pytest.mark.parametrize(
    "arguments", [("explain",), ("explain", "x", "-o", "xml"), ("explian",), ("backtest", "--fast")]
)
def test_a_misspelt_command_line_is_an_error(run, arguments):
    status, answer, said = run(*arguments)
    assert (status, answer) == (2, "")
    assert "Error: " in said


def test_a_defect_is_no_finding(run, scripted, bundle):
    def broken(settings):
        raise RuntimeError("a defect")

    scripted(compose=broken)
    status, answer, said = run("explain", bundle)
    assert (status, answer) == (2, "")
    assert said.endswith(
        "aitia: error: this is a defect of aitia (report it with the lines above)\n"
    )


def test_a_failure_is_told_without_a_traceback(run, scripted, bundle):
    def missing(settings):
        raise Failure("no model\x1b[2J\nhere", "install it")

    scripted(compose=missing)
    assert run("explain", bundle) == (2, "", "aitia: error: no model here (install it)\n")


def test_no_text_of_a_sender_acts_on_the_screen(run, scripted, bundle):
    scripted(HOSTILE)
    _, answer, _ = run("explain", bundle)
    assert "[red]lat ency[/red]" in answer
    assert not set(answer) & set("\x1b\x07\r\u202e")
    assert "\nrm -rf" not in answer


def test_json_escapes_what_a_terminal_would_obey_and_loses_nothing(run, scripted, bundle):
    scripted(HOSTILE)
    _, answer, _ = run("explain", bundle, "-o", "json")
    assert answer.isascii()
    assert answer.replace("\n", "").isprintable()
    assert json.loads(answer)["root_causes"][0]["signal"] == HOSTILE.signal


def test_a_bundle_check_says_what_is_wrong_and_where(run, bundle, tmp_path):
    assert run("bundle", "check", bundle) == (0, f"{bundle}: fine\n", "")
    facts = json.loads((bundle / "incident.json").read_text())
    (bundle / "incident.json").write_text(json.dumps(facts | {"step_seconds": -1}))
    status, answer, _ = run("bundle", "check", bundle, bundle_in(tmp_path / "inc-2"))
    assert status == 1
    assert "incident.json step_seconds" in answer
    assert "inc-2: fine" in answer
    status, answer, _ = run("bundle", "check", "-o", "json", bundle)
    (listed,) = json.loads(answer)
    assert status == 1
    assert [problem["where"] for problem in listed["problems"]] == ["step_seconds"]


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("id", "\ud800", "incident.json"),
        ("source", 3, "source"),
        ("alert_time", "0001-01-01T00:00:00+14:00", "alert_time"),
        ("alert_time", "9999-12-31T23:59:59Z", "alert_time"),
        ("symptom", {"entity": "shop"}, "symptom"),
        ("topology", [["shop", 3]], "topology"),
    ],
)
def test_a_mistake_in_a_bundle_is_told_with_its_place(run, bundle, field, value, where):
    facts = json.loads((bundle / "incident.json").read_text())
    (bundle / "incident.json").write_text(json.dumps(facts | {field: value}))
    status, answer, said = run("bundle", "check", bundle)
    assert (status, said) == (1, "")
    assert where in answer
    status, answer, said = run("explain", bundle)
    assert (status, answer) == (2, "")
    assert re.fullmatch(r"aitia: error: .+ \(.+\)\n", said)


def test_settings_are_checked_and_shown(run, tmp_path, monkeypatch):
    monkeypatch.setenv("AITIA_STORE__PASSWORD", "s3cret")
    assert run("config", "check") == (0, "settings are valid\n", "")
    for output in ("table", "json"):
        status, shown, _ = run("config", "show", "-o", output)
        assert status == 0
        assert "max_questions" in shown
        assert "s3cret" not in shown
    (tmp_path / "aitia.yaml").write_text("modle: {}")
    status, _, said = run("config", "check", "--config", tmp_path / "aitia.yaml")
    assert status == 2
    assert "line 1" in said
    monkeypatch.setenv("AITIA_CONFIG", str(tmp_path / "aitia.yaml"))
    assert run("config", "check")[0] == 2


def test_a_backtest_tells_accuracy_beside_chance(run, scripted, tmp_path):
    folder = tmp_path / "site"
    bundle_in(folder / "a", {"root_causes": [{"entity": "db-1", "signal": "disk.free"}]})
    bundle_in(folder / "b", {"root_causes": []})
    status, answer, said = run("backtest", folder)
    assert (status, said) == (0, "")
    assert "site: 1 incidents, 1 healthy windows" in answer
    assert "chance" in answer
    (set_,) = json.loads(run("backtest", folder, "-o", "json")[1])["sets"]
    assert set_["aitia"]["entity"]["ac1"]["value"] == 1.0
    (folder / "b" / "metrics.parquet").write_bytes(b"PAR1")
    status, _, said = run("backtest", folder)
    assert status == 1
    assert said.startswith("aitia: warning: b could not be explained: ")


def test_who_waits_is_told_so(run, scripted, bundle, monkeypatch):
    started = Event()

    def slow(settings):
        assert started.wait(30)
        return Scripted().roles()

    tell = terminal.complain

    def told(kind, message):
        tell(kind, message)
        started.set()

    scripted(compose=slow)
    monkeypatch.setattr(terminal, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(terminal, "complain", told)
    _, answer, said = run("explain", bundle, "-o", "json")
    assert said == "aitia: info: explaining inc-1 ...\n"
    json.loads(answer)
