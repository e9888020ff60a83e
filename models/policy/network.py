"""A small policy: the logits of all pairs of one incident in one pass.

One number says how much speaks for an edge in one direction. It has two parts. What the kinds are:
the words of cause and effect, embedded and multiplied, as a language model would judge by names
alone. What the data show: a small network over the numbers of ``models.policy.features``. The
logits of a pair are that number for either direction and 0 for neither; so a pair that is asked in
the other order gives the same answer, turned round.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor, nn

from diagnose.schema import Kind
from models.causal_lm.belief import Pair
from models.kinds import VOCABULARY
from models.policy.features import NAMES, both_orders, words
from models.policy.graphs import pair_index, restricted
from models.policy.incident import Incident

WORDS: Final = {
    word: place + 1
    for place, word in enumerate(dict.fromkeys(w for kind in VOCABULARY for w in words(kind)))
}  # 0 is every word that the vocabulary lacks
WIDTH: Final = 16  # of a kind's embedding
HIDDEN: Final = 32
RARE: Final = -1.0  # first guess for an edge against none: most pairs have none


class KindEdges(nn.Module):
    """How much the kinds alone speak for each edge: a bilinear form of their embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Linear(len(WORDS) + 1, WIDTH, bias=False)
        self.acts = nn.Linear(WIDTH, WIDTH)
        self.bias = nn.Parameter(torch.full((1,), RARE))

    def forward(self, pairs: Sequence[Pair]) -> Tensor:
        """Return the logits of each pair's three answers, of shape (pairs, 3)."""
        first, second = self._embedded([a for a, _ in pairs]), self._embedded([b for _, b in pairs])
        there = (torch.tanh(self.acts(first)) * second).sum(dim=1) + self.bias
        back = (torch.tanh(self.acts(second)) * first).sum(dim=1) + self.bias
        return torch.stack((there, back, torch.zeros_like(there)), dim=1)

    def among(self, kinds: Sequence[Kind]) -> Tensor:
        """Return the same for all pairs of ``kinds``, in the order of ``pair_index``."""
        embedded = self._embedded(kinds)
        acts = torch.tanh(self.acts(embedded)) @ embedded.T + self.bias
        first, second = pair_index(len(kinds))
        there, back = acts[first, second], acts[second, first]
        return torch.stack((there, back, torch.zeros_like(there)), dim=1)

    def _embedded(self, kinds: Sequence[Kind]) -> Tensor:
        return self.words(torch.stack([_bag(kind) for kind in kinds]))  # type: ignore[no-any-return]


class PairPolicy(nn.Module):
    """Logits of all pairs of an incident, from kinds and data.

    Args:
        seed: Of the first weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.kinds = KindEdges()
            self.evidence = _small_network(len(NAMES))
        self._seen: dict[Incident, Tensor] = {}

    def forward(self, incident: Incident) -> Tensor:
        """Return logits of shape (pairs, 3), -inf for edges that tiers or topology forbid."""
        if incident not in self._seen:  # a policy sees an incident many times
            self._seen[incident] = torch.from_numpy(both_orders(incident)).float()
        shown = self.evidence(self._seen[incident])[:, :, 0]
        logits = self.kinds.among([signal.kind for signal in incident.signals])
        return restricted(logits + nn.functional.pad(shown, (0, 1)), incident.allowed)


class NamesPolicy(nn.Module):
    """Logits of all pairs of an incident from kinds alone, as a language model sees them.

    Args:
        pairs: Gives the logits of pairs of kinds, of shape (pairs, 3).
    """

    def __init__(self, pairs: nn.Module) -> None:
        super().__init__()
        self.pairs = pairs

    def forward(self, incident: Incident) -> Tensor:
        """Return logits of shape (pairs, 3), -inf for edges that tiers or topology forbid."""
        kinds = [signal.kind for signal in incident.signals]
        first, second = pair_index(len(kinds))
        asked = [(kinds[a], kinds[b]) for a, b in zip(first, second, strict=True)]
        distinct = list(dict.fromkeys(asked))
        place = torch.tensor([distinct.index(pair) for pair in asked])
        return restricted(self.pairs(distinct)[place], incident.allowed)


class Critic(nn.Module):
    """What graphs of an incident are expected to earn, from the mean of what its pairs show.

    Args:
        seed: Of the first weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _small_network(len(NAMES))

    def forward(self, incident: Incident) -> Tensor:
        """Return one number, of shape (1,)."""
        return self.network(torch.from_numpy(both_orders(incident).mean(axis=(0, 1))).float())  # type: ignore[no-any-return]


def _small_network(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))


@lru_cache(4096)
def _bag(kind: Kind) -> Tensor:
    """Return the share of each word in what a kind is called."""
    bag = torch.zeros(len(WORDS) + 1)
    spelled = words(kind)
    for word in spelled:
        bag[WORDS.get(word, 0)] += 1 / len(spelled)
    return bag
