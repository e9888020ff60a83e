"""Stages "head" and "kinds": learn to weigh all pairs of a site's kinds at once.

The head alone learns first, from vectors that are made once and kept; then the layers below learn
with it. Begun together, both are slower by far: the layers follow a head that knows nothing yet.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.adapters import HEAD
from models.causal_lm.encoder import head_for
from models.causal_lm.pair_head import read
from models.causal_lm.prompt import described
from models.simulator.sites import Site, drawn_site
from models.training.lora import AdaptedModel, AdapterShape

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

KINDS: Final = 64  # of one site that are read in one step
KEPT: Final = 20_000  # vectors of kinds
SMOOTHING: Final = 0.03
IN_FRONT: Final = "head."  # of the names of a head's weights, among all that learns


class KindReader:
    """A model's lower layers with an adapter, and a head that weighs what they read.

    Args:
        folder: Holds configuration, tokenizer and safetensors, as ``models.weights`` gives it.
        shape: How much of the model may change; ``depth`` layers are read.
        device: Where it runs.
        seed: Of what is drawn at the start.
    """

    def __init__(
        self, folder: Path, shape: AdapterShape, device: str = "cpu", seed: int = 0
    ) -> None:
        self.adapted = AdaptedModel(folder, shape, device, seed=seed)
        self.head = head_for(self.adapted.model).to(self.adapted.device)

    @property
    def parameters(self) -> "dict[str, Parameter]":
        """What learns, by name."""
        head = {f"{IN_FRONT}{name}": each for name, each in self.head.named_parameters()}
        return {**self.adapted.parameters, **head}

    def begin_with(self, folder: Path) -> None:
        """Take over an adapter from ``folder``, and its head where it has one."""
        from safetensors.torch import load_file

        self.read_with(folder)
        if (folder / HEAD).is_file():
            self.head.load_state_dict(load_file(folder / HEAD))

    def read_with(self, folder: Path) -> None:
        """Take over an adapter from ``folder``, without its head."""
        self.adapted.begin_with(folder)

    def load(self, weights: "Mapping[str, Tensor]") -> None:
        """Take over trained values; see ``AdaptedModel.load``."""
        mine = {name: value for name, value in weights.items() if name.startswith(IN_FRONT)}
        self.adapted.load({k: value for k, value in weights.items() if k not in mine})
        self.head.load_state_dict(
            {name.removeprefix(IN_FRONT): value for name, value in mine.items()}
        )

    def learning(self, on: bool) -> None:
        """Switch dropout on or off."""
        self.adapted.learning(on)
        self.head.train(on)

    def logits(
        self, texts: Sequence[str], first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> "Tensor":
        """Return pairs by three, from descriptions and each pair's places among them."""
        import torch

        vectors = self.vectors(texts)
        places = (torch.from_numpy(each).to(vectors.device) for each in (first, second))
        found: Tensor = self.head(vectors, *places)
        return found

    def vectors(self, texts: Sequence[str]) -> "Tensor":
        """Return what the layers make of descriptions, a row each."""
        return read(self.adapted.body, self.adapted.tokenizer, texts)

    def save(self, folder: Path, card: dict[str, Any]) -> None:
        """Write adapter and head as ``models.causal_lm.encoder`` reads them."""
        from safetensors.torch import save_file

        self.adapted.save(folder, card)
        weights = {name: value.cpu().contiguous() for name, value in self.head.state_dict().items()}
        save_file(weights, folder / HEAD)


class HeadAlone(KindReader):
    """The same, of which only the head learns: what is read once is kept."""

    def __init__(
        self, folder: Path, shape: AdapterShape, device: str = "cpu", seed: int = 0
    ) -> None:
        super().__init__(folder, shape, device, seed)
        self._known: dict[str, Tensor] = {}

    @property
    def parameters(self) -> "dict[str, Parameter]":
        """What learns, by name."""
        every = super().parameters
        return {name: each for name, each in every.items() if name.startswith(IN_FRONT)}

    def load(self, weights: "Mapping[str, Tensor]") -> None:
        """Take over trained values; see ``AdaptedModel.load``."""
        self.head.load_state_dict({k.removeprefix(IN_FRONT): v for k, v in weights.items()})

    def vectors(self, texts: Sequence[str]) -> "Tensor":
        """Return what the layers make of descriptions, a row each."""
        import torch

        if len(self._known) > KEPT:  # invented names come once
            self._known.clear()
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            with torch.no_grad():
                made = read(self.adapted.body, self.adapted.tokenizer, fresh)
            self._known.update(zip(fresh, made, strict=True))
        return torch.stack([self._known[text] for text in texts])


def sites(step: int, count: int, only: Callable[[Kind], bool] | None = None) -> list[Site]:
    """Return the sites of one step of training, the same for the same step.

    Every other one is wider than those of the tests: who has read of more concepts tells those
    better that it has not met.

    Args:
        step: Which one.
        count: How many sites.
        only: Which of the concepts, by their kinds in the product's own words; None for all.
    """
    seeds = range(step * count, (step + 1) * count)
    return [drawn_site(seed, KINDS, only=only, wider=seed % 2 == 1) for seed in seeds]


class WeighsPairs(Protocol):
    """What is needed of a model that reads kinds."""

    def logits(
        self, texts: Sequence[str], first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> "Tensor":
        """Return pairs by three, from descriptions and each pair's places among them."""


def weighs_pairs(model: WeighsPairs, batch: Sequence[Site]) -> "Tensor":
    """Return the loss over all pairs of each site, each weighed as often as it would be asked."""
    import torch
    from torch.nn.functional import cross_entropy

    losses = []
    for site in batch:
        logits = model.logits([described(kind) for kind in site.kinds], site.first, site.second)
        answer = torch.from_numpy(site.answer).to(logits.device)
        each = cross_entropy(logits, answer, reduction="none", label_smoothing=SMOOTHING)
        losses.append((each * torch.from_numpy(site.weight).to(each)).sum())
    return torch.stack(losses).mean()
