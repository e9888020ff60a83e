"""What would be needed to do a training run again, and how it went."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

FILE: Final = "run.json"
PACKAGES: Final = ("aitia", "numpy", "safetensors", "torch")


def write_card(folder: Path, facts: Mapping[str, Any], device: str = "cpu") -> dict[str, Any]:
    """Write a run card into ``folder`` and return it.

    Args:
        folder: Made where it does not exist.
        facts: What is peculiar to the run, JSON values; versions, machine and date are added.
        device: Where it ran.
    """
    card = {
        **facts,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "device": f"{device}, {platform.machine()}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def read_card(folder: Path) -> dict[str, Any]:
    """Return the run card in ``folder``."""
    card: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return card
