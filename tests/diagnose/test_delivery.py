import httpx
from hypothesis import given
from hypothesis import strategies as st

from diagnose.delivery import HOPELESS, outcome_of


@given(st.integers(200, 599), st.none() | st.integers(0, 10_000))
def test_only_what_can_never_be_taken_is_refused(status, seconds):
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    outcome = outcome_of(httpx.Response(status, headers=headers), "because")
    expected = "sent" if status < 300 else "refused" if status in HOPELESS else "later"
    assert (outcome.answer, outcome.status, outcome.reason) == (expected, status, "because")
    assert outcome.pause_seconds == (None if status < 300 else seconds)
