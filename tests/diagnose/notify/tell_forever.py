"""A process that sees one failure after the other, to be killed: STATE WEBHOOK SECONDS.

Its clock goes so many seconds ahead, as if it had been started that much later.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from diagnose import database
from diagnose.notify.notifier import Notifier
from diagnose.settings.notify import NotifySection
from tests.diagnose.notify.made import prediction

FAILURES = 120  # more than are told before the last kill

if __name__ == "__main__":
    state, url, seconds = sys.argv[1:]
    ahead = timedelta(seconds=float(seconds))
    section = NotifySection.model_validate({"webhook": {"url": url}})
    engine = database.connect(f"sqlite:///{state}")
    notifier = Notifier(engine, section, CollectorRegistry(), lambda: datetime.now(UTC) + ahead)
    notifier.start()
    known = {one.notice.entity for one in notifier.ledger.standing()}
    for number in range(FAILURES):
        if f"host{number}" not in known:
            notifier.scanned("", [(prediction(f"host{number}"), ())], {f"host{number}"})
            time.sleep(0.03)
    while notifier.outbox.unsent(1):
        time.sleep(0.1)
    notifier.stop()
