"""Families of evidence: what a signal that moved says of where a fault lies.

Latency and demand move wherever a fault is felt, and so do lines that complain of others; a starved
resource, an error or a line of log that is written no more lie nearer to it. So the families vote
apart, and each has its own weight.
"""

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
BELOW: Final = ("environment", "hardware", "os")


def family_of(signal: Signal) -> Family:
    """Return the family of ``signal``, by its source and its kind, never by its name.

    Example:
        >>> from diagnose.schema import Kind, Node
        >>> family_of(Signal(Node("db1", "cpu"), Kind("cpu utilization", tier="os")))
        'resource'
    """
    kind = signal.kind
    if signal.source == "absence":
        return "absence"
    if signal.source in ("template", "change"):
        calm = kind.name.startswith("info")
        return "complaint" if kind.name.endswith(COMPLAINTS) and not calm else "log"
    if kind.load:
        return "demand"
    if _is_latency(kind):
        return "latency"
    if any(word in kind.name for word in WRONG):
        return "error"
    return "resource" if kind.tier in BELOW else "other"


def _is_latency(kind: Kind) -> bool:
    """Return whether somebody waits; time that a processor spends is no latency."""
    return bool(SLOW & set(kind.name.split())) or (kind.name.endswith(" time") and kind.unit == "s")


def ballot_of(signal: Signal) -> str:
    """Return with which signals ``signal`` is compared: those of its kind, or all of the log's."""
    family = family_of(signal)
    return family if family in ("log", "complaint", "absence") else signal.kind.name
