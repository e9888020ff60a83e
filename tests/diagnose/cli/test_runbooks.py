"""``aitia runbooks`` as people call it."""

import json
import sys

import pytest

from diagnose.cli import main
from diagnose.guidance.catalogue import SHIPPED


@pytest.fixture
def aitia(monkeypatch, capsys, tmp_path):
    """Call the command line; return its status, stdout and stderr."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["aitia", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return call


@pytest.fixture
def own(tmp_path):
    """A folder with a runbook of the site's own, and settings that name it."""
    folder = tmp_path / "runbooks"
    folder.mkdir()
    text = (SHIPPED / "cache" / "redis-down.md").read_text()
    (folder / "redis-down.md").write_text(text.replace("fault: ", "fault: (ours) ", 1))
    config = tmp_path / "aitia.yml"
    config.write_text(f"guidance:\n  runbooks: {folder}\n")
    return folder, config


def test_the_list_names_every_runbook_with_its_risk(aitia):
    status, out, _ = aitia("runbooks", "list")
    assert status == 0
    lines = out.splitlines()
    assert sum("aitia" in line for line in lines) == len(list(SHIPPED.rglob("*.md")))
    assert any("redis-down" in line and "medium" in line for line in lines)


def test_the_list_for_programs_has_all_of_each(aitia):
    _, out, _ = aitia("runbooks", "list", "-o", "json")
    found = {one["id"]: one for one in json.loads(out)}
    assert found["redis-down"]["steps"][0]["command"].startswith("journalctl")


def test_one_is_shown_as_its_file_has_it(aitia):
    _, out, _ = aitia("runbooks", "show", "redis-down")
    assert out == (SHIPPED / "cache" / "redis-down.md").read_text()


def test_one_is_shown_for_programs(aitia):
    _, out, _ = aitia("runbooks", "show", "redis-down", "-o", "json")
    assert json.loads(out)["area"] == "cache"


def test_one_that_is_not_known_is_an_error(aitia):
    status, _, err = aitia("runbooks", "show", "redis-gone")
    assert status == 2
    assert "no runbook redis-gone ('aitia runbooks list'" in err


def test_the_sites_own_replaces_the_shipped_one(aitia, own):
    _, out, _ = aitia("runbooks", "list", "--config", own[1])
    (line,) = [line for line in out.splitlines() if "redis-down" in line]
    assert "(ours)" in line
    assert line.rstrip().endswith("site")


def test_a_sound_folder_is_said_to_be_sound(aitia, own):
    assert aitia("runbooks", "check", own[0])[:2] == (0, f"1 runbooks in {own[0]} are sound\n")
    assert aitia("runbooks", "check")[0] == 0


def test_a_folder_without_any_is_an_error(aitia, tmp_path):
    (tmp_path / "README.md").write_text("# Not one of them")
    status, out, err = aitia("runbooks", "check", tmp_path)
    assert (status, out) == (2, "")
    assert f"{tmp_path} holds no runbook (name the folder" in err


def test_a_mistake_is_told_with_file_and_line_and_leaves_a_finding(aitia, own):
    file = own[0] / "redis-down.md"
    file.write_text(file.read_text().replace("risk: medium", "risk: some", 1))
    line = file.read_text().splitlines().index("risk: some") + 1
    status, out, err = aitia("runbooks", "check", "--config", own[1])
    assert (status, out) == (1, "")
    assert f"redis-down.md, line {line}: risk: Input should be" in err
    status, out, err = aitia("runbooks", "list", "--config", own[1])
    assert status == 0
    assert "left out" in err
    assert "redis-down" in out
