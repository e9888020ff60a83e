"""What becomes of what is sent over HTTP: it is taken, tried again later, or refused for good."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

import httpx

from diagnose.retry_after import retry_after

Answer = Literal["sent", "refused", "later"]

TOLD: Final = 300  # characters of an answer that people are told
# What will never be taken, however often it is sent. A wrong token or address can be repaired.
HOPELESS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request.

    Attributes:
        answer: "refused" for good, or to be tried "later".
        reason: Why it was not sent, or what was answered; "" for nothing to tell.
        status: HTTP's; None where nobody answered.
        pause_seconds: What the receiver asks to wait; None where it asks for nothing.
    """

    answer: Answer
    reason: str = ""
    status: int | None = None
    pause_seconds: float | None = None


def outcome_of(answer: httpx.Response, reason: str) -> Outcome:
    """Return what became of the request that was answered so.

    Args:
        answer: Its status and headers are looked at.
        reason: What people are told of it.
    """
    if answer.is_success:
        return Outcome("sent", reason, answer.status_code)
    refused = answer.status_code in HOPELESS
    return Outcome(
        "refused" if refused else "later", reason, answer.status_code, retry_after(answer)
    )
