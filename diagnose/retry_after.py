"""How long a server that turns a request away asks to wait."""

from email.utils import parsedate_to_datetime

import httpx


def retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds after which ``answer`` asks to try again; None where it does not.

    Reference: RFC 9110, section 10.2.3.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (moment - sent).total_seconds())  # by the receiver's own clock
    except (ValueError, TypeError):
        return None
