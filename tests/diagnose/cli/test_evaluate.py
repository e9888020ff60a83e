import json

PREMISE = "Two variables: X and Y. X correlates with Y."


def test_items_are_answered_as_one_json_document(run, tmp_path):
    file = tmp_path / "items.jsonl"
    lines = [
        {"id": "a", "premise": PREMISE, "hypothesis": "X directly causes Y.", "label": 0},
        {"id": "b", "question": "Is a fan loud?"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    status, answer, said = run("evaluate", "lm", "--items", file, "--no-model", "-o", "json")
    told = json.loads(answer)
    assert status == 0
    assert all(line.startswith("aitia: info: answering") for line in said.splitlines())
    assert [(one["id"], one["by"]) for one in told["answers"]] == [("a", "solver"), ("b", "nobody")]
    assert told["answers"][0]["probability"] < 0.5
    assert told["tables"][0]["rows"][-1]["who"] == "answers"
    assert told["seconds"] >= 0


def test_answers_are_shown_line_by_line(run, tmp_path):
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps({"id": "a", "premise": PREMISE, "hypothesis": "X causes Y."}))
    status, answer, said = run("evaluate", "lm", "--items", file, "--no-model")
    assert status == 0
    assert answer.split("\t") == ["a", "0.010", "solver\n"]
    assert said.endswith(" s\n")


def test_a_bad_line_ends_with_2(run, tmp_path):
    file = tmp_path / "items.jsonl"
    file.write_text("no json")
    status, answer, said = run("evaluate", "lm", "--items", file, "--no-model")
    assert status == 2
    assert answer == ""
    assert "line 1 is no JSON" in said
