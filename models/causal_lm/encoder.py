"""Beliefs about pairs of kinds from the tuned model: each kind read once, all pairs weighed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Failure
from models.adapters import HEAD, WAY_OUT, Adapter, merge
from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.prompt import ANSWERS, NEITHER, belief_of, described
from models.engine import Device, chosen_device
from models.kinds import canonical
from models.weights import without_progress

if TYPE_CHECKING:
    from models.causal_lm.pair_head import PairHead

PAIRS: Final = 8192  # weighed at once: bounds the memory


class Encoder:
    """The lower layers of a model, their adapter and its head, ready to weigh pairs.

    Args:
        folder: Holds configuration, tokenizer and safetensors, as ``models.weights`` gives it.
        adapter: One that was trained with a head.
        device: Where it runs; "auto" takes a GPU where there is one.

    Raises:
        Failure: the adapter is damaged or of another model, or there is no such device.
    """

    def __init__(self, folder: Path, adapter: Adapter, device: Device = "auto") -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        self._adapter = adapter
        self._body, self._tokenizer = load_body(folder, adapter.depth or 0, "bfloat16")
        device_found = chosen_device(device)
        merge(self._body, adapter)
        self._body = self._body.to(device_found).eval()
        try:
            weights = load_file(adapter.folder / HEAD)
            self._head = head_for(self._body).to(device_found).eval()
            self._head.load_state_dict(weights)
        except (OSError, RuntimeError, SafetensorError) as error:
            raise Failure(f"the head in {adapter.folder} does not fit: {error}", WAY_OUT) from error

    def ask(self, pairs: Sequence[Pair]) -> dict[Pair, PairBelief]:
        """Return a belief about each pair.

        Raises:
            ValueError: a kind is not of the fixed vocabulary, so its words may be anybody's.
        """
        kinds = list(dict.fromkeys(canonical(kind) for pair in pairs for kind in pair))
        place = {kind: i for i, kind in enumerate(kinds)}
        first = [place[canonical(a)] for a, _ in pairs]
        second = [place[canonical(b)] for _, b in pairs]
        known = [kind.name in self._adapter.learned for kind in kinds]
        told = self.probabilities([described(kind) for kind in kinds], first, second, known)
        return {pair: belief_of(row) for pair, row in zip(pairs, told, strict=True)}

    def probabilities(
        self,
        texts: Sequence[str],
        first: Sequence[int],
        second: Sequence[int],
        learned: Sequence[bool] | None = None,
    ) -> NDArray[np.float64]:
        """Return pairs by three: the first acts on the second, the second on the first, neither.

        Args:
            texts: Descriptions of kinds.
            first: Place in ``texts`` of each pair's first kind.
            second: Likewise.
            learned: Whether training knew each of ``texts``; None where it knew all.
        """
        import torch

        from models.causal_lm.pair_head import read

        if not first:
            return np.zeros((0, 3))
        with torch.inference_mode():
            vectors = read(self._body.model, self._tokenizer, texts)
            logits = torch.cat(
                [
                    self._head(
                        vectors,
                        torch.tensor(first[start : start + PAIRS], device=vectors.device),
                        torch.tensor(second[start : start + PAIRS], device=vectors.device),
                    )
                    for start in range(0, len(first), PAIRS)
                ]
            )
        known = [True] * len(texts) if learned is None else learned
        strange = torch.tensor(
            [not (known[a] and known[b]) for a, b in zip(first, second, strict=True)],
            device=logits.device,
        )
        moved = torch.zeros(len(ANSWERS), device=logits.device)
        moved[ANSWERS.index(NEITHER)] = self._adapter.unlearned_none
        sharp = torch.where(strange, self._adapter.unlearned_temperature, self._adapter.temperature)
        shares = ((logits + strange[:, None] * moved) / sharp[:, None]).softmax(dim=1)
        return np.asarray(shares.cpu().numpy(), dtype=np.float64)


def load_body(folder: Path, depth: int, precision: str) -> tuple[Any, Any]:
    """Return the lowest ``depth`` layers of a model, and its tokenizer.

    Raises:
        Failure: the folder holds no model that can be loaded.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with without_progress():
            tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, precision), use_safetensors=True, **local
            )
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        what = f"no model can be loaded from {folder}: {reason}"
        raise Failure(what, "remove that folder, or give another model.name") from error
    model.model.layers = model.model.layers[:depth]
    return model, tokenizer


def head_for(model: Any) -> "PairHead":  # noqa: ANN401 - of transformers, any architecture
    """Return an untrained head that fits a model's vectors."""
    from models.causal_lm.pair_head import PairHead

    return PairHead(2 * int(model.config.hidden_size))
