"""A process that is killed while it tells people: nothing is lost, little is said again."""

import json
import random
import subprocess
import sys
import time
from collections import Counter

from tests.diagnose.notify.tell_forever import FAILURES
from tests.programs import wait_until
from tests.static_server import served

KILLS = 2
LATER = 61  # seconds: when the lease of what was under way is over


def test_what_was_decided_is_sent_once_however_often_the_process_is_killed(tmp_path):
    sent: Counter[str] = Counter()
    entities = set()

    def webhook(path, headers, body):
        sent[headers["Idempotency-Key"]] += 1
        entities.add(json.loads(body)["labels"]["entity"])
        return 200, {}

    chance = random.Random(1)
    with served(webhook) as url:
        for run in range(KILLS + 1):
            command = [sys.executable, "-m", "tests.diagnose.notify.tell_forever"]
            command += [str(tmp_path / "state.db"), url, str(LATER * run)]
            before = len(sent)
            with subprocess.Popen(command) as process:
                if run < KILLS:
                    wait_until(lambda before=before: len(sent) > before + 2)
                    time.sleep(chance.uniform(0, 0.3))
                    process.kill()
                else:
                    assert process.wait(60) == 0
    assert len(sent) == len(entities) == FAILURES
    assert sum(sent.values()) - FAILURES <= KILLS, "only what was under way is sent again"
