"""Signals, values and goals as people write them: "web/cpu.utilization=0.4", "web/p95<=0.2".

A name is the entity, a slash and the signal, as every table prints them. Either may hold slashes
and equal signs itself, so a name is looked up among those that exist and never taken apart.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Final

from diagnose.failure import Failure
from diagnose.schema import Goal, Node, Setting
from diagnose.wording import printable

CLOSE: Final = 3  # names that are offered
BOUND: Final = re.compile(r"(?P<name>.+?)\s*(?P<way><=|>=)\s*(?P<value>[^<>=]+)", re.DOTALL)
SETTING: Final = "write ENTITY/SIGNAL=VALUE, for example web/cpu.utilization=0.4"
GOAL: Final = "write ENTITY/SIGNAL<=VALUE or >=VALUE, in quotes, for example 'web/p95<=0.2'"


def named(text: str, nodes: Iterable[Node]) -> Node:
    """Return the node that ``text`` names.

    Args:
        text: "entity/signal", or as tables show it, "entity · signal".
        nodes: Those there are.

    Raises:
        Failure: there is none of this name; it tells the nearest ones.

    Example:
        >>> named("web/cpu", [Node("web", "cpu")])
        Node(entity='web', signal='cpu')
    """
    known = {f"{node.entity}/{node.signal}": node for node in nodes}
    wanted = text.strip().replace(" · ", "/")
    if wanted in known:
        return known[wanted]
    below = [name for name in known if name.endswith(f"/{wanted}")]
    close = below or get_close_matches(wanted, known, CLOSE, cutoff=0.5)
    offered = " or ".join(printable(name) for name in close[:CLOSE])
    way_out = f"did you mean {offered}?" if offered else "'-o json' of aitia explain names them all"
    raise Failure(f"no signal {printable(text.strip())} in this incident", way_out)


def setting_of(text: str, nodes: Iterable[Node], units: Mapping[Node, str]) -> Setting:
    """Return what would be held where.

    Raises:
        Failure: ``text`` says it otherwise, or names no signal.

    Example:
        >>> setting_of("web/cpu=0.4", [Node("web", "cpu")], {}).value
        0.4
    """
    name, sign, value = text.rpartition("=")
    if not sign:
        raise Failure(f"{printable(text)} names no value", SETTING)
    number = _number(value, SETTING)
    node = named(name, nodes)
    return Setting(node, number, units.get(node, ""))


def goal_of(text: str, nodes: Iterable[Node], units: Mapping[Node, str]) -> Goal:
    """Return what a signal should show.

    Raises:
        Failure: ``text`` says it otherwise, or names no signal.

    Example:
        >>> goal_of("web/p95<=0.2", [Node("web", "p95")], {}).at_most
        True
    """
    said = BOUND.fullmatch(text.strip())
    if said is None:
        raise Failure(f"{printable(text)} is no goal", GOAL)
    number = _number(said["value"], GOAL)
    node = named(said["name"], nodes)
    return Goal(node, number, said["way"] == "<=", units.get(node, ""))


def _number(text: str, form: str) -> float:
    """Return a finite number, in the signal's unit."""
    try:
        number = float(text)
    except ValueError as error:
        raise Failure(f"{printable(text.strip())} is no number", form) from error
    if not isfinite(number):
        raise Failure(f"{printable(text.strip())} is no finite number", form)
    return number
