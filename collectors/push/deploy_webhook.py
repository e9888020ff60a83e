"""Changes that a pipeline or an operator tells of -> change events.

Reads:  POST body, a JSON object or a list of them:
        ``{"entity": "web1/shop", "change": "deploy", "version": "1.4.2"}``
        entity: what was changed. change: what was done, "deploy" where it is left out. time: when,
        ISO 8601 with its zone; else now. description: a sentence. Any other text or number
        ("version", "author", "url") goes along as an attribute
Emits:  logs; ``attributes.change`` makes each a change event
"""

import json
from datetime import datetime
from typing import Final

import polars as pl

from collectors.limits import Limits, in_time
from collectors.push import Decoded, Malformed, TooLarge
from collectors.push.json_body import moment, parsed
from diagnose.schema import LOGS

PROTOCOL: Final = "deploy webhook"
USUAL: Final = "deploy"
OWN: Final = ("entity", "change", "time", "description")


def decoded(body: bytes, now: datetime, limits: Limits | None = None) -> Decoded:
    """Return the changes in a request as records.

    Args:
        body: Unpacked.
        now: The receiver's clock, the time of changes that tell none.
        limits: What is taken.

    Raises:
        Malformed: the body is damaged.
    """
    limits = limits or Limits()
    given = parsed(PROTOCOL, body)
    changes = given if isinstance(given, list) else [given]
    if len(changes) > limits.records:
        raise TooLarge(f"{PROTOCOL}: a request holds at most {limits.records} changes")
    rows = [_record(change, now, limits) for change in changes]
    frame, rejected = in_time(pl.DataFrame(rows, LOGS, orient="row"), now, limits)
    return Decoded((frame,) if frame.height else (), rejected)


def _record(change: object, now: datetime, limits: Limits) -> tuple[datetime, str, str, str, str]:
    """Return a change as a row of LOGS.

    Raises:
        Malformed: it is none.
    """
    if not isinstance(change, dict) or len(change) > limits.labels:
        raise Malformed(f"{PROTOCOL}: a change is an object of at most {limits.labels} fields")
    entity, what = change.get("entity"), change.get("change", USUAL)
    description = change.get("description", "")
    if not (isinstance(entity, str) and entity and isinstance(what, str) and what):
        raise Malformed(f"{PROTOCOL}: entity and change are texts")
    if not isinstance(description, str):
        raise Malformed(f"{PROTOCOL}: description is a text")
    more = {
        key: value if isinstance(value, bool | int) else str(value)[: limits.label_bytes]
        for key, value in change.items()
        if key not in OWN and isinstance(value, str | int | float)
    }
    body = description or " ".join(filter(None, (what, str(more.get("version", "")))))
    return (
        moment(PROTOCOL, "time", change["time"]) if "time" in change else now,
        entity[: limits.label_bytes],
        "INFO",
        body[: limits.line_characters],
        json.dumps({"change": what[: limits.label_bytes], **more}),
    )
