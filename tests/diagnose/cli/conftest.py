"""Commands run in this process, on a home of their own."""

import sys
from types import SimpleNamespace

import pytest

from diagnose.cli import main
from diagnose.incident.window import WindowLimits
from tests.scripted import DISK, LATENCY, Scripted, bundle_in


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def scripted(monkeypatch):
    """Let the commands compose scripted roles."""

    def scripted(cause=DISK, symptom=LATENCY, compose=None):
        compose = compose or (lambda settings: Scripted(cause, symptom).roles())
        composed = SimpleNamespace(compose=compose, limits=lambda settings: WindowLimits())
        monkeypatch.setitem(sys.modules, "diagnose.compose", composed)

    scripted()
    return scripted


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line; return its status, what it answered and what else it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["aitia", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        said = capsys.readouterr()
        return exit_.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def bundle(tmp_path):
    return bundle_in(tmp_path / "inc-1")
