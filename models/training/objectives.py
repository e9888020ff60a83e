"""What the stages of training make small: three losses over the same model.

Rows of a batch are padded on the right; what comes after a row's end is masked, and logits are made
only where they are looked at: over a whole batch they would be most of the work.

Reference: Zuo et al., "Improving Event Causality Identification via Self-Supervised Representation
Learning on External Causal Statement", Findings of ACL 2021, for the contrast of directions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Parameter

SMOOTHING: Final = 0.05  # of the labels: questions of the same two kinds have different answers
TOGETHER: Final = 16  # rows that are padded to one length
ALIKE: Final = 1.2  # the longest of rows that are read together, in lengths of the shortest
CONTRAST: Final = 1.0  # weight of the contrast beside language modelling


class LanguageModel(Protocol):
    """What is needed of a model that learns."""

    tokenizer: Any
    device: "torch.device"

    @property
    def body(self) -> "Callable[..., Any]":
        """All but the output layer: tokens in, one vector a token out."""

    @property
    def head(self) -> "Parameter":
        """Vocabulary by width: a vector's product with a row is that word's logit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few continuations is right.

    Attributes:
        prompt: What is continued.
        answer: Index of the right one.
    """

    prompt: str
    answer: int


@dataclass(frozen=True, slots=True)
class Told:
    """A statement, and the same with cause and effect exchanged.

    Attributes:
        text: Is so.
        swapped: Is not.
    """

    text: str
    swapped: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Text of which some parts are to be learned.

    Attributes:
        parts: In order, each with whether it is an answer.
    """

    parts: tuple[tuple[str, bool], ...]


class ChoosesAnswer:
    """Cross-entropy over the answers alone.

    Args:
        answers: Each one token, with the space that it begins with.
    """

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = tuple(answers)

    def __call__(self, model: LanguageModel, batch: Sequence[Choice]) -> "Tensor":
        """Return the mean loss."""
        import torch
        from torch.nn.functional import cross_entropy

        logits = self.logits(model, [each.prompt for each in batch])
        right = torch.tensor([each.answer for each in batch], device=model.device)
        return cross_entropy(logits, right, label_smoothing=SMOOTHING)

    def logits(self, model: LanguageModel, prompts: Sequence[str]) -> "Tensor":
        """Return prompts by answers."""
        tokens = [model.tokenizer(prompt)["input_ids"] for prompt in prompts]
        words = [
            model.tokenizer(answer, add_special_tokens=False)["input_ids"][-1]
            for answer in self.answers
        ]
        return (_last_vectors(model, tokens) @ model.head[words].T).float()


def learns_statements(model: LanguageModel, batch: Sequence[Told]) -> "Tensor":
    """Return the loss of statements, plus that of taking each for its swapped twin."""
    import torch
    from torch.nn.functional import softplus

    texts = [each.text for each in batch] + [each.swapped for each in batch]
    tokens = [model.tokenizer(text)["input_ids"] for text in texts]
    whole = [[index > 0 for index in range(len(row))] for row in tokens]
    told, owner = _log_likelihood(model, tokens, whole)
    total = torch.zeros(len(texts), device=model.device).index_add(0, owner, told)
    so, not_so = total[: len(batch)], total[len(batch) :]
    modelling = -told[owner < len(batch)].mean()
    return modelling + CONTRAST * softplus(not_so - so).mean()


def learns_answers(model: LanguageModel, batch: Sequence[Dialogue]) -> "Tensor":
    """Return the mean loss of a dialogue's answers, token by token."""
    tokens, asked = [], []
    for dialogue in batch:
        row: list[int] = []
        learned: list[bool] = []
        for text, answer in dialogue.parts:
            part = model.tokenizer(text, add_special_tokens=False)["input_ids"]
            row += part
            learned += [answer] * len(part)
        tokens.append(row)
        asked.append(learned)
    told, _ = _log_likelihood(model, tokens, asked)
    return -told.mean()


def _last_vectors(model: LanguageModel, tokens: Sequence[Sequence[int]]) -> "Tensor":
    """Return rows by width: what the model made of each row at its end.

    Rows of about the same length go through together, since padding is read like words.
    """
    import torch

    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    ends = []
    for start in range(0, len(by_length), TOGETHER):
        rows = by_length[start : start + TOGETHER]
        last = torch.tensor([len(tokens[row]) - 1 for row in rows], device=model.device)
        vectors = _read(model, [tokens[row] for row in rows])
        ends.append(vectors[torch.arange(len(rows), device=model.device), last])
    place = torch.empty(len(tokens), dtype=torch.long, device=model.device)
    place[torch.tensor(by_length, device=model.device)] = torch.arange(
        len(tokens), device=model.device
    )
    return torch.cat(ends)[place]


def _read(model: LanguageModel, tokens: Sequence[Sequence[int]]) -> "Tensor":
    """Return rows by positions by width, padded on the right."""
    import torch

    longest = max(map(len, tokens))
    rows = torch.zeros((len(tokens), longest), dtype=torch.long, device=model.device)
    there = torch.zeros_like(rows)
    for index, row in enumerate(tokens):
        rows[index, : len(row)] = torch.tensor(row)
        there[index, : len(row)] = 1
    vectors: Tensor = model.body(
        input_ids=rows, attention_mask=there, use_cache=False
    ).last_hidden_state
    return vectors


def _log_likelihood(
    model: LanguageModel, tokens: Sequence[Sequence[int]], asked: Sequence[Sequence[bool]]
) -> "tuple[Tensor, Tensor]":
    """Return the log-likelihood of each token that is asked for, and the row that it is of."""
    import torch

    told, owner = [], []
    for rows in _of_like_length(tokens):
        wanted = [
            (index, position, row)
            for index, row in enumerate(rows)
            for position, here in enumerate(asked[row])
            if here
        ]
        index, position, owners = torch.tensor(wanted, device=model.device).T
        words = torch.tensor([tokens[row][at] for _, at, row in wanted], device=model.device)
        # A token is foretold by what stands before it.
        vectors = _read(model, [tokens[row] for row in rows])[index, position - 1]
        logits = (vectors @ model.head.T).float().log_softmax(dim=1)
        told.append(logits[torch.arange(len(words), device=model.device), words])
        owner.append(owners)
    return torch.cat(told), torch.cat(owner)


def _of_like_length(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the places of rows that are read together: padding is read like words."""
    alike: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: len(tokens[row])):
        if alike and len(tokens[row]) > ALIKE * len(tokens[alike[0]]):
            yield alike
            alike = []
        alike.append(row)
    yield alike
