"""The language model as a policy over graphs: python -m tests.bench.policy_lm ADAPTER FOLDER.

Its adapter stays as it is; what it makes of each question is computed once and kept in FOLDER, and
the rows of the output layer that belong to the three answers learn, with a bias each. So ways
of ``tests.bench.policy`` can be compared on a model that would otherwise need a GPU.
"""

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from diagnose.evaluation.policy_scores import Floats, policy_scores
from diagnose.training.policy import PolicyAmounts, rewarded, split_episodes
from models.adapters import WEIGHTS, read_adapter
from models.causal_lm.belief import Pair
from models.causal_lm.prompt import ANSWERS, TUNED, prompts
from models.policy.graphs import pair_index
from models.policy.network import NamesPolicy
from models.policy.simulated import Episode
from models.training.lora import AdaptedModel, AdapterShape
from models.weights import BASE, locate
from tests.bench.markdown import table
from tests.bench.policy import BEGUN, CONTROL, HEAD, improved, rows, taste_in

AMOUNTS = PolicyAmounts(train=16, test=24)
TRIED = (CONTROL, "ppo", "rloo", "trpo")
BATCH = 64  # questions in one pass
TURNED = [1, 0, 2]


class AnswerRows(nn.Module):
    """The three answers' rows of the output layer, over vectors that were computed before.

    Args:
        vectors: Of each pair's question in both orders, of shape (2, width), by the kinds' names.
        rows: Of the output layer, of shape (3, width).
    """

    def __init__(self, vectors: dict[str, Tensor], rows: Tensor) -> None:
        super().__init__()
        self.vectors = vectors
        self.rows = nn.Parameter(rows.clone())
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, pairs: Sequence[Pair]) -> Tensor:
        both = torch.stack([self.vectors[name_of(pair)] for pair in pairs])
        said = (both @ self.rows.T + self.bias).log_softmax(dim=2)
        return (said[:, 0] + said[:, 1, TURNED]) / 2

    def __deepcopy__(self, memo: dict[int, object]) -> "AnswerRows":
        """Return a copy that shares the vectors, which never change."""
        other = AnswerRows(self.vectors, self.rows.detach())
        other.bias.data.copy_(self.bias.data)
        return other


def name_of(pair: Pair) -> str:
    return f"{pair[0].name}|{pair[1].name}"


def asked(episodes: Sequence[Episode]) -> list[Pair]:
    """Return every pair of kinds that the incidents ask about, in the order of their signals."""
    found: dict[Pair, None] = {}
    for episode in episodes:
        kinds = [signal.kind for signal in episode.incident.signals]
        first, second = pair_index(len(kinds))
        found |= {(kinds[a], kinds[b]): None for a, b in zip(first, second, strict=True)}
    return list(found)


def vectors_of(model: AdaptedModel, pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """Return the last vector of each pair's question, in both orders."""
    tokens = [
        model.tokenizer(question)["input_ids"]
        for pair in pairs
        for question in prompts(pair, TUNED)
    ]
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    found: dict[int, Tensor] = {}
    for begin in range(0, len(order), BATCH):
        places = order[begin : begin + BATCH]
        longest = max(len(tokens[place]) for place in places)
        padded = torch.zeros((len(places), longest), dtype=torch.long)
        there = torch.zeros_like(padded)
        for row, place in enumerate(places):
            padded[row, : len(tokens[place])] = torch.tensor(tokens[place])
            there[row, : len(tokens[place])] = 1
        with torch.no_grad():
            said = model.body(input_ids=padded, attention_mask=there, use_cache=False)
        for row, place in enumerate(places):
            found[place] = said.last_hidden_state[row, len(tokens[place]) - 1].float().clone()
        sys.stderr.write(f"{begin + len(places)} of {len(order)} questions\n")
    return {
        name_of(pair): torch.stack((found[2 * i], found[2 * i + 1])) for i, pair in enumerate(pairs)
    }


def answering(adapter: Path, folder: Path, episodes: Sequence[Episode]) -> AnswerRows:
    """Return the model's answers to all that ``episodes`` ask, computed or as they were kept."""
    identity = read_adapter(adapter).identity
    kept = folder / f"vectors-{identity[:12]}.safetensors"
    if not kept.is_file():
        known = load_file(adapter / WEIGHTS)
        lowest = min(int(name.split(".layers.")[1].split(".")[0]) for name in known)
        rank = min(next(iter(known.values())).shape)
        model = AdaptedModel(locate(BASE).folder, AdapterShape(rank, lowest))
        model.load(known)
        words = [model.tokenizer(a, add_special_tokens=False)["input_ids"][-1] for a in ANSWERS]
        folder.mkdir(parents=True, exist_ok=True)
        vectors = vectors_of(model, asked(episodes))
        save_file({**vectors, "answers": model.head[words].detach().float()}, kept)
    vectors = load_file(kept)
    return AnswerRows(vectors, vectors.pop("answers"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--units", type=int, default=1_500)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    learned, unseen = split_episodes(AMOUNTS, 0)
    taste = taste_in(given.folder / "reward-0")
    start = NamesPolicy(answering(given.adapter, given.folder, [*learned, *unseen]))
    rewards, tested = ([rewarded(each) for each in part] for part in (learned, unseen))
    found: dict[str, list[dict[str, Floats]]] = {}
    for seed in range(given.seeds):
        for way in (BEGUN, *TRIED):
            policy = copy.deepcopy(start)
            if way != BEGUN:
                improved(way, policy, learned, rewards, seed, given.units, taste)
            found.setdefault(way, []).append(policy_scores(policy, unseen, tested))
            sys.stderr.write(f"seed {seed}, {way}\n")
    sys.stdout.writelines(f"{line}\n" for line in table(HEAD, list(rows(found))))


if __name__ == "__main__":
    main()
