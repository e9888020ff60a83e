"""A fitted disk model on disk: trees in LightGBM's text format, all else in JSON; no pickle."""

import json
import os
from pathlib import Path
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from diagnose.failure import Failure
from models.disks.features import names
from models.disks.survival import INTERVALS, DiskSurvival

SHIPPED: Final = Path(__file__).parent / "weights"
TREES: Final = "hazards.txt"
CARD: Final = "card.json"
FORMAT: Final = 1


def save(model: DiskSurvival, card: dict[str, Any], folder: Path) -> None:
    """Write a model and its card into ``folder``; the card comes last and makes it whole.

    Args:
        model: What was fitted.
        card: How, on what, and how well; JSON values.
        folder: Made where it does not exist; an older model in it is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fitted = {
        "format": FORMAT,
        "features": list(names()),
        "trees": _write(folder / TREES, model.trees.model_to_string()),
        "rates": dict(model.rates),
        "unknown": model.unknown,
        "bend": model.bend.tolist(),
        "base": model.base.tolist(),
    }
    _write(folder / CARD, json.dumps({"card": card, "fitted": fitted}, indent=1) + "\n")


def load(folder: Path = SHIPPED) -> tuple[DiskSurvival, dict[str, Any]]:
    """Return a model and its card.

    Args:
        folder: Where ``save`` wrote them.

    Raises:
        Failure: there is none, it is damaged, or its features are not those of this version.
    """
    way_out = "train it again with 'aitia train predictor'"
    try:
        read = json.loads((folder / CARD).read_text(encoding="utf-8"))
        text = (folder / TREES).read_text(encoding="utf-8")
        card, fitted = read["card"], read["fitted"]
        known = (fitted["format"], fitted["features"])
        bend, base = np.array(fitted["bend"], float), np.array(fitted["base"], float)
        rates, unknown, size = fitted["rates"], float(fitted["unknown"]), fitted["trees"]
    except OSError as error:
        raise Failure(f"no disk model in {folder}: {error.strerror}", way_out) from error
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"the disk model in {folder} is damaged: {error!r}", way_out) from error
    if known != (FORMAT, list(names())):
        raise Failure(f"the disk model in {folder} is of another version", way_out)
    if size != len(text) or bend.shape != (INTERVALS, 2) or base.shape != (INTERVALS,):
        raise Failure(f"{folder / TREES} and {CARD} do not belong together", way_out)
    return DiskSurvival(lgb.Booster(model_str=text), rates, unknown, bend, base), card


def _write(path: Path, text: str) -> int:
    """Write ``text`` in one move, and return its length."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return len(text)
