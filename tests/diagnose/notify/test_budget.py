"""Nobody is paged more often than the site wants, and never for the lesser evil."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.notify.budget import RANK, WEEK, Asked, chosen, decided
from tests.diagnose.notify.made import Clock, ledger, nothing_muted, notice, policy, scan

FAILURES = ("disk-failure", "fan-failure", "gpu-failure")
COSTS = {"disk-failure": 10.0, "gpu-failure": 40.0}
predicted = st.builds(
    notice,
    st.sampled_from(["a/sda", "a/sdb", "b", "c", "d", "e/fan1"]),
    st.floats(0, 1),
    st.floats(0, 400),
    st.sampled_from(FAILURES),
    calibration=st.sampled_from(["calibrated", "calibrated", "uncalibrated"]),
)
rounds = st.lists(
    st.tuples(
        st.sampled_from(["", "db"]),
        st.lists(predicted, max_size=5),
        st.integers(0, 100),  # hours to the next
        st.sets(st.sampled_from("abcde")),  # hosts that were read and predicted nothing
    ),
    max_size=12,
)


@given(rounds, st.integers(0, 3))
@settings(max_examples=30)
def test_pages_keep_to_the_budget_to_the_order_and_to_what_may_page(given, most):
    url, clock = "sqlite:///:memory:", Clock()
    pages: list[tuple[str, datetime, str]] = []
    with ledger(url, clock, pages_per_week=most, costs=COSTS) as book:
        for group, notices, hours, read in given:
            before = {told.notice.key: told.route for told in book.standing()}
            settled = scan(book, *notices, group=group, read=read)
            known = {told.notice.key: told for told in book.standing()}
            lately = {key for _, at, key in pages if clock.now - at < timedelta(days=1)}
            assert not settled.paged & lately, "the same thing paged twice"
            pages += [(group, clock.now, key) for key in settled.paged]
            cheapest = min((known[key].expected_loss for key in settled.paged), default=0.0)
            for key in settled.routes:
                told = known[key].notice
                if key in settled.paged:
                    assert told.calibration == "calibrated"
                    assert told.lead_time_seconds <= 24 * 3600
                elif settled.paged and book.policy.may_page(told):
                    already = before.get(key) == "page" or key in lately
                    assert already or known[key].expected_loss <= cheapest, "the lesser evil paged"
                assert RANK[settled.routes[key]] >= RANK[before.get(key, "held")]
            clock.go(hours=hours)
    for group, begin, _ in pages:
        week = Counter(g for g, at, _ in pages if begin <= at < begin + WEEK)
        assert week[group] <= most


@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 1e9)), unique_by=lambda one: one[0]))
def test_the_order_in_which_notices_come_does_not_matter(losses):
    assert chosen(losses, 2) == chosen(reversed(losses), 2)


def test_what_is_uncalibrated_pages_nobody_however_sure_and_near():
    asked = {
        "k": Asked(notice(probability=1.0, hours=0, calibration="uncalibrated"), "held", False)
    }
    assert decided(asked, policy(), 5, nothing_muted) == {"k": "ticket"}


def test_far_off_is_a_ticket_and_further_off_a_line_of_the_digest():
    asked = {str(hours): Asked(notice(hours=hours), "held", False) for hours in (24, 25, 168, 169)}
    routes = decided(asked, policy(), 5, nothing_muted)
    assert list(routes.values()) == ["page", "ticket", "ticket", "digest"]


def test_what_costs_more_comes_first():
    asked = {
        failure: Asked(notice(failure=failure, probability=p), "held", False)
        for failure, p in (("fan-failure", 0.99), ("gpu-failure", 0.5))
    }
    routes = decided(asked, policy(costs=COSTS), 1, nothing_muted)
    assert routes == {"gpu-failure": "page", "fan-failure": "ticket"}


def test_what_is_silenced_as_a_page_leaves_the_page_to_others():
    asked = {name: Asked(notice(name), "held", False) for name in ("a", "b")}
    routes = decided(asked, policy(), 1, lambda one, route: one.entity == "a")
    assert routes == {"a": "held", "b": "page"}
