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
