"""Greedy decoding of many prompts at once, up to a word after which a few answers are weighed.

Rows are padded on the left, so that all of a batch grow at the same end. What a row has read is
kept as a key-value cache, and a row that has come to the word leaves the batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Cache

CACHED_TOKENS: Final = 8192  # of a batch, padding included: bounds the memory


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What a model wrote after a prompt.

    Attributes:
        text: As written, up to the word.
        answers: Log-probabilities of the answers after the word, which sum to probability 1; None
            where the word did not come.
    """

    text: str
    answers: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Ending:
    """When decoding ends.

    Attributes:
        word: Token after which the answers are weighed.
        answers: Tokens that are weighed against each other there.
        most: Tokens after which it ends in any case.
    """

    word: int
    answers: tuple[int, ...]
    most: int


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield the places of prompts that are read together, those of like length.

    Args:
        lengths: Tokens of each prompt.
        most: Tokens that each may grow by.

    Example:
        >>> list(batches([5, 9, 6], 10))
        [[0, 2, 1]]
    """
    together: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda one: lengths[one]):
        if together and (len(together) + 1) * (lengths[place] + most) > CACHED_TOKENS:
            yield together
            together = []
        together.append(place)
    if together:
        yield together


def decode(
    model: Any,  # noqa: ANN401 - of transformers, any architecture
    prompts: Sequence[Sequence[int]],
    ending: Ending,
) -> list[tuple[list[int], NDArray[np.float64] | None]]:
    """Return, for each prompt, the likeliest tokens and the answers' log-probabilities.

    Args:
        model: Gives logits, and keeps what it has read.
        prompts: Of one batch, in tokens.
        ending: When it ends.
    """
    import torch

    device = next(model.parameters()).device
    read, there = _padded(prompts, device)
    wrote: list[list[int]] = [[] for _ in prompts]
    weighed: list[NDArray[np.float64] | None] = [None] * len(prompts)
    rows = list(range(len(prompts)))
    past: Cache | None = None
    with torch.inference_mode():
        for _ in range(ending.most + 1):
            step = model(
                input_ids=read,
                attention_mask=there,
                position_ids=(there.cumsum(dim=1) - 1).clamp(min=0)[:, -read.shape[1] :],
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            past, logits = step.past_key_values, step.logits[:, -1].float()
            ended = [bool(wrote[row]) and wrote[row][-1] == ending.word for row in rows]
            for index, row in enumerate(rows):
                if ended[index]:
                    said = logits[index, list(ending.answers)].log_softmax(dim=0)
                    weighed[row] = np.asarray(said.cpu().numpy(), dtype=np.float64)
            left = [index for index, over in enumerate(ended) if not over]
            if not left:
                break
            if len(left) < len(rows):
                chosen = torch.tensor(left, device=device)
                past.batch_select_indices(chosen)
                logits, there = logits[chosen], there[chosen]
                rows = [rows[index] for index in left]
            likeliest = logits.argmax(dim=1)
            for row, token in zip(rows, likeliest.tolist(), strict=True):
                wrote[row].append(token)
            read = likeliest[:, None]
            there = torch.cat([there, torch.ones_like(read)], dim=1)
    return list(zip(wrote, weighed, strict=True))


def _padded(prompts: Sequence[Sequence[int]], device: Any) -> "tuple[Tensor, Tensor]":  # noqa: ANN401
    """Return prompts by positions, padded on the left, and which positions are read."""
    import torch

    longest = max(map(len, prompts))
    tokens = torch.zeros((len(prompts), longest), dtype=torch.long)
    there = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
        there[row, longest - len(prompt) :] = 1
    return tokens.to(device), there.to(device)
