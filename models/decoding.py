"""Greedy decoding of many prompts at once, each up to the token at which it ends.

What all of a batch begin with is read once. Rows are padded on the left behind it, so that all
grow at the same end. What a row has read is kept as a key-value cache, and a row that has come to
its end leaves the batch.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Cache

CACHED_TOKENS: Final = 8192  # of a batch, padding included: bounds the memory


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
    end: int,
    most: int,
) -> list[list[int]]:
    """Return the likeliest tokens after each prompt, the last one ``end`` where it was come to.

    Args:
        model: Gives logits, and keeps what it has read.
        prompts: Of one batch, in tokens.
        end: Token that ends a row.
        most: Tokens after which it ends in any case.
    """
    import torch

    device = next(model.parameters()).device
    shared = shared_length(prompts)
    read, there = _padded([prompt[shared:] for prompt in prompts], device)
    wrote: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    past: Cache | None = None
    with torch.inference_mode():
        if shared:
            begin = torch.tensor([list(prompts[0][:shared])], device=device)
            past = model(input_ids=begin, use_cache=True, logits_to_keep=1).past_key_values
            past.batch_repeat_interleave(len(prompts))
            there = torch.cat([torch.ones((len(prompts), shared)).to(there), there], dim=1)
        for _ in range(most):
            step = model(
                input_ids=read,
                attention_mask=there,
                position_ids=(there.cumsum(dim=1) - 1).clamp(min=0)[:, -read.shape[1] :],
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            past, likeliest = step.past_key_values, step.logits[:, -1].argmax(dim=1)
            for row, token in zip(rows, likeliest.tolist(), strict=True):
                wrote[row].append(token)
            left = [index for index, row in enumerate(rows) if wrote[row][-1] != end]
            if not left:
                break
            if len(left) < len(rows):
                chosen = torch.tensor(left, device=device)
                past.batch_select_indices(chosen)
                likeliest, there = likeliest[chosen], there[chosen]
                rows = [rows[index] for index in left]
            read = likeliest[:, None]
            there = torch.cat([there, torch.ones_like(read)], dim=1)
    return wrote


def shared_length(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all prompts begin with, short of a whole prompt: one is to be read.

    Example:
        >>> shared_length([[1, 2, 3], [1, 2, 4, 5]]), shared_length([[1, 2, 3]])
        (2, 2)
    """
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*prompts, strict=False))
    return min(sum(1 for _ in alike), min(map(len, prompts)) - 1)


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
