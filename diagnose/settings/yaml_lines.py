"""A YAML file as a tree that remembers its lines, so that an error can name them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from diagnose.failure import Failure

# The path of a key or of an item of a list, outermost first, and its line, from 1.
Lines = Mapping[tuple[str, ...], int]


def read_yaml(file: Path) -> tuple[dict[str, Any], Lines]:
    """Return what ``file`` says, and where.

    Raises:
        Failure: it cannot be read, is no YAML, is no mapping, or says a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}", "give a YAML file") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is no text in UTF-8", "give a YAML file") from error
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        tree = loader.construct_document(node) if node else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date may be no date
        raise Failure(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise Failure(f"{file} is no mapping of settings", "write 'key: value' lines")
    for key in tree:
        if not isinstance(key, str):  # null, a number, a date: its line is known by what is written
            raise Failure(f"{file}: the key {key!s:.80} is no word", "write 'key: value' lines")
    lines: dict[tuple[str, ...], int] = {}
    for path, line in _keys(node):
        if path in lines:
            raise Failure(f"{file}, line {line}: {'.'.join(path)} stands on line {lines[path]} too")
        lines[path] = line
    return {str(key): value for key, value in tree.items()}, lines


def _keys(
    node: yaml.Node | None, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path and line of every key and item below ``node``."""
    # Settings are a few levels deep; a mapping that contains itself has no bottom.
    if len(above) >= 4:
        return
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield (*above, str(place)), item.start_mark.line + 1
            yield from _keys(item, (*above, str(place)))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*above, str(key.value))
            yield path, key.start_mark.line + 1
            yield from _keys(value, path)
