"""A folder of runbooks: what is read, what is refused, and where the mistake is."""

import pytest

from diagnose.failure import Failure
from diagnose.guidance.catalogue import SHIPPED, catalogue, read_folder, read_runbook

SOUND = """---
id: printer-on-fire
fault: The printer burns
title: Put the printer out
area: hardware
applies_when:
  all:
    - {kind: hardware temperature, direction: up, words: [printer], sign: strong}
checks:
  - command: cat /sys/class/printer/temperature
    confirms: hot
    refutes: cold
steps:
  - id: look
    action: Look at it.
risk: low
reversibility: Complete.
effect: {kind: hardware temperature, direction: down, within: 5 min}
escalate_when:
  - It burns on.
---

Printers hardly ever burn by themselves; look for paper in the fuser before you blame the supply.
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "printer-on-fire.md").write_text(SOUND)
    return tmp_path


def changed(folder, *replaced):
    text = SOUND
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "printer-on-fire.md"
    file.write_text(text)
    return file


def refusal(folder, *replaced):
    with pytest.raises(Failure) as refused:
        read_runbook(changed(folder, *replaced))
    return str(refused.value).replace(f"{folder}/", "")


def test_a_sound_file_is_read_with_its_text(folder):
    runbook = read_runbook(folder / "printer-on-fire.md")
    assert runbook.applies_when.all[0].kinds == ("hardware temperature",)
    assert runbook.urgency == "ticket"
    assert runbook.background.startswith("Printers hardly ever burn")


def test_the_sites_own_runbook_replaces_the_shipped_one_of_its_id(tmp_path):
    text = (SHIPPED / "cache" / "redis-down.md").read_text()
    (tmp_path / "redis-down.md").write_text(text.replace("title: ", "title: As agreed, ", 1))
    known = catalogue(tmp_path)
    assert known.runbooks["redis-down"].title.startswith("As agreed, ")
    assert known.own == {"redis-down"}
    assert known.files["redis-down"] == tmp_path / "redis-down.md"
    assert len(known.runbooks) == len(catalogue().runbooks)


def test_a_broken_file_is_left_out_and_told_and_all_others_are_read(folder):
    (folder / "notes.md").write_text("Just notes.\n")
    (folder / "README.md").write_text("What this folder is for.\n")
    runbooks, problems = read_folder(folder)
    assert list(runbooks) == ["printer-on-fire"]
    (problem,) = problems
    assert "notes.md, line 1: no front matter" in str(problem)


def test_a_second_file_of_the_same_id_is_told(folder):
    (folder / "old").mkdir()
    (folder / "old" / "printer-on-fire.md").write_text(SOUND)
    runbooks, problems = read_folder(folder)
    assert len(runbooks) == 1
    assert "is that of" in str(problems[0])


def test_a_folder_that_is_none_is_told(tmp_path):
    _, problems = read_folder(tmp_path / "nowhere")
    assert "is no folder" in str(problems[0])
    assert "guidance.runbooks" in problems[0].way_out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hardware temperature", "printer heat", "line 8: applies_when.all.0: kind 'printer heat'"),
        ("direction: up", "direction: hot", "line 8: applies_when.all.0.direction: Input should"),
        ("words: [printer]", "words: [Printer-1]", "words 'Printer-1' is not lower-case"),
        ("kind: hardware temperature, direction: up", "log: fire", "log 'fire' is not of the"),
        ("sign: strong}", "sign: strong, log: disk}", "and not both"),
        ("risk: low", "risk: none", "line 16: risk: Input should be"),
        ("risk: low", "risk: high", "risk is high, and no step names a danger"),
        ("  - id: look\n", "  - id: look\n    colour: red\n", "colour: Unexpected keyword"),
        ("    action: Look at it.", "    act: Look at it.", "line 14: steps.0"),
        ("id: printer-on-fire", "id: printer", "line 2: id printer is not the file's name"),
        ("fault: The", "id: again\nfault: The", "line 3: id is said twice"),
        ("title: Put", "title: [Put", "no YAML"),
        ("effect: {kind: hardware", "effect: {kind: software", "line 18: effect: kind 'software"),
        ("escalate_when:\n  - It burns on.", "escalate_when: []", "escalate_when"),
        ("checks:\n  - command: cat", "checks:\n  - order: cat", "line 10: checks.0"),
        ("  all:\n", "  every:\n", "applies_when.every: Extra inputs"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(folder, old, new, said):
    told = refusal(folder, (old, new))
    assert told.startswith("printer-on-fire.md")
    assert said in told, told


def test_a_step_named_twice_is_refused(folder):
    step = "  - id: look\n    action: Look at it.\n"
    assert "two steps are called 'look'" in refusal(folder, (step, step + step))


def test_a_file_that_is_no_text_is_told(folder):
    (folder / "printer-on-fire.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Failure, match="no text in UTF-8"):
        read_runbook(folder / "printer-on-fire.md")


def test_a_front_matter_that_holds_itself_is_refused(folder):
    assert "printer-on-fire.md" in refusal(folder, ("checks:\n", "checks: &c [*c]\nold:\n"))


def test_all_are_read_once_in_a_process():
    assert catalogue() is catalogue()
