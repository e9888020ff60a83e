"""What people read says what the code does; run as a program, this file writes the tables."""

import ast
import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from typer.main import get_command

from collectors import COLLECTORS
from diagnose.cli import app
from diagnose.config import fields

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("[a-z]*/*.md"))]
GENERATED = [ROOT / "diagnose" / "README.md", ROOT / "collectors" / "README.md"]
BEGIN = "<!-- {}: written by 'make docs' -->"
END = "<!-- end of {} -->"


def row(*cells):
    return f"| {' | '.join(cells)} |"


def settings_table():
    """Return the table of all settings in Markdown."""
    lines = [row("setting", "environment", "default", "what it is for"), row(*["---"] * 4)]
    for key, field in fields():
        variable = f"AITIA_{key.upper().replace('.', '__')}"
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        lines.append(row(f"`{key}`", f"`{variable}`", default(field), meaning))
    return "\n".join(lines)


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def commands(command=None, path="aitia"):
    """Yield every command line and its command."""
    command = command or get_command(app)
    below = getattr(command, "commands", {})
    if not below or command.invoke_without_command:
        yield path, command
    for name, inner in below.items():
        yield from commands(inner, f"{path} {name}")


def commands_table():
    """Return the table of all commands in Markdown."""
    lines = [row("command", "options", "what it does"), row(*["---"] * 3)]
    for path, command in commands():
        arguments = [p.metavar for p in command.params if p.param_type_name == "argument"]
        options = [f"`{p.opts[-1]}`" for p in command.params if p.param_type_name == "option"]
        usage = " ".join([path, *(text for text in arguments if text)])
        lines.append(row(f"`{usage}`", " ".join(options), command.help.replace("|", "\\|")))
    return "\n".join(lines)


def sources_table():
    """Return the table of all sources of telemetry in Markdown, from their docstrings."""
    lines = [row("source", "how", "reads", "emits", "platforms"), row(*["---"] * 5)]
    for file in sorted((ROOT / "collectors").rglob("*.py")):
        text = ast.get_docstring(ast.parse(file.read_text())) or ""
        told = dict(re.findall(r"^(\w+): +(.+(?:\n +.+)*)", text, re.M))
        if "Reads" in told:
            place = file.parent if file.stem == "__init__" else file
            link = f"[{place.stem}]({place.relative_to(ROOT / 'collectors')})"
            how = "collected" if place.stem in COLLECTORS else "asked"
            how = "pushed" if place.parent.name == "push" else how
            cells = [told.get(word, "all") for word in ("Reads", "Emits", "Platforms")]
            cells = [re.sub(r"\s+", " ", cell).replace("*", "\\*") for cell in cells]
            lines.append(row(link, how, *cells))
    return "\n".join(lines)


TABLES = {"settings": settings_table, "commands": commands_table, "sources": sources_table}


def written(text):
    """Return ``text`` with the tables that the code makes."""
    for name, make in TABLES.items():
        if BEGIN.format(name) not in text:
            continue
        before, begin, rest = text.partition(BEGIN.format(name))
        _, end, after = rest.partition(END.format(name))
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


@pytest.mark.parametrize("document", GENERATED, ids=str)
def test_the_tables_are_those_of_the_code(document, monkeypatch):
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    text = document.read_text()
    assert written(text) == text, "run 'make docs'"


def test_every_table_is_written_somewhere():
    texts = [document.read_text() for document in GENERATED]
    assert all(any(BEGIN.format(name) in text for text in texts) for name in TABLES)


def test_every_make_target_is_explained():
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony.split() == re.findall(r"^([a-z]+):.*## ", makefile, re.M)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_a_command_that_is_shown_exists(document):
    known = {" ".join(path.split()[:n]) for path, _ in commands() for n in (2, 3)}
    shown = re.findall(r"`(?:\.venv/bin/)?(aitia [a-z]+)((?: [a-z]+\b)?)", document.read_text())
    for command, below in shown:
        assert command in known
        assert f"{command}{below}" in known


if __name__ == "__main__":
    for document in GENERATED:
        document.write_text(written(document.read_text()))
