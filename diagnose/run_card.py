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


def write_card(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write a run card into ``folder`` and return it.

    Args:
        folder: Made where it does not exist.
        facts: What is peculiar to the run, JSON values; versions, device and date are added.
    """
    card = {
        **facts,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "device": f"cpu, {platform.machine()}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card
