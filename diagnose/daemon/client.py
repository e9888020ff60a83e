"""How a command asks the daemon: over its socket, and only if that would answer as we would."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from diagnose.daemon.protocol import EXPLAIN, PATIENCE_SECONDS, WARNING, agreed

if TYPE_CHECKING:
    import httpx

    from diagnose.config import Settings
    from diagnose.question import Question
    from diagnose.schema import Diagnosis

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
    if not settings.daemon.socket.exists():
        return None
    import httpx
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
    transport = httpx.HTTPTransport(uds=str(settings.daemon.socket))
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(transport=transport, timeout=timeout) as client:
            reply = client.post(f"http://daemon{EXPLAIN}", json=asked)
    except httpx.HTTPError as error:
        raise NotAnswered(str(error) or type(error).__name__) from error
    if reply.status_code != httpx.codes.OK:
        raise NotAnswered(_why(reply))
    try:
        diagnosis = TypeAdapter(Diagnosis).validate_json(reply.content)
    except ValidationError as error:
        raise NotAnswered("its answer is no diagnosis") from error
    told = reply.headers.get(WARNING)
    return Answer(diagnosis, json.loads(told) if told else None)


def _why(reply: "httpx.Response") -> str:
    """Return why the daemon gave no answer."""
    try:
        return str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {reply.status_code}"
