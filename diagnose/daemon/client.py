"""How a command asks the daemon: over its socket, and only if that would answer as we would."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from diagnose.daemon.protocol import EXPLAIN, PAIRS, PATIENCE_SECONDS, WARNING, agreed

if TYPE_CHECKING:
    import httpx

    from diagnose.config import Settings
    from diagnose.question import Question
    from diagnose.schema import Diagnosis
    from models.causal_lm.belief import Pair, PairBelief

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 300.0  # an answer that was begun is worth the wait: here it would be slower


class NotAnswered(Exception):  # noqa: N818 - it reads "raise NotAnswered(why)"
    """The daemon did not answer, and what it was asked has to be done here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon answered.

    Attributes:
        diagnosis: The same as would be found here.
        warning: What the person who asked should know; None for nothing.
    """

    diagnosis: "Diagnosis"
    warning: str | None


def explained(question: "Question", settings: "Settings") -> Answer | None:
    """Return what the daemon answers; None where none runs.

    Raises:
        NotAnswered: there is one, and it gave no answer; the text says why.
    """
    if not _runs(settings):
        return None
    from pydantic import TypeAdapter, ValidationError

    from diagnose.schema import Diagnosis

    asked = {
        "bundle": str(question.bundle.absolute()) if question.bundle else None,
        "alert": question.alert,
        "at": question.at.isoformat() if question.at else None,
        "entity": question.entity,
        "as_of": question.as_of.isoformat() if question.as_of else None,
        "settings": agreed(settings),
        "deadline_seconds": PATIENCE_SECONDS,
    }
    reply = _posted(EXPLAIN, asked, settings)
    try:
        diagnosis = TypeAdapter(Diagnosis).validate_json(reply.content)
    except ValidationError as error:
        raise NotAnswered("its answer is no diagnosis") from error
    told = reply.headers.get(WARNING)
    return Answer(diagnosis, json.loads(told) if told else None)


def believed(pairs: "Sequence[Pair]", settings: "Settings") -> "dict[Pair, PairBelief] | None":
    """Return what the daemon's model says about pairs of kinds; None where none runs.

    Args:
        pairs: Kinds of the fixed vocabulary.
        settings: Of this site.

    Raises:
        NotAnswered: there is a daemon, and it gave no answer; the text says why.
    """
    if not _runs(settings):
        return None
    from pydantic import TypeAdapter

    from models.causal_lm.belief import PairBelief

    asked = {
        "pairs": [(a.name, b.name) for a, b in pairs],
        "settings": agreed(settings),
        "urgency": "background",
        "deadline_seconds": PATIENCE_SECONDS,
    }
    reply = _posted(PAIRS, asked, settings)
    try:
        beliefs = TypeAdapter(tuple[PairBelief, ...]).validate_json(reply.content)
        return {
            pair: belief for pair, belief in zip(pairs, beliefs, strict=True) if belief.answered
        }
    except ValueError as error:
        raise NotAnswered("its answer is no list of beliefs") from error


def _runs(settings: "Settings") -> bool:
    """Return whether there is a socket that we may know of."""
    try:
        return settings.daemon.socket.is_socket()
    except OSError:  # a folder that is closed to us
        return False


def _posted(path: str, asked: Mapping[str, Any], settings: "Settings") -> "httpx.Response":
    """Return what the daemon answers.

    Raises:
        NotAnswered: nothing, or why it does not.
    """
    import httpx

    transport = httpx.HTTPTransport(uds=str(settings.daemon.socket))
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(transport=transport, timeout=timeout) as client:
            reply = client.post(f"http://daemon{path}", json=asked)
    except httpx.HTTPError as error:
        raise NotAnswered(str(error) or type(error).__name__) from error
    if reply.status_code != httpx.codes.OK:
        raise NotAnswered(_why(reply))
    return reply


def _why(reply: "httpx.Response") -> str:
    """Return why the daemon gave no answer."""
    try:
        return str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {reply.status_code}"
