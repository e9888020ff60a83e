"""The catalogue of runbooks: what ships with Aitia, and over it a folder of the site's own.

A file is Markdown with YAML front matter. One that is broken is left out and told, with its line:
the answer at night must not depend on yesterday's edit of a runbook.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from diagnose.failure import Failure
from diagnose.guidance.runbook import Runbook

SHIPPED: Final = Path(__file__).parents[1] / "runbooks"
FENCE: Final = "---"
FORM: Final = "compare it with one that 'aitia runbooks show' prints"
Files = Mapping[str, tuple[Runbook, Path]]  # by identifier
Place = tuple[str | int, ...]  # of a value in the front matter, outermost first


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Runbooks by identifier.

    Attributes:
        runbooks: The site's own over the shipped ones, in order of their identifiers.
        files: Where each was read.
        own: Identifiers of the site's own.
        problems: What was left out, and where the mistake is.
    """

    runbooks: Mapping[str, Runbook]
    files: Mapping[str, Path] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    problems: tuple[Failure, ...] = ()


@lru_cache(maxsize=8)
def catalogue(folder: Path | None = None) -> Catalogue:
    """Return all runbooks; they are read once in a process.

    Args:
        folder: The site's own; None where it has none.
    """
    shipped, wrong = read_folder(SHIPPED)
    own, more = read_folder(folder) if folder else ({}, ())
    files = {**shipped, **own}
    ordered = {name: files[name] for name in sorted(files)}
    return Catalogue(
        {name: runbook for name, (runbook, _) in ordered.items()},
        {name: file for name, (_, file) in ordered.items()},
        frozenset(own),
        (*wrong, *more),
    )


def read_folder(folder: Path) -> tuple[Files, tuple[Failure, ...]]:
    """Return the runbooks in and below ``folder``, and what is wrong with others."""
    if not folder.is_dir():
        return {}, (Failure(f"{folder} is no folder", "set guidance.runbooks to one"),)
    found: dict[str, tuple[Runbook, Path]] = {}
    problems = []
    for file in sorted(folder.rglob("*.md")):
        if file.stem == "README":
            continue
        try:
            runbook = read_runbook(file)
        except Failure as failure:
            problems.append(failure)
            continue
        if runbook.id in found:
            other = found[runbook.id][1]
            problems.append(Failure(f"{file}: id {runbook.id} is that of {other} too", "keep one"))
            continue
        found[runbook.id] = runbook, file
    return found, tuple(problems)


def read_runbook(file: Path) -> Runbook:
    """Return the runbook in ``file``.

    Raises:
        Failure: it cannot be read, or is none; it names the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is no text in UTF-8", FORM) from error
    first, _, rest = text.partition("\n")
    front, end, background = rest.partition(f"\n{FENCE}\n")
    if first.rstrip() != FENCE or not end:
        raise Failure(f"{file}, line 1: no front matter between two lines '{FENCE}'", FORM)
    tree, node = _parsed(file, front)
    try:
        runbook = Runbook.model_validate({**tree, "background": background.strip()})
    except ValidationError as error:
        told = error.errors(include_url=False)
        # What stands deepest is what was mistyped; the levels above only repeat that it is wrong.
        worst = max(told, key=lambda one: len(one["loc"]))
        place = tuple(part for part in worst["loc"] if not str(part).startswith("function-"))
        where = ".".join(str(part) for part in place)
        said = worst["msg"].removeprefix("Value error, ")
        raise Failure(f"{file}, line {_line(node, place)}: {where}: {said}", FORM) from error
    if runbook.id != file.stem:
        line = _line(node, ("id",))
        raise Failure(f"{file}, line {line}: id {runbook.id} is not the file's name", FORM)
    return runbook


def _parsed(file: Path, front: str) -> tuple[dict[str, object], yaml.Node]:
    """Return the front matter as a tree, and as nodes that know their lines.

    Raises:
        Failure: it is no YAML, no mapping, or says a key twice.
    """
    loader = yaml.CSafeLoader(front)
    try:
        node = loader.get_single_node()
        tree = _tree(node, file) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 2 if mark else 1
        raise Failure(f"{file}, line {line}: no YAML: {error.problem}", FORM) from error
    except yaml.YAMLError as error:
        raise Failure(f"{file} is no YAML: {' '.join(str(error).split())}", FORM) from error
    except RecursionError as error:
        raise Failure(f"{file}: the front matter holds itself", FORM) from error
    finally:
        loader.dispose()
    if node is None or not isinstance(tree, dict):
        raise Failure(f"{file}, line 2: the front matter is no mapping", FORM)
    if "background" in tree:
        raise Failure(f"{file}: background is the text below the front matter", FORM)
    return tree, node


def _tree(node: yaml.Node, file: Path) -> object:
    """Return what a node holds: every value is text, so that "no" and 429 stay what was written.

    Raises:
        Failure: a mapping says a key twice.
    """
    if isinstance(node, yaml.SequenceNode):
        return [_tree(item, file) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value)
    tree: dict[str, object] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in tree:
            line = key.start_mark.line + 2
            raise Failure(f"{file}, line {line}: {name} is said twice", "keep one")
        tree[name] = _tree(value, file)
    return tree


def _line(node: yaml.Node, place: Place) -> int:
    """Return the line of a value, or of the nearest thing around it; the fence is line 1."""
    line = node.start_mark.line
    for part in place:
        below = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, below = key.start_mark.line, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            below = node.value[part] if part < len(node.value) else None
            line = below.start_mark.line if below else line
        if below is None:
            break
        node = below
    return line + 2
