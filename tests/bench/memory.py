"""How much memory each role of a diagnosis needs at its peak, as Linux accounts for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from diagnose.pipeline import Roles

RESET: Final = Path("/proc/self/clear_refs")  # "5" forgets the peak
STATUS: Final = Path("/proc/self/status")


def watched(roles: Roles, peaks: dict[str, float]) -> Roles:
    """Return ``roles`` that do the same, and add to ``peaks`` how many MiB each takes at most.

    What was held when a role began is not counted. Nothing is added where the kernel does not
    tell.
    """
    if not RESET.exists():
        return roles
    named = {field.name: getattr(roles, field.name) for field in fields(roles)}
    others: dict[str, Any] = {
        name: Watched(role, name, peaks) for name, role in named.items() if role is not None
    }
    return replace(roles, **others)


class Watched:
    """A role, be it a function or an object with one method, whose memory is watched."""

    def __init__(self, role: Any, name: str, peaks: dict[str, float]) -> None:
        self._role, self._name, self._peaks = role, name, peaks

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what the function returns."""
        with _peak(self._name, self._peaks):
            return self._role(*given, **named)

    def __getattr__(self, name: str) -> Any:
        """Return the method, watched; what is no method as it is."""
        found = getattr(self._role, name)
        return Watched(found, self._name, self._peaks) if callable(found) else found


@contextmanager
def _peak(name: str, peaks: dict[str, float]) -> Iterator[None]:
    """Note how many MiB the block takes at most beyond what is held already."""
    RESET.write_text("5")
    before = _mebibytes("VmRSS")
    yield
    peaks[name] = max(peaks.get(name, 0.0), _mebibytes("VmHWM") - before, 0.0)


def _mebibytes(field: str) -> float:
    """Return a field of the process's status, e.g. ``VmRSS:  123456 kB``."""
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"{STATUS} has no {field}")
