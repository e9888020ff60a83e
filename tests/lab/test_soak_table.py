"""The soak's table says what is not fine."""

from types import SimpleNamespace
from typing import Any

from diagnose import database
from diagnose.notify.outbox import Outbox
from tests.diagnose.notify.alertmanagers import Notified
from tests.diagnose.notify.made import Clock, Receiver, ledger, notice, scan
from tests.lab.soak_table import MEGA, Sample, Seen, lines, table


def unfine(seen, state, known=1, notified=None):
    peers: Any = [SimpleNamespace(active=lambda: known)]
    return [
        line.what for line in lines(seen, state, peers, notified or Notified()) if not line.fine
    ]


def seen(messages=(), grown=0, **more):
    samples = [Sample(5.0 * i, 7, (100 + grown * i) * MEGA, 20, 8) for i in range(12)]
    return Seen(samples, messages=list(messages), **more)


def test_what_was_lost_told_twice_or_grew_is_not_fine(tmp_path):
    state = tmp_path / "state.db"
    with ledger(f"sqlite:///{state}", clock := Clock(), (Receiver(),)) as book:
        scan(book, notice(hours=100))
        outbox = Outbox(book.engine)
        (waiting,) = outbox.unsent(9)
        assert unfine(seen(), state) == ["messages that were not sent"]
        assert outbox.claim(waiting, clock.now)
        outbox.ended(waiting, "sent", clock.now)
    key = (f"aitia-{waiting.id}", "fire")
    assert unfine(seen(), state) == ["messages noted as sent that it never got"]
    assert unfine(seen([key]), state) == []
    assert unfine(seen([key, key]), state) == ["messages sent again under their key"]
    assert unfine(seen([key, key], kills=1), state) == []
    assert unfine(seen([key]), state, known=0) == [
        "alerts that Alertmanager 1 knows, of those that stand"
    ]
    assert unfine(seen([key], asked=2, answered=1), state) == ["explanations answered"]
    assert unfine(seen([key], grown=3), state) == ["resident memory within the last 1 min"]
    twice = Notified()
    alert = ("firing", "AitiaFailurePredicted", "db1/sda")
    twice.seen += [(*alert, "am0"), (*alert, "am1")]
    assert unfine(seen([key]), state, notified=twice) == []
    twice.seen.append((*alert, "am0"))
    assert unfine(seen([key]), state, notified=twice) == ["notifications of Alertmanager, firing"]


def test_the_table_is_markdown(tmp_path):
    state = tmp_path / "state.db"
    database.connect(f"sqlite:///{state}").dispose()
    head, *rows = table(lines(seen(), state, [], Notified())).splitlines()
    assert head == "| what | seen |  |"
    assert all(row.startswith("|") for row in rows if row)
