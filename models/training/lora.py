"""A language model whose matrices stay as they are, beside small ones that learn.

Where whole questions are put, only the upper layers get an adapter: the lower ones, which read
words, need no gradient then, and a step costs half. Where kinds are read, only the lower layers are
kept at all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.adapters import CARD, SHAPE, WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter

MATRICES: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
INNER: Final = ".default"  # PEFT's name of an adapter that has none, left out of its files


@dataclass(frozen=True, slots=True)
class AdapterShape:
    """How much may change.

    Attributes:
        rank: Of each change.
        first_layer: The lowest layer that changes, counted from 0 at the words.
        depth: Layers that are kept; None for all.
    """

    rank: int = 16
    first_layer: int = 15
    depth: int | None = None


class AdaptedModel:
    """A model with an adapter that can be trained.

    Args:
        folder: Holds configuration, tokenizer and safetensors, as ``models.weights`` gives it.
        shape: How much may change.
        device: Where it runs.
        precision: Of the arithmetic; masters of what learns are float32 in any case.

    Attributes:
        model: The whole, whose output layer is ``head``.
        tokenizer: Its own.
        parameters: What learns, by PEFT's names without the adapter's.
    """

    def __init__(
        self,
        folder: Path,
        shape: AdapterShape,
        device: str = "cpu",
        precision: str = "bfloat16",
        seed: int = 0,
    ) -> None:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.manual_seed(seed)
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, precision), use_safetensors=True, **local
        )
        base = loaded.to(device)
        base.model.layers = base.model.layers[: shape.depth]
        layers = list(range(shape.first_layer, len(base.model.layers)))
        self.config = LoraConfig(
            r=shape.rank,
            lora_alpha=2 * shape.rank,
            target_modules=list(MATRICES),
            layers_to_transform=layers,
            task_type="CAUSAL_LM",
        )
        self.model: Any = get_peft_model(base, self.config, autocast_adapter_dtype=False)
        self.device = torch.device(device)

    @property
    def body(self) -> "Module":
        """All but the output layer: tokens in, one vector a token out."""
        inner: Module = self.model.base_model.model.model
        return inner

    @property
    def head(self) -> "Parameter":
        """Vocabulary by width: a vector's product with a row is that word's logit."""
        weight: Parameter = self.model.base_model.model.lm_head.weight
        return weight

    @property
    def parameters(self) -> dict[str, "Parameter"]:
        """What learns, by name."""
        return {
            name.replace(INNER, ""): each
            for name, each in self.model.named_parameters()
            if each.requires_grad
        }

    def learning(self, on: bool) -> None:
        """Switch what only belongs to learning on or off."""
        self.model.train(on)

    def load(self, weights: Mapping[str, "Tensor"]) -> None:
        """Take over trained values.

        Args:
            weights: A value for each of ``parameters``.

        Raises:
            ValueError: the names or shapes are another adapter's.
        """
        import torch

        mine = self.parameters
        if mine.keys() != weights.keys():
            raise ValueError("the adapter has another shape")
        with torch.no_grad():
            for name, value in weights.items():
                mine[name].copy_(value)

    def begin_with(self, folder: Path) -> None:
        """Take over an adapter from ``folder``."""
        from safetensors.torch import load_file

        self.load(load_file(folder / WEIGHTS))

    def save(self, folder: Path, card: Mapping[str, Any]) -> None:
        """Write the adapter as ``models.adapters`` reads it, weights in bfloat16.

        Args:
            folder: Made when it is not there.
            card: With base, wording and temperature.
        """
        import torch
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        small = {
            name: value.detach().to("cpu", torch.bfloat16).contiguous()
            for name, value in self.parameters.items()
        }
        save_file(small, folder / WEIGHTS, metadata={"format": "pt"})
        shape = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": self.config.r,
            "lora_alpha": self.config.lora_alpha,
            "target_modules": list(MATRICES),
            "layers_to_transform": self.config.layers_to_transform,
            "bias": "none",
        }
        (folder / SHAPE).write_text(json.dumps(shape, indent=1) + "\n", encoding="utf-8")
        (folder / CARD).write_text(json.dumps(dict(card), indent=1) + "\n", encoding="utf-8")
