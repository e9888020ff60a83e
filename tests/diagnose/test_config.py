import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diagnose.config import Settings, fields, load
from diagnose.failure import Failure

KEYS = [key for key, _ in fields()]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write(tmp_path):
    def write(text):
        file = tmp_path / "aitia.yaml"
        file.write_text(text)
        return file

    return write


def test_without_a_file_everything_has_a_default():
    settings = load()
    assert settings == Settings()
    assert settings.store.url == "sqlite:///~/.local/state/aitia/state.db"
    assert settings.model.cache_dir == Path.home() / ".cache/aitia"
    assert settings.allow_egress is False


def test_options_outrank_the_environment_outranks_the_file(write, monkeypatch):
    file = write("model: {name: file, device: cpu, max_questions: 1}")
    monkeypatch.setenv("AITIA_MODEL__NAME", "environment")
    monkeypatch.setenv("AITIA_MODEL__MAX_QUESTIONS", "2")
    model = load(file, {"model": {"max_questions": 3}}).model
    assert (model.device, model.name, model.max_questions) == ("cpu", "environment", 3)


def test_settings_made_directly_ignore_the_environment(monkeypatch):
    monkeypatch.setenv("AITIA_ALLOW_EGRESS", "true")
    assert Settings().allow_egress is False
    assert load().allow_egress is True


def test_a_whole_section_may_be_json_in_the_environment(monkeypatch):
    monkeypatch.setenv("AITIA_MODEL", json.dumps({"proposer": "none"}))
    assert load().model.proposer == "none"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "model:\n  proposr: none\n",
            "line 2: model.proposr: unknown setting, did you mean model.proposer?",
        ),
        ("modle: {}\n", "line 1: modle: unknown setting, did you mean model?"),
        ("\nmodel:\n  max_questions: many\n", "line 3: model.max_questions: "),
        ("model: fast\n", "line 1: model: "),
        ("model:\n  name: a\n  name: b\n", "line 3: model.name stands on line 2 too"),
        ("store: {url: 'mysql://x'}\n", "line 1: store.url: "),
        ("- a\n", "no mapping"),
        ("model: {", "no YAML"),
        ("on: true\n", "the key True is no word"),
        ("a: 2026-13-45\n", "no YAML"),
        (f"a: {'[' * 5000}\n", "no YAML"),
        ("a: &a {b: *a}\n", "a: unknown setting"),
        ("model: {proposer: openai}\n", "needs allow_egress"),
        ("model: {proposer: openai}\nallow_egress: true\n", "set openai.base_url and openai.model"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(write, text, told):
    with pytest.raises(Failure) as caught:
        load(write(text))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_told_at_once(write):
    with pytest.raises(Failure, match=r"line 1: .*line 2: "):
        load(write("modle: 1\nstoer: 2\n"))


def test_an_unreadable_file_is_told(tmp_path):
    (tmp_path / "latin1").write_bytes(b"model: {name: \xe9}")
    for name in ("none", "latin1", "."):
        with pytest.raises(Failure, match="YAML"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AITIA_MODLE__NAME", "x", "did you mean AITIA_MODEL__NAME?"),
        ("AITIA_MODEL__NAM", "x", "did you mean AITIA_MODEL__NAME?"),
        ("AITIA_MODEL_NAME", "x", "did you mean AITIA_MODEL__NAME?"),
        ("AITIA_MODEL__MAX_QUESTIONS", "-1", "environment: AITIA_MODEL__MAX_QUESTIONS: "),
        ("AITIA_MODEL", "{", 'field "model"'),
        ("AITIA_MODEL", '{"nam": "x"}', "did you mean model.name?"),
    ],
)
def test_a_mistake_in_the_environment_is_told_with_its_name(monkeypatch, name, value, told):
    monkeypatch.setenv(name, value)
    with pytest.raises(Failure, match="environment") as caught:
        load()
    assert told in str(caught.value)


def test_a_secret_comes_from_its_file_and_is_never_shown(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.setenv("AITIA_OPENAI__API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("AITIA_STORE__URL", "postgresql://bob:s3cret@db/aitia")
    monkeypatch.setenv("AITIA_STORE__PASSWORD", "s3cret")
    settings = load()
    assert settings.openai.api_key is not None
    assert settings.openai.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in json.dumps(settings.masked())
    assert "s3cret" not in repr(settings).replace(settings.store.url, "")
    assert settings.masked()["store"]["url"] == "postgresql://bob:**********@db/aitia"


def test_a_secret_has_one_place(tmp_path, monkeypatch):
    monkeypatch.setenv("AITIA_STORE__PASSWORD", "s3cret")
    monkeypatch.setenv("AITIA_STORE__PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(Failure, match="both set") as caught:
        load()
    assert "s3cret" not in str(caught.value)
    monkeypatch.delenv("AITIA_STORE__PASSWORD")
    with pytest.raises(Failure, match=r"password_file .* cannot be read"):
        load()


@given(st.text(max_size=60))
def test_any_text_is_settings_or_one_line_of_reasons(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="replace")
    told = ""
    try:
        load(file)
    except Failure as failure:
        told = str(failure)
    assert "\n" not in told


def test_what_is_shown_can_be_loaded(write):
    shown = Settings().masked()
    assert load(write(yaml.safe_dump(shown))).masked() == load().masked()


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_says_what_it_is_for(key):
    description = dict(fields())[key].description
    assert description
    assert description.endswith(".")


def test_the_example_in_deploy_is_valid():
    example = Path(__file__).parents[2] / "deploy" / "config.example.yaml"
    assert load(example).model.proposer == "local"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ingest: 5", "ingest: Input should be keys with their values"),
        ("collect: {files: /var/log/x}", "collect.files: Input should be a list, as in [one, two]"),
        ("ingest: {port: abc}", "ingest.port: Input should be a whole number"),
        ("allow_egress: perhaps", "allow_egress: Input should be true or false"),
        ("telemetry: {dir: 5}", "telemetry.dir: Input should be a path"),
        ("ingest: {port: 99999}", "ingest.port: Input should be less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(write, text, told):
    with pytest.raises(Failure) as failure:
        load(write(text))
    assert told in failure.value.what
    assert not any(word in failure.value.what for word in ("Section", "tuple", "dictionary"))
