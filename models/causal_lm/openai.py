"""Beliefs of a language model behind an OpenAI-compatible address.

What leaves the site are fixed texts and kinds of signals, and only where a setting allows it; all
of it is recorded. An address that does not answer costs beliefs, not the diagnosis: the pairs stay
unanswered, and are counted.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from math import exp, log
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Failure
from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.prompt import ANSWERS, UNTUNED, belief, prompts

if TYPE_CHECKING:
    import httpx

QUESTIONS: Final = 60  # pairs that one incident may ask about
AT_ONCE: Final = 4  # requests under way at the same time
RETRIES: Final = 2  # after the first try
PAUSE_SECONDS: Final = 0.5  # before the first retry; twice that before the next
SURE: Final = 0.8  # probability of a letter that comes without any
LEAST: Final = log(1e-4)  # log-probability of a letter that is not among those reported
OPENING: Final = UNTUNED.templates[0].opening
INSTRUCTION: Final = OPENING + "Answer with one letter: A, B or C."
LETTERS: Final = tuple(answer.strip() for answer in ANSWERS)
BUSY: Final = {408, 409, 425, 429, 500, 502, 503, 504}  # worth another try


class OpenAiScorer:
    """Ask a chat model about pairs of kinds, in both orders.

    Args:
        base_url: The address up to and with its version, for example "https://host/v1".
        model: The model's name there.
        answers: What it has answered before.
        api_key: Its key, if it wants one; never recorded.
        allow_egress: Whether anything may leave the site.
        max_questions: Pairs that one call may ask about.
        timeout_seconds: For each request.

    Attributes:
        left_out: Pairs of the latest call that stayed without an answer.
        sent: Every text that left the site, each once, in the order of the questions.

    Raises:
        Failure: nothing may leave the site.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        answers: AnswerTable,
        api_key: str | None = None,
        allow_egress: bool = False,
        max_questions: int = QUESTIONS,
        timeout_seconds: float = 20.0,
    ) -> None:
        if not allow_egress:
            what = f"the proposer openai would send kinds of signals to {base_url}"
            raise Failure(what, "set allow_egress to true, or choose another model.proposer")
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.model = model
        self.answers = answers
        self.max_questions = max_questions
        self.timeout_seconds = timeout_seconds
        self.left_out = 0
        self.sent: tuple[str, ...] = ()
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return one belief a pair, in order; what was not answered says so.

        Args:
            pairs: Kinds of the fixed vocabulary, the most relevant first.

        Raises:
            Failure: the address refuses us, or what it answers is no chat completion.
        """
        beliefs, self.left_out = self.answers.complete(pairs, self.ask, self.max_questions)
        return beliefs

    def ask(self, pairs: Sequence[Pair]) -> dict[Pair, PairBelief]:
        """Return what the model answers about each pair; those without an answer are missing."""
        import httpx

        first_template = [prompts(pair, UNTUNED)[:2] for pair in pairs]
        both_orders = [text for texts in first_template for text in texts]
        texts = [text.removeprefix(OPENING) for text in both_orders]  # it is in the instruction
        with (
            httpx.Client(headers=self._headers, timeout=self.timeout_seconds) as client,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            line = _Line(client, self.url)
            asked = list(pool.map(lambda text: line.post(self._request(text)), texts))
        left = [text for text, (_, tried) in zip(texts, asked, strict=True) if tried]
        self.sent = tuple(dict.fromkeys([*self.sent, *([INSTRUCTION] if left else []), *left]))
        said = [letters(reply) if reply is not None else None for reply, _ in asked]
        nothing = np.zeros((1, len(ANSWERS)))  # asked without content, a chat model says "neither"
        return {
            pair: belief(np.stack([forth, back]), nothing)
            for pair, forth, back in zip(pairs, said[::2], said[1::2], strict=True)
            if forth is not None and back is not None
        }

    def _request(self, text: str) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [
                {"role": "system", "content": INSTRUCTION},
                {"role": "user", "content": text},
            ],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 20,
        }


class _Line:
    """One address during one call: once it fails for good, nothing more is sent to it."""

    def __init__(self, client: "httpx.Client", url: str) -> None:
        self.client = client
        self.url = url
        self.dead = False

    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
        """Return the reply, None if there is none after some tries, and whether it was sent."""
        import httpx

        tried = False
        for attempt in range(RETRIES + 1):
            if self.dead:
                return None, tried
            if attempt:
                sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            tried = True
            try:
                reply = self.client.post(self.url, json=body)
            except httpx.TransportError:
                continue
            if reply.status_code not in BUSY:
                return _parsed(reply), tried
        self.dead = True
        return None, tried


def letters(reply: dict[str, Any]) -> NDArray[np.float64]:
    """Return the log-probability of each answer, from those reported, else from the letter said.

    Raises:
        Failure: the reply is no chat completion.
    """
    try:
        choice = reply["choices"][0]
        said = str(choice["message"]["content"] or "").strip()[:1].upper()
        first = ((choice.get("logprobs") or {}).get("content") or [{}])[0]
        found = {token["token"].strip(): float(token["logprob"]) for token in
                 reversed(first.get("top_logprobs") or [])}  # fmt: skip
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Failure("the reply is no chat completion", "check openai.base_url") from error
    if not found.keys() & set(LETTERS):
        if said not in LETTERS:
            return np.full(len(LETTERS), -log(len(LETTERS)))  # no opinion
        rest = log((1 - SURE) / (len(LETTERS) - 1))
        found = {letter: log(SURE) if letter == said else rest for letter in LETTERS}
    likely = np.array([max(found.get(letter, LEAST), LEAST) for letter in LETTERS])
    return np.asarray(likely - log(sum(exp(x) for x in likely)))


def openai_scorer(
    base_url: str,
    model: str,
    cache: Path,
    api_key: str | None = None,
    allow_egress: bool = False,
    max_questions: int = QUESTIONS,
) -> OpenAiScorer:
    """Return a scorer over a model behind an address; its answers are kept in ``cache``.

    Raises:
        Failure: nothing may leave the site.
    """
    identity = sha256(f"{base_url} {model}".encode()).hexdigest()
    answers = AnswerTable(identity, cache)
    return OpenAiScorer(base_url, model, answers, api_key, allow_egress, max_questions)


def _parsed(reply: "httpx.Response") -> dict[str, Any]:
    """Return the JSON object of a reply that is not worth another try."""
    if reply.is_error:
        what = f"the model's address answers {reply.status_code} {reply.reason_phrase}"
        raise Failure(what, "check openai.base_url, openai.model and openai.api_key")
    try:
        body = reply.json()
    except ValueError as error:
        raise Failure("the reply is no JSON", "check openai.base_url") from error
    if not isinstance(body, dict):
        raise Failure("the reply is no chat completion", "check openai.base_url")
    return body
