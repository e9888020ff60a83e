"""What training adds to a language model: low-rank changes of its matrices, kept beside a card.

An adapter is a folder: the changes (safetensors), their shape
(``adapter_config.json`` as PEFT writes it, so that other programs can read them), and
``adapter.json``, which says what they were trained on and how their answers are to be read. They
are added to the weights when the model is loaded; a forward pass then costs what it cost before.

Reference: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

import json
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from diagnose.schema import Failure

if TYPE_CHECKING:
    import torch

SHIPPED: Final = Path(__file__).with_name("causal_lm") / "adapter"
WEIGHTS: Final = "adapter_model.safetensors"
SHAPE: Final = "adapter_config.json"
CARD: Final = "adapter.json"
HEAD: Final = "head.safetensors"
WAY_OUT: Final = "train it again with 'aitia train lm', or set model.adapter: none"
_PREFIX: Final = "base_model.model."  # PEFT's, before the model's own names


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on this disk.

    Attributes:
        folder: Holds its three files.
        identity: Changes exactly when its files do.
        base: Identity of the model that it was trained on, from ``models.weights``.
        wording: Version of the questions that it was trained to answer.
        temperature: What its log-probabilities are divided by to be calibrated.
        depth: Layers that are read where it has a head that weighs pairs; None where whole
            questions are put to the model.
        learned: Names of the kinds that it was taught about, where it has a head.
        unlearned_temperature: The temperature for pairs with any other kind: it is less sure there
            than it seems.
        unlearned_none: What is added to the logit of "neither" for such pairs before that: what it
            has not learned of, it takes for unrelated too often.
    """

    folder: Path
    identity: str
    base: str
    wording: str
    temperature: float
    depth: int | None = None
    learned: frozenset[str] = frozenset()
    unlearned_temperature: float = 1.0
    unlearned_none: float = 0.0


def read_adapter(folder: Path) -> Adapter:
    """Return the adapter in ``folder``.

    Raises:
        Failure: a file is missing, or the card is none.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        digest = sha256()
        for name in (WEIGHTS, SHAPE, CARD, *((HEAD,) if card.get("depth") else ())):
            with (folder / name).open("rb") as content:
                digest.update(file_digest(content, "sha256").digest())
        return Adapter(
            folder,
            digest.hexdigest(),
            str(card["base"]),
            str(card["wording"]),
            float(card["temperature"]),
            card.get("depth"),
            frozenset(card.get("learned", ())),
            float(card.get("unlearned_temperature", card["temperature"])),
            float(card.get("unlearned_none", 0.0)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"no adapter in {folder}: {error!r}", WAY_OUT) from error


def merge(model: "torch.nn.Module", adapter: Adapter) -> None:
    """Add an adapter's changes to the matrices of ``model``, in place.

    Args:
        model: The model that the adapter was trained on, on any device, in any precision.
        adapter: What to add.

    Raises:
        Failure: the adapter is damaged, or of another model.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    parameters = dict(model.named_parameters())
    try:
        shape: dict[str, Any] = json.loads((adapter.folder / SHAPE).read_text(encoding="utf-8"))
        scale = shape["lora_alpha"] / shape["r"]
        changes = load_file(adapter.folder / WEIGHTS)
        with torch.no_grad():
            for name, down in changes.items():
                if not name.endswith(".lora_A.weight"):
                    continue
                stem = name.removesuffix(".lora_A.weight")
                matrix = parameters[f"{stem.removeprefix(_PREFIX)}.weight"]
                up = changes[f"{stem}.lora_B.weight"]
                change = scale * (up.float() @ down.float()).to(matrix.device)
                matrix.copy_(matrix.float() + change)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise Failure(
            f"the adapter in {adapter.folder} does not fit: {error!r}", WAY_OUT
        ) from error
