"""Kill aitia ingest fifty times under a real Prometheus and rsyslog; nothing may be lost.

python -m tests.lab.kill_ingest [--rounds 50] [--seed 1]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.diagnose.ingest.killing import kill_again_and_again

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        samples, lines = kill_again_and_again(Path(scratch), given.rounds, given.seed)
    sys.stdout.write(
        f"{given.rounds} kills: {samples:,} samples, none lost, none twice; "
        f"{lines:,} lines, none that was kept lost, none twice\n"
    )
