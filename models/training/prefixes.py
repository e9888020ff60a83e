"""A model that stays as it came, read after something that learns: vectors, or words.

Both are put in front of every question and cost far fewer numbers than an adapter. They are for
comparison: what ships is read by ``models.causal_lm.encoder``.

References: Li, Liang, "Prefix-Tuning", ACL 2021; Shin, Razeghi, Logan, Wallace, Singh,
"AutoPrompt: Eliciting Knowledge from Language Models with Automatically Generated Prompts",
EMNLP 2020, for words that are searched for along a gradient.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from models.causal_lm.encoder import load_body
from models.training.objectives import Choice, ChoosesAnswer

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

WHOLE: Final = 10_000  # layers at most, all of which are kept
CANDIDATES: Final = 12  # words that are tried at one place in one round


class FrozenModel:
    """A language model none of whose weights learns.

    Args:
        folder: Holds configuration, tokenizer and safetensors, as ``models.weights`` gives it.
        precision: Of the arithmetic.

    Attributes:
        model: The whole, whose output layer is ``head``.
        tokenizer: Its own.
        device: Where it runs: the CPU.
    """

    def __init__(self, folder: Path, precision: str = "bfloat16") -> None:
        self.model, self.tokenizer = load_body(folder, WHOLE, precision)
        self.model.requires_grad_(requires_grad=False).eval()
        self.device = torch.device("cpu")

    @property
    def head(self) -> "Parameter":
        """Vocabulary by width: a vector's product with a row is that word's logit."""
        weight: Parameter = self.model.get_output_embeddings().weight
        return weight


class PrefixedModel(FrozenModel):
    """The same after vectors that learn, which stand in front of every layer's keys and values.

    Args:
        folder: As above.
        tokens: Vectors of each layer.
        precision: Of the arithmetic.
        seed: Of what they begin as.
    """

    def __init__(
        self, folder: Path, tokens: int = 20, precision: str = "bfloat16", seed: int = 0
    ) -> None:
        from peft import PrefixTuningConfig, TaskType, get_peft_model

        super().__init__(folder, precision)
        torch.manual_seed(seed)
        config = PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=tokens)
        self.prefixed: Any = get_peft_model(self.model, config, autocast_adapter_dtype=False)
        self.tokens = tokens

    @property
    def parameters(self) -> "dict[str, Parameter]":
        """What learns, by name."""
        return {n: p for n, p in self.prefixed.named_parameters() if p.requires_grad}

    def load(self, weights: "Mapping[str, Tensor]") -> None:
        """Take over a value for each of ``parameters``."""
        with torch.no_grad():
            for name, each in self.parameters.items():
                each.copy_(weights[name])

    def learning(self, on: bool) -> None:
        """Do nothing: there is no dropout."""

    def body(self, input_ids: "Tensor", attention_mask: "Tensor", use_cache: bool = False) -> Any:  # noqa: ANN401 - of transformers
        """Return what all layers but the output make of tokens."""
        before = torch.ones(len(input_ids), self.tokens, dtype=attention_mask.dtype)
        return self.model.model(
            input_ids=input_ids,
            attention_mask=torch.cat([before, attention_mask], dim=1),
            past_key_values=self.prefixed.get_prompt(len(input_ids)),
            use_cache=True,
        )


class TriggeredModel(FrozenModel):
    """The same after words that are searched for.

    Args:
        folder: As above.
        trigger: Words to begin with.
        precision: Of the arithmetic.

    Attributes:
        words: Numbers of the trigger's tokens.
    """

    def __init__(self, folder: Path, trigger: str, precision: str = "bfloat16") -> None:
        super().__init__(folder, precision)
        found = self.tokenizer(trigger, add_special_tokens=False)["input_ids"]
        self.words = torch.tensor(found)
        self._vectors: Tensor | None = None

    @property
    def text(self) -> str:
        """The trigger."""
        return str(self.tokenizer.decode(self.words))

    def body(self, input_ids: "Tensor", attention_mask: "Tensor", use_cache: bool = False) -> Any:  # noqa: ANN401 - of transformers
        """Return what all layers but the output make of tokens."""
        embedded = self.model.model.embed_tokens
        front = embedded(self.words) if self._vectors is None else self._vectors
        rows = len(input_ids)
        made = self.model.model(
            inputs_embeds=torch.cat([front.expand(rows, -1, -1), embedded(input_ids)], dim=1),
            attention_mask=torch.cat(
                [attention_mask.new_ones(rows, len(self.words)), attention_mask], dim=1
            ),
            use_cache=use_cache,
        )
        made.last_hidden_state = made.last_hidden_state[:, len(self.words) :]
        return made

    def gradient(
        self,
        objective: Callable[["TriggeredModel", Sequence[Choice]], "Tensor"],
        batch: Sequence[Choice],
    ) -> "Tensor":
        """Return how a batch's loss changes with each of the trigger's vectors."""
        vectors = self.model.model.embed_tokens(self.words).detach().requires_grad_()
        self._vectors = vectors
        try:
            objective(self, batch).backward()  # type: ignore[no-untyped-call]
        finally:
            self._vectors = None
        found: Tensor = vectors.grad
        return found.float()


def search(
    model: TriggeredModel,
    objective: ChoosesAnswer,
    batch: Callable[[int], Sequence[Choice]],
    minutes: float,
) -> Iterator[float]:
    """Change one word of the trigger at a time; yield the loss after each round.

    The gradient says which words would probably lower the loss; they are tried on other questions,
    and the best stays where it beats the word that was there.

    Args:
        model: Is changed in place.
        objective: Gives a batch's mean loss.
        batch: Questions of a step.
        minutes: Time to search.
    """
    embedding = model.model.model.embed_tokens.weight.float()
    allowed = torch.ones(len(embedding), dtype=torch.bool)
    allowed[model.tokenizer.all_special_ids] = False
    started, step = time.monotonic(), 0
    while time.monotonic() - started < 60 * minutes:
        place = step % len(model.words)
        promise = -(embedding @ model.gradient(objective, batch(2 * step))[place])
        promise[~allowed] = -torch.inf
        tried = [int(model.words[place]), *promise.topk(CANDIDATES).indices.tolist()]
        judged = batch(2 * step + 1)
        losses = []
        for word in tried:
            model.words[place] = word
            with torch.inference_mode():
                losses.append(float(objective(model, judged)))
        model.words[place] = tried[losses.index(min(losses))]
        step += 1
        yield min(losses)
