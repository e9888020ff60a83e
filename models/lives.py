"""The normal lives of a fleet's hosts, as they are learned once and read by every scan.

Hosts with the same signals are a group with one foreteller; of each host it is kept what is usual
for it. All of it is one file in the safetensors format, written in one move, so that a scan reads
the old one or the new one and never a part of either.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from diagnose.failure import Failure
from models.foretellers import FORETELLERS, Foreteller, foreteller_of
from models.normal_life import Array

STRETCH: Final = 7  # minutes that are judged together, as by the detector of a scan
FORMAT: Final = 1
HEADER: Final = "life"
KEPT: Final = ("middle", "width", "error", "calm")
WAY_OUT: Final = "learn it again with 'aitia train life', or delete the file: scans do without"

Told = tuple[str, str]  # what follows the host's name in an entity, and a signal of it


@dataclass(frozen=True, slots=True, eq=False)
class GroupLife:
    """Hosts with the same signals.

    Attributes:
        signals: What is judged.
        hosts: Their names.
        foreteller: Who foretells the signals of each.
        middle: Median of each signal, of shape (hosts, signals); NaN where it was never seen.
        width: Its robust standard deviation, likewise.
        error: How wrong the foreteller usually is, likewise.
        calm: As ``NormalLife.calm`` gives it, a row a host, NaN at the end of shorter ones.
        card: Of whom it was learned and how well that foretells, in a sentence.
    """

    signals: tuple[Told, ...]
    hosts: tuple[str, ...]
    foreteller: Foreteller
    middle: Array
    width: Array
    error: Array
    calm: Array
    card: str = ""

    def check(self) -> None:
        """Refuse what cannot belong together.

        Raises:
            ValueError: it does not, and why.
        """
        shape = (len(self.hosts), len(self.signals))
        for name in ("middle", "width", "error"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is not of {shape[0]} hosts and {shape[1]} signals")
        if not (self.width[np.isfinite(self.middle)] > 0).all() or not (self.error > 0).all():
            raise ValueError("a width or an error is not above 0")
        if len(self.calm) != shape[0] or not np.isfinite(self.calm).any(axis=1).all():
            raise ValueError("calm is not of all hosts")


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """The normal lives of a fleet.

    Attributes:
        groups: Of hosts with the same signals.
        digest: Of the file that they were read from; empty where that is none.
        rows: Of each host, the number of its group and its place there.
        columns: Of each group, the place of each signal.
    """

    groups: tuple[GroupLife, ...]
    digest: str = ""
    rows: Mapping[str, tuple[int, int]] = field(init=False)
    columns: Sequence[Mapping[Told, int]] = field(init=False)

    def __post_init__(self) -> None:
        """Index what is looked up once a series."""
        rows = {
            host: (number, place)
            for number, group in enumerate(self.groups)
            for place, host in enumerate(group.hosts)
        }
        columns = [{told: i for i, told in enumerate(group.signals)} for group in self.groups]
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "columns", columns)


def write_lives(groups: Sequence[GroupLife], file: Path) -> None:
    """Write the lives of a fleet in one move.

    Args:
        groups: Of hosts with the same signals.
        file: Its folder is made where it does not exist.
    """
    arrays: dict[str, Any] = {}
    told = []
    for number, group in enumerate(groups):
        arrays |= {f"{number}.{name}": getattr(group, name) for name in KEPT}
        learned = group.foreteller.arrays()
        arrays |= {f"{number}.foretells.{name}": array for name, array in learned.items()}
        (kind,) = (n for n, cls in FORETELLERS.items() if isinstance(group.foreteller, cls))
        told.append(
            {
                "signals": group.signals,
                "hosts": group.hosts,
                "foreteller": kind,
                "card": group.card,
            }
        )
    header = json.dumps({"format": FORMAT, "groups": told})
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(save(whole, {HEADER: header}))
    draft.replace(file)


def read_lives(file: Path) -> Lives:
    """Return the lives that ``write_lives`` wrote.

    Raises:
        Failure: the file cannot be read, is damaged, or of another version.
    """
    try:
        content = file.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][HEADER])
        if header["format"] != FORMAT:
            raise Failure(f"the learned life in {file} is of another version", WAY_OUT)
        groups = tuple(_groups(header["groups"], load(content)))
    except OSError as error:
        raise Failure(f"no learned life in {file}: {error.strerror}", WAY_OUT) from error
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise Failure(f"the learned life in {file} is damaged: {error!r}", WAY_OUT) from error
    return Lives(groups, hashlib.sha256(content).hexdigest()[:16])


def _groups(told: Sequence[Any], arrays: Mapping[str, Any]) -> Iterator[GroupLife]:
    for number, one in enumerate(told):
        begin = f"{number}.foretells."
        learned = {n.removeprefix(begin): array for n, array in arrays.items() if begin in n}
        signals = tuple((str(part), str(signal)) for part, signal in one["signals"])
        foreteller = foreteller_of(one["foreteller"], learned, len(signals))
        kept = {name: arrays[f"{number}.{name}"].astype(np.float64) for name in KEPT}
        hosts, card = tuple(map(str, one["hosts"])), str(one["card"])
        group = GroupLife(signals, hosts, foreteller, **kept, card=card)
        group.check()
        yield group
