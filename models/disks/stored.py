"""A fitted disk model on disk: trees in LightGBM's text format, an encoder in safetensors, if any.

All else is JSON; nothing is pickled.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from diagnose.failure import Failure
from models.disks.features import names
from models.disks.forests import RECIPES, Forests
from models.disks.survival import INTERVALS, DiskSurvival

if TYPE_CHECKING:
    from models.disks.sequences import DiskEncoder

SHIPPED: Final = Path(__file__).parent / "weights"
TREES: Final = "hazards-{}.txt"  # one file a recipe
CARD: Final = "card.json"
ENCODER: Final = "encoder.safetensors"
FORMAT: Final = 2


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
        "trees": {
            name: _write(folder / TREES.format(name), text)
            for name, text in model.trees.texts().items()
        },
        "rates": {name: rate.tolist() for name, rate in model.rates.items()},
        "unknown": model.unknown.tolist(),
        "bend": model.bend.tolist(),
        "base": model.base.tolist(),
        "encoder": model.encoder is not None,
    }
    if model.encoder is not None:
        _write(folder / ENCODER, model.encoder.weights())
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
        texts = {
            recipe.name: (folder / TREES.format(recipe.name)).read_text(encoding="utf-8")
            for recipe in RECIPES
        }
        card, fitted = read["card"], read["fitted"]
        known = (fitted["format"], fitted["features"])
        bend, base = np.array(fitted["bend"], float), np.array(fitted["base"], float)
        rates = {name: np.array(rate, float) for name, rate in fitted["rates"].items()}
        encoder = _encoder(folder) if fitted.get("encoder") else None
        unknown, sizes = np.array(fitted["unknown"], float), fitted["trees"]
    except OSError as error:
        raise Failure(f"no disk model in {folder}: {error.strerror}", way_out) from error
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"the disk model in {folder} is damaged: {error!r}", way_out) from error
    if known != (FORMAT, list(names())):
        raise Failure(f"the disk model in {folder} is of another version", way_out)
    whole = sizes == {name: len(text) for name, text in texts.items()}
    if not whole or bend.shape != (INTERVALS, 2) or base.shape != (INTERVALS,):
        raise Failure(f"the trees in {folder} and {CARD} do not belong together", way_out)
    trees = Forests.read(tuple(texts.values()))
    return DiskSurvival(trees, rates, unknown, bend, base, encoder), card


def told(card: Mapping[str, Any]) -> str:
    """Return a model's card in a sentence: on what it was fitted, and how well it foretells.

    Args:
        card: As ``load`` gives it.
    """
    scores = card["by_disk"]["scores"]
    week, month = (
        scores[name]["model"]["average_precision"]["value"] for name in ("p_7d", "p_30d")
    )
    first, last = card["seen"]
    return (
        f"Boosted trees, fitted {card['made_at'][:10]} on {card['disks']:,} disks of which "
        f"{card['failures']:,} failed, seen {first} to {last}; on disks kept apart, average "
        f"precision {week:.2g} within 7 days and {month:.2g} within 30."
    )


def _encoder(folder: Path) -> "DiskEncoder":
    from models.disks.sequences import DiskEncoder  # loads torch, which few models need

    return DiskEncoder.read((folder / ENCODER).read_bytes())


def _write(path: Path, content: str | bytes) -> int:
    """Write ``content`` in one move, and return its length."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
    return len(content)
