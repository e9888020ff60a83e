"""What is told of, until when, and what a restart or a silence does to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from diagnose.notify.ledger import FORGOTTEN, KEPT, Round
from diagnose.notify.notice import of_diagnosis
from diagnose.notify.outbox import Outbox
from tests.diagnose.notify.made import (
    NOW,
    Clock,
    Receiver,
    diagnosis,
    ledger,
    nothing_muted,
    notice,
    scan,
)

ALERTMANAGER = Receiver("alertmanager http://a", "alertmanager")
WEBHOOK = Receiver()
PAGERDUTY = Receiver("pagerduty", "pagerduty")
EVERYONE = (ALERTMANAGER, WEBHOOK, PAGERDUTY)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(clock):
    with ledger("sqlite:///:memory:", clock, EVERYONE) as book:
        yield book


def waiting(book):
    return [(one.channel, one.event) for one in reversed(Outbox(book.engine).unsent(99))]


def send_all(book):
    """Say that everything that waits was sent."""
    outbox = Outbox(book.engine)
    for one in outbox.unsent(99):
        assert outbox.claim(one, book._clock())
        outbox.ended(one, "sent", book._clock())


def test_a_page_goes_everywhere_a_ticket_not_to_the_pager(book):
    scan(book, notice("a", hours=2))
    scan(book, notice("b", hours=100))
    scan(book, notice("c", hours=1000))
    names = [channel for channel, _ in waiting(book)]
    assert names == [one.name for one in (*EVERYONE, ALERTMANAGER, WEBHOOK)]


def test_what_is_seen_again_is_not_sent_again_but_its_words_are_new(book, clock):
    scan(book, notice(probability=0.7))
    clock.go(minutes=5)
    scan(book, notice(probability=0.8))
    assert len(waiting(book)) == 3
    (told,) = book.standing()
    assert told.notice.probability == 0.8
    assert (told.opened_at, told.seen_at) == (NOW, clock.now)


def test_missed_once_is_not_over(book):
    scan(book, notice())
    send_all(book)
    assert scan(book, read=["db1"]).over == 0
    scan(book, notice())
    assert scan(book, read=["db1"]).over == 0
    assert scan(book, read=["db1"]).over == 1
    assert waiting(book) == [(one.name, "resolve") for one in EVERYONE]


def test_a_host_that_says_nothing_keeps_its_notices_for_a_week(book, clock):
    scan(book, notice())
    for _ in range(6):
        clock.go(days=1)
        assert scan(book, read=["db2"]).over == 0
    clock.now = NOW + FORGOTTEN
    assert scan(book, read=["db2"], group="elsewhere").over == 0
    assert scan(book, read=["db2"]).over == 1


def test_who_was_not_told_of_it_is_not_told_of_its_end(book, clock):
    scan(book, notice())
    outbox = Outbox(book.engine)
    of = {one.channel: one for one in outbox.unsent(9)}
    assert outbox.claim(of["webhook"], clock.now)  # under way, nobody knows whether it arrived
    scan(book, read=["db1"])
    scan(book, read=["db1"])
    assert waiting(book) == [("webhook", "resolve")]


def test_a_ticket_that_comes_near_becomes_a_page(book):
    scan(book, notice(hours=100))
    send_all(book)
    settled = scan(book, notice(hours=10))
    assert list(settled.routes.values()) == ["page"]
    assert waiting(book) == [
        (ALERTMANAGER.name, "resolve"),  # of the other severity
        *((one.name, "fire") for one in EVERYONE),
    ]
    assert [told.route for told in book.standing()] == ["page"]


def test_a_page_that_comes_back_within_a_day_is_a_ticket(book, clock):
    scan(book, notice())
    for _ in range(2):
        scan(book, read=["db1"])
    clock.go(hours=23)
    assert list(scan(book, notice()).routes.values()) == ["ticket"]
    clock.go(hours=2)
    assert list(scan(book, notice()).routes.values()) == ["page"]


def test_beyond_the_budget_is_a_ticket_until_the_week_is_over(clock):
    with ledger("sqlite:///:memory:", clock, EVERYONE, pages_per_week=1) as book:
        scan(book, notice("a"))
        assert list(scan(book, notice("b")).routes.values()) == ["ticket"]
        assert book.pages() == {"": 1}
        clock.go(days=6, hours=23)
        assert list(scan(book, notice("b")).routes.values()) == ["ticket"]
        clock.go(hours=1)
        assert list(scan(book, notice("b")).routes.values()) == ["page"]


def test_each_group_has_a_budget_of_its_own(clock):
    chosen = {"pages_per_week": 1, "group_pages_per_week": {"db": 0}}
    with ledger("sqlite:///:memory:", clock, EVERYONE, **chosen) as book:
        for group, route in (("", "page"), ("web", "page"), ("db", "ticket")):
            settled = scan(book, notice(f"host of {group}", group=group), group=group)
            assert list(settled.routes.values()) == [route]


def test_what_is_silenced_is_told_when_it_no_longer_is(book):
    settled = scan(book, notice(), muted=lambda *_: True)
    assert list(settled.routes.values()) == ["held"]
    assert waiting(book) == []
    assert list(scan(book, notice()).routes.values()) == ["page"]
    assert len(waiting(book)) == 3


def test_a_diagnosis_is_a_ticket_where_an_alert_paged_and_lasts_its_time(book, clock):
    told = of_diagnosis(diagnosis(), "", alerted=True)
    lasts = timedelta(hours=4)
    settled = book.settle(Round("", (told,), lasts=lasts), nothing_muted)
    assert list(settled.routes.values()) == ["ticket"]
    scan(book, read=["shop"])
    scan(book, read=["shop"])
    clock.go(hours=3)
    book.upkeep()
    assert len(book.standing()) == 1
    clock.go(hours=1)
    book.upkeep()
    assert book.standing() == ()


def test_a_diagnosis_of_what_nobody_was_told_of_may_page(book):
    told = of_diagnosis(diagnosis(), "", alerted=False)
    assert list(book.settle(Round("", (told,)), nothing_muted).routes.values()) == ["page"]


def test_the_digest_comes_once_a_day_and_leaves_out_what_is_silenced(book, clock):
    for entity, probability in (("a", 0.2), ("b", 0.9), ("c", 0.5)):
        scan(book, notice(entity, probability, 1000.0))
    book.digest(13, nothing_muted)
    assert waiting(book) == [], "not before its hour"
    for _ in range(2):
        book.digest(12, lambda one, route: one.entity == "c")
    assert waiting(book) == [(ALERTMANAGER.name, "fire"), ("webhook", "fire")]
    (digest,) = [told.notice for told in book.standing() if told.notice.kind == "digest"]
    assert digest.summary == "2 failures to watch"
    assert [line.split()[2] for line in digest.lines] == ["b", "a"]
    clock.go(days=1)
    book.upkeep()
    book.digest(12, nothing_muted)
    late = [("webhook", "fire")]  # Alertmanager need not hear of what is over
    assert waiting(book) == [*late, (ALERTMANAGER.name, "fire"), ("webhook", "fire")]


def test_a_day_without_anything_has_no_digest(book):
    book.digest(0, nothing_muted)
    assert waiting(book) == []


def test_who_is_new_to_the_settings_is_told_of_what_stands(book, clock):
    scan(book, notice())
    send_all(book)
    book.receivers = (*EVERYONE, replace(ALERTMANAGER, name="alertmanager http://b"))
    book.upkeep()
    assert waiting(book) == [("alertmanager http://b", "fire")]
    book.receivers = EVERYONE
    book.upkeep()
    assert waiting(book) == []


def test_what_is_long_over_is_forgotten(book, clock):
    scan(book, notice())
    for _ in range(2):
        scan(book, read=["db1"])
    clock.go(days=KEPT.days)
    book.upkeep()
    with book.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM notices").scalar() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == 0


def test_postgres_keeps_it_too(postgres_url, clock):
    with ledger(postgres_url, clock, EVERYONE) as book:
        name = "db1/\0\N{PILE OF POO}"
        scan(book, notice(name))
        assert [told.route for told in book.standing()] == ["page"]
        scan(book, notice(name, hours=1))
        scan(book, read=["db1"])
        assert scan(book, read=["db1"]).over == 1
        book.upkeep()
        book.digest(0, nothing_muted)
