"""Runs the language model on this machine, for one thing: how likely each of a few answers is.

What all prompts begin with is computed once and kept as a key-value cache; rows of the same length
go through the model together, so that nothing is padded. Logits are computed for the last positions
only: over the whole prompt they would take gigabytes.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Failure
from models.adapters import Adapter, merge
from models.decoding import batches, decode, shared_length
from models.weights import without_progress

if TYPE_CHECKING:
    import torch
    from transformers import Cache

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16", "int8"]
Tokens = tuple[int, ...]

BATCH_TOKENS: Final = 2048  # tokens that go through the model at once: bounds its memory
BATCH_ROWS: Final = 256  # the same for what it says about the vocabulary
FAST_BFLOAT16: Final = {"avx512_bf16", "amx_bf16", "bf16"}  # processor flags; the last is Arm's


class Engine:
    """A causal language model, ready to weigh answers.

    Args:
        folder: Holds configuration, tokenizer and safetensors, as ``models.weights`` gives it.
        device: Where it runs; "auto" takes a GPU where there is one.
        precision: Of the arithmetic; "auto" takes bfloat16 where the device is good at it. "int8",
            on a CPU only, rounds the weights once and each layer's input as it comes.
        batch_tokens: How many tokens go through the model at once.
        adapter: What training added to this model; it becomes part of the weights.

    Raises:
        Failure: the folder holds no model that can be loaded, the adapter does not fit it, or there
            is no such device.
    """

    def __init__(
        self,
        folder: Path,
        device: Device = "auto",
        precision: Precision = "auto",
        batch_tokens: int = BATCH_TOKENS,
        adapter: Adapter | None = None,
    ) -> None:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.batch_tokens = batch_tokens
        self._device = chosen_device(device)
        if precision == "auto":
            precision = "bfloat16" if _fast_bfloat16(self._device) else "float32"
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with without_progress():
                self._tokenizer = AutoTokenizer.from_pretrained(folder, **local)
                model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(
                    folder, dtype=_stored(precision), use_safetensors=True, **local
                )
        except (OSError, ValueError, SafetensorError) as error:
            reason = str(error).partition("\n")[0]
            what = f"no model can be loaded from {folder}: {reason}"
            raise Failure(what, "remove that folder, or give another model.name") from error
        if adapter is not None:
            merge(model, adapter)
        self._model = (in_int8(model) if precision == "int8" else model).to(self._device).eval()

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return how likely each answer follows each prompt, against the other answers only.

        Args:
            prompts: Texts that an answer continues.
            answers: The same few for all prompts, each with the space that it begins with; of
                several tokens, the probability is their product.

        Returns:
            Prompts by answers: natural logarithms, which sum to probability 1 over each row.

        Raises:
            ValueError: a prompt or an answer is empty.
        """
        import torch

        if not prompts or not answers:
            return np.zeros((len(prompts), len(answers)))
        begin = [tuple(self._tokenizer(prompt)["input_ids"]) for prompt in prompts]
        end = [
            tuple(self._tokenizer(answer, add_special_tokens=False)["input_ids"])
            for answer in answers
        ]
        if not all(begin) or not all(end):
            raise ValueError("a prompt or an answer is empty")
        likely = np.zeros((len(prompts), len(answers)))
        with torch.inference_mode():
            for (prompt, answer), value in self._sums(begin, end):
                likely[prompt, answer] = value
        shifted = likely - likely.max(axis=1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))

    def continuation(self, prompt: str, most_tokens: int) -> str:
        """Return the likeliest continuation of ``prompt``, token by token, to the end of its line.

        Args:
            prompt: A text that a continuation follows.
            most_tokens: After which it is cut.

        Raises:
            ValueError: the prompt is empty.
        """
        import torch

        read = self._tokenizer(prompt, return_tensors="pt")["input_ids"].to(self._device)
        if not read.numel():
            raise ValueError("a prompt is empty")
        past, said, tokens = None, "", read
        found: list[int] = []
        with torch.inference_mode():
            while len(found) < most_tokens and "\n" not in said:
                step = self._model(
                    input_ids=tokens, past_key_values=past, use_cache=True, logits_to_keep=1
                )
                past, likeliest = step.past_key_values, int(step.logits[0, -1].argmax())
                if likeliest == self._tokenizer.eos_token_id:
                    break
                found.append(likeliest)
                tokens = torch.tensor([[likeliest]], device=self._device)
                said = str(self._tokenizer.decode(found))
        return said.partition("\n")[0]

    def decoded(
        self,
        prompts: Sequence[str],
        end: str,
        most_tokens: int,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[str | None]:
        """Return what likeliest follows each prompt up to ``end``; None where that does not come.

        Args:
            prompts: Texts that a continuation follows.
            end: One token, which is left out.
            most_tokens: Of a continuation with its end.
            progress: Told how many prompts are done.

        Raises:
            ValueError: a prompt is empty, or the end is no single token.
        """
        tokens = [tuple(self._tokenizer(prompt)["input_ids"]) for prompt in prompts]
        if not all(tokens):
            raise ValueError("a prompt is empty")
        last = self._token(end)
        found: dict[int, str | None] = {}
        for places in batches([len(row) for row in tokens], most_tokens):
            said = decode(self._model, [tokens[place] for place in places], last, most_tokens)
            for place, wrote in zip(places, said, strict=True):
                whole = str(self._tokenizer.decode(wrote[:-1])) if wrote[-1] == last else None
                found[place] = whole
            progress(len(found))
        return [found[place] for place in range(len(prompts))]

    def _token(self, text: str) -> int:
        found = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(found) != 1:
            raise ValueError(f"{text!r} is no single token")
        return int(found[0])

    def _sums(
        self, begin: Sequence[Tokens], end: Sequence[Tokens]
    ) -> Iterator[tuple[tuple[int, int], float]]:
        """Yield ((prompt, answer), log-probability over the whole vocabulary) in any order."""
        # Of an answer, only what precedes its last token is read: one-token answers share a row.
        rows: dict[Tokens, list[tuple[int, int]]] = {}
        for i, prompt in enumerate(begin):
            for j, answer in enumerate(end):
                rows.setdefault(prompt + answer[:-1], []).append((i, j))
        shared = shared_length(begin)
        past = self._read(begin[0][:shared]) if shared else None
        keep = max(len(answer) for answer in end)
        tokens = sorted({token for answer in end for token in answer})
        column = {token: place for place, token in enumerate(tokens)}
        for batch in self._batches(list(rows), shared):
            scores = self._last_scores([row[shared:] for row in batch], past, shared, keep, tokens)
            for row, score in zip(batch, scores, strict=True):
                for i, j in rows[row]:
                    first = len(score) - 1 - (len(row) - len(begin[i]))
                    told = [score[first + k, column[token]] for k, token in enumerate(end[j])]
                    yield (i, j), float(sum(told))

    def _batches(self, rows: list[Tokens], shared: int) -> Iterator[list[Tokens]]:
        """Yield rows of one length together, as many as go through the model at once."""
        lengths: dict[int, list[Tokens]] = {}
        for row in rows:
            lengths.setdefault(len(row) - shared, []).append(row)
        for length in sorted(lengths):
            alike, most = lengths[length], min(BATCH_ROWS, max(1, self.batch_tokens // length))
            for start in range(0, len(alike), most):
                yield alike[start : start + most]

    def _read(self, tokens: Tokens) -> "Cache":
        """Return the key-value cache of the model once it has read ``tokens``."""
        import torch

        read = torch.tensor([tokens], device=self._device)
        past: Cache = self._model(input_ids=read, use_cache=True, logits_to_keep=1).past_key_values
        return past

    def _last_scores(
        self,
        rows: list[Tokens],
        past: "Cache | None",
        shared: int,
        keep: int,
        tokens: list[int],
    ) -> NDArray[np.float64]:
        """Return rows by the last ``keep`` positions by ``tokens``: log-probabilities.

        Args:
            rows: What is still to be read, all of one length.
            past: What the model remembers of the ``shared`` tokens before, the same for all rows.
            shared: How many those are.
            keep: How many positions are wanted.
            tokens: Whose probabilities are wanted.
        """
        import torch

        cache = None
        if past is not None:
            cache = deepcopy(past)  # the model writes into it
            cache.batch_repeat_interleave(len(rows))
        read = torch.tensor(rows, device=self._device)
        places = torch.arange(shared, shared + read.shape[1], device=self._device)
        logits = self._model(
            input_ids=read,
            position_ids=places.expand(len(rows), -1),
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=keep,
        ).logits.float()
        scores = logits[..., tokens] - logits.logsumexp(dim=-1, keepdim=True)
        return np.asarray(scores.cpu().numpy(), dtype=np.float64)


def chosen_device(name: Device) -> "torch.device":
    """Return the device called ``name``; there is always a CPU."""
    import torch

    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise Failure("there is no CUDA device", "set model.device to cpu or auto")
    return torch.device("cuda" if cuda and name != "cpu" else "cpu")


def _stored(precision: Precision) -> "torch.dtype":
    """Return in which type a model is loaded to run in some precision."""
    import torch

    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def in_int8(model: "torch.nn.Module") -> "torch.nn.Module":
    """Return ``model`` with matrices of whole numbers, in arithmetic that a CPU is fast at."""
    import torch
    from torch.ao.quantization import quantize_dynamic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will move into a package of its own
        found: torch.nn.Module = quantize_dynamic(  # type: ignore[no-untyped-call]
            model, {torch.nn.Linear}, torch.qint8
        )
    return found


def _fast_bfloat16(device: "torch.device") -> bool:
    """Return whether bfloat16 is faster than float32 there; the processor's flags tell."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        return False
    return bool(flags & FAST_BFLOAT16)
