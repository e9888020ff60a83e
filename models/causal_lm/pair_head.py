"""Reads each kind of signal once and weighs every pair of what it read.

The lower layers of a language model make a vector of a kind's description; a small head weighs two
vectors. So n kinds cost n short readings instead of n² questions, and one reading teaches about all
pairs that the kind is in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OPENING: Final = "In a server, "  # a first word is read poorly: nothing stands before it
TOGETHER: Final = 32  # descriptions that are padded to one length
TURNED: Final = (1, 0, 2)  # the answers where the two kinds have changed places


class PairHead(nn.Module):
    """Three logits of two vectors: the first acts, the second acts, neither.

    Exchanging the vectors exchanges the first two logits, by construction.

    Args:
        width: Of a vector.
        hidden: Of the layers between.
    """

    def __init__(self, width: int, hidden: int = 256) -> None:
        super().__init__()
        self.normed = nn.LayerNorm(width)
        self.narrowed = nn.Linear(width, hidden)
        self.weighed = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(4 * hidden, hidden), nn.GELU(), nn.Linear(hidden, 3)
        )

    def forward(self, vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Return pairs by three.

        Args:
            vectors: Kinds by width.
            first: Number of each pair's first kind.
            second: Likewise.
        """
        small = nn.functional.gelu(self.narrowed(self.normed(vectors)))
        a, b = small[first], small[second]
        straight: Tensor = self._one_way(a, b)
        turned: Tensor = self._one_way(b, a)
        return (straight + turned[:, TURNED]) / 2

    def _one_way(self, a: Tensor, b: Tensor) -> Tensor:
        found: Tensor = self.weighed(torch.cat([a, b, a * b, a - b], dim=1))
        return found


def read(body: Any, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> Tensor:  # noqa: ANN401
    """Return descriptions by twice the model's width: what the words are, and what became of them.

    Both are means over the description's own tokens; the words' own vectors help with kinds that
    training has not met.

    Args:
        body: The lower layers, from words to vectors.
        tokenizer: Its own.
        texts: One description a kind.
    """
    opening = len(tokenizer(OPENING.rstrip())["input_ids"])
    tokens = [tokenizer(OPENING + text)["input_ids"] for text in texts]
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    device = body.embed_tokens.weight.device
    found = []
    for start in range(0, len(by_length), TOGETHER):
        rows = [tokens[row] for row in by_length[start : start + TOGETHER]]
        padded = torch.zeros((len(rows), max(map(len, rows))), dtype=torch.long, device=device)
        there = torch.zeros_like(padded)
        for index, row in enumerate(rows):
            padded[index, : len(row)] = torch.tensor(row)
            there[index, : len(row)] = 1
        words = body.embed_tokens(padded)
        made = body(inputs_embeds=words, attention_mask=there, use_cache=False).last_hidden_state
        own = there.clone()
        own[:, :opening] = 0
        share = (own / own.sum(dim=1, keepdim=True)).unsqueeze(2)
        both = torch.cat([_unit(words.float()), made.float()], dim=2)
        found.append((both * share).sum(dim=1))
    place = torch.empty(len(tokens), dtype=torch.long, device=device)
    place[torch.tensor(by_length, device=device)] = torch.arange(len(tokens), device=device)
    return torch.cat(found)[place]


def _unit(vectors: Tensor) -> Tensor:
    """Return vectors with a mean square of 1: words' own are tiny beside what is made of them."""
    return vectors * torch.rsqrt(vectors.pow(2).mean(dim=-1, keepdim=True) + 1e-6)
