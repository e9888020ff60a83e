import sys

import pytest

from diagnose.extras import installing


def test_what_was_said_in_words_is_shown_as_it_was_read(run, tmp_path):
    (tmp_path / "topology.yaml").write_text(
        "sentences:\n- backups cause disk load, never the other way\n"
        "- fan speed never affects `web`\n"
    )
    file = tmp_path / "aitia.yaml"
    file.write_text(f"explain:\n  topology: {tmp_path / 'topology.yaml'}\n")
    status, answer, said = run("config", "check", "--config", file)
    assert (status, said) == (0, "")
    assert answer.splitlines() == [
        "backups cause disk load, never the other way:",
        "  required: backup -> disk utilization",
        "  forbidden: disk utilization -> backup",
        "fan speed never affects `web`:",
        "  forbidden: fan speed -> web",
        "settings are valid",
    ]


def test_a_sentence_that_is_not_understood_ends_with_2(run, tmp_path):
    (tmp_path / "topology.yaml").write_text("sentences:\n- all is well\n")
    file = tmp_path / "aitia.yaml"
    file.write_text(f"explain:\n  topology: {tmp_path / 'topology.yaml'}\n")
    status, answer, said = run("config", "check", "--config", file)
    assert (status, answer) == (2, "")
    assert "line 2" in said
    assert "all is well" in said


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("every: 5 minutes", "line 4: groups.db.every: '5 minutes' is no time"),
        ("cron: 0 0 30 2 *", "the group db is never due"),
        ("engine: spark", "line 4: groups.db.engine: Input should be 'local' or 'ray'"),
        (
            "engine: ray",
            f"the group db wants Ray, which is not installed ({installing('ray')})",
        ),
        ("source: prometheus", "the group db asks Prometheus, and none is known (set sources.prom"),
    ],
)
def test_schedules_that_cannot_be_kept_are_told(run, tmp_path, monkeypatch, asked, why):
    monkeypatch.setitem(sys.modules, "ray", None)
    fleet, file = tmp_path / "fleet.yaml", tmp_path / "aitia.yaml"
    fleet.write_text(f"groups:\n  db:\n    hosts: [db1]\n    {asked}\n")
    file.write_text(f"daemon: {{fleet: {fleet}}}\n")
    status, answer, said = run("config", "check", "--config", file)
    assert (status, answer) == (2, "")
    assert why in said


def test_schedules_that_can_be_kept_are_fine(run, tmp_path):
    fleet, file = tmp_path / "fleet.yaml", tmp_path / "aitia.yaml"
    fleet.write_text("groups:\n  db:\n    hosts: [db1]\n    source: prometheus\n")
    file.write_text(
        f"daemon: {{fleet: {fleet}}}\nsources: {{prometheus: {{url: 'http://localhost:9090'}}}}\n"
    )
    assert run("config", "check", "--config", file) == (0, "settings are valid\n", "")
