"""WHAT HAPPENED: one file a source of telemetry; the file's name is the collector's name.

A collector is any class with ``collect``. Its constructor takes ``host`` (the entity under which
this machine's telemetry is filed) and what touches the outside, with a default; or, where settings
decide what it reads, the class makes its own instances: see ``Configured``.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

    from diagnose.config import Settings

# Name and place of every collector; a module is imported when its collector is loaded.
COLLECTORS: Final[Mapping[str, str]] = {
    "changes": "collectors.changes:Changes",
    "edac": "collectors.edac:Edac",
    "files": "collectors.files:Files",
    "filesystems": "collectors.filesystems:Filesystems",
    "hwmon": "collectors.hwmon:Hwmon",
    "ipmi": "collectors.ipmi:Ipmi",
    "journald": "collectors.journald:Journald",
    "kmsg": "collectors.kmsg:Kmsg",
    "nvml": "collectors.nvml:Nvml",
    "procfs": "collectors.procfs:Procfs",
    "redfish": "collectors.redfish:Redfish",
    "replay": "collectors.replay:Replay",
    "smart": "collectors.smart:Smart",
}


class NotApplicable(Exception):  # noqa: N818 - it is no error
    """The source does not exist on this machine, or is not asked for: normal, and said why.

    Example:
        >>> str(NotApplicable("no NVIDIA driver"))
        'no NVIDIA driver'
    """


class Collector(Protocol):
    """Anything with a ``collect`` method."""

    def collect(self, since: datetime) -> "Iterator[pl.DataFrame]":
        """Yield what the source has shown after ``since``, oldest first.

        Each frame has schema READINGS, LOGS or EDGES and is bounded in size, so that memory is
        too. A source without a past ignores ``since`` and yields the present. Numbers are in base
        units (seconds, bytes, ratios of 1); a counter is yielded as it counts, not as a rate.

        Raises:
            NotApplicable: the source does not exist here, before any frame.
            OSError: the source cannot be read.
            ValueError: the source breaks its own format.

        Never swallow any: the runner counts them, and a silent source must not look healthy.
        """
        ...


@runtime_checkable
class Resumable(Collector, Protocol):
    """A collector that knows where it stopped better than a clock does.

    Attributes:
        cursor: Up to where the source was read, all frames yielded so far included; "" for
            "nowhere yet", when ``since`` decides. Whoever runs the collector keeps it once those
            frames are safe, and sets it on a new instance to go on from there, without a loss and
            without a repetition.
    """

    cursor: str


@runtime_checkable
class Paced(Collector, Protocol):
    """A collector whose source is dear to read or changes slowly.

    Attributes:
        every_seconds: It is not run again before so much time has passed.
    """

    every_seconds: float


@runtime_checkable
class Partial(Collector, Protocol):
    """A collector whose source may lack parts without being out of order.

    Attributes:
        skipped: What the last run did not read, and why, an entry each.
    """

    skipped: tuple[str, ...]


@runtime_checkable
class Configured(Protocol):
    """A collector class whose instances the settings decide: addresses, paths, secrets."""

    @classmethod
    def configured(cls, settings: "Settings") -> Mapping[str, Collector]:
        """Return one instance a target, by the target's name; none where none is set."""
        ...


def load(name: str, settings: "Settings") -> Mapping[str, Collector]:
    """Return the instances of the collector ``name`` that ``settings`` ask for.

    Args:
        name: One of ``COLLECTORS``.
        settings: All of them.

    Returns:
        The instances by the name under which they are reported: the collector's own, followed by
        the target where the settings name targets. Empty where they name none.
    """
    module, _, class_name = COLLECTORS[name].partition(":")
    made = getattr(import_module(module), class_name)
    if not isinstance(made, Configured):
        collector: Collector = made(host=settings.collect.entity)
        return {name: collector}
    instances = made.configured(settings)
    return {f"{name} {target}".strip(): one for target, one in instances.items()}
