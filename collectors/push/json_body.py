"""Bodies of JSON, read so that whatever is wrong with them is said in one way."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from collectors.push import Malformed
from collectors.push.objects import refuse_dense_json

HALF_A_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]")  # an escape that may stand alone


def parsed(protocol: str, body: bytes) -> Any:  # noqa: ANN401 - a value of JSON
    """Return the value that ``body`` is; half a character, which no table can hold, becomes "?".

    Args:
        protocol: What the sender is told that it speaks.
        body: Unpacked.

    Raises:
        TooLarge: it holds too many values.
        Malformed: it is no JSON, or nested too deeply.
    """
    refuse_dense_json(protocol, body)
    try:
        value = json.loads(body)
        if HALF_A_CHARACTER.search(body):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{protocol}: the body is no valid JSON") from error
    return value


def moment(protocol: str, place: str, given: object) -> datetime:
    """Return a time, in UTC.

    Args:
        protocol: What the sender is told that it speaks.
        place: Where the time stands.
        given: What stands there.

    Raises:
        Malformed: it is no time, or tells no zone.
    """
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # told below, with all else that is no time
    raise Malformed(f"{protocol}: {place} is a time of ISO 8601 with its zone")
