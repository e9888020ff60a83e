"""Families of evidence: what a signal that moved says of where a fault lies.

Latency and demand move wherever a fault is felt, and so do lines that complain of others; a starved
resource, an error or a line of log that is written no more lie nearer to it. So the families vote
apart, and each has its own weight. What the parts of a machine leave on it says how much they do,
and not that the machine is at fault.
"""

from collections.abc import Collection
from typing import Final, Literal

from diagnose.schema import Kind, Signal

Family = Literal["resource", "latency", "error", "demand", "log", "complaint", "absence", "other"]

FAMILIES: Final[tuple[Family, ...]] = (
    "resource",
    "latency",
    "error",
    "demand",
    "log",
    "complaint",
    "absence",
    "other",
)
SLOW: Final = {"latency", "duration", "timeouts"}
WRONG: Final = ("error", "fail", "success", "availability", "fault")
# Lines of log that say of others that they do not answer.
COMPLAINTS: Final = ("timeout", "connection", "circuit breaker")
# Lines of log that say of their writer that it has used up what it may.
EXHAUSTED: Final = "resource limit"
# What the parts of a machine leave on it by working: it rises and falls with what they do, and acts
# on none of them.
FOOTPRINTS: Final = {
    *("open tcp connections", "new tcp connections", "context switches", "interrupts"),
    *("network receive rate", "network transmit rate"),
}
BELOW: Final = ("environment", "hardware", "os")


def family_of(signal: Signal, shared: Collection[str] = ()) -> Family:
    """Return the family of ``signal``, by its source and its kind, never by its name.

    Args:
        signal: A signal.
        shared: Entities that several others are parts of.

    Example:
        >>> from diagnose.schema import Kind, Node
        >>> family_of(Signal(Node("db1", "cpu"), Kind("cpu utilization", tier="os")))
        'resource'
    """
    kind = signal.kind
    if signal.source == "absence":
        return "absence"
    if signal.source in ("template", "change"):
        if kind.name.startswith("info"):
            return "log"
        if kind.name.endswith(EXHAUSTED):
            return "resource"
        return "complaint" if kind.name.endswith(COMPLAINTS) else "log"
    if kind.load or (signal.node.entity in shared and kind.name in FOOTPRINTS):
        return "demand"
    if _is_latency(kind):
        return "latency"
    if any(word in kind.name for word in WRONG):
        return "error"
    return "resource" if kind.tier in BELOW else "other"


def _is_latency(kind: Kind) -> bool:
    """Return whether somebody waits; time that a processor spends is no latency."""
    return bool(SLOW & set(kind.name.split())) or (kind.name.endswith(" time") and kind.unit == "s")


def ballot_of(signal: Signal, family: Family) -> str:
    """Return with which signals ``signal`` is compared: those of its kind, or all of the log's."""
    if family in ("log", "complaint", "absence"):
        return family
    return f"{signal.kind.name} {family}"
