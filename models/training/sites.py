"""Stage "kinds": the lower layers and a head learn to weigh all pairs of a site's kinds at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

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
SMOOTHING: Final = 0.03
IN_FRONT: Final = "head."  # of the names of a head's weights, among all that learns


class KindReader:
    """A model's lower layers with an adapter, and a head; both learn.

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

    def load(self, weights: "dict[str, Tensor]") -> None:
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

        vectors = read(self.adapted.body, self.adapted.tokenizer, texts)
        places = (torch.from_numpy(each).to(vectors.device) for each in (first, second))
        found: Tensor = self.head(vectors, *places)
        return found

    def save(self, folder: Path, card: dict[str, Any]) -> None:
        """Write adapter and head as ``models.causal_lm.encoder`` reads them."""
        from safetensors.torch import save_file

        self.adapted.save(folder, card)
        weights = {name: value.cpu().contiguous() for name, value in self.head.state_dict().items()}
        save_file(weights, folder / HEAD)


def sites(step: int, count: int) -> list[Site]:
    """Return the sites of one step of training, the same for the same step."""
    return [drawn_site(step * count + i, KINDS) for i in range(count)]


def weighs_pairs(model: KindReader, batch: Sequence[Site]) -> "Tensor":
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
