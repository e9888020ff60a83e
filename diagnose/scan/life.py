"""The normal lives of hosts, as a scan asks them.

Every process that screens reads the file once. Which one it was is told beside its place, so that
one that is replaced while a scan runs does not judge some of its hosts.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from diagnose.failure import Failure
from diagnose.scan.panel import Panel
from models.lives import Lives, read_lives
from models.oddity import Judged, LifePredictor, judged


@dataclass(frozen=True, slots=True)
class Life:
    """What was learned, by its file: it is sent to the processes that screen.

    Attributes:
        file: As ``aitia train life`` wrote it.
        digest: Of what was in it when the scan began.
    """

    file: Path
    digest: str

    def judged(self, panel: Panel) -> Judged:
        """Return how surprising the last minutes of the hosts are.

        Raises:
            Failure: the file cannot be read, or is another one.
        """
        nodes = [signal.node for signal in panel.signals]
        return judged(self._lives(), nodes, panel.values, panel.step_seconds)

    def predictor(self, alpha: float) -> LifePredictor:
        """Return who announces what is odd.

        Args:
            alpha: Chance that a calm host is called odd.
        """
        return LifePredictor(self._lives(), alpha)

    def _lives(self) -> Lives:
        lives = _read(self.file, self.digest)
        if lives.digest != self.digest:
            what = f"{self.file} is not what it was when the scan began"
            raise Failure(what, "scan again; on a cluster, all machines need the same file")
        return lives


def learned_life(file: Path) -> Life | None:
    """Return what was learned; None where nothing was.

    Raises:
        Failure: the file is damaged.
    """
    return Life(file, read_lives(file).digest) if file.exists() else None


@lru_cache(maxsize=1)
def _read(file: Path, digest: str) -> Lives:
    """Return what is in ``file``, read once for each digest that is asked for."""
    return read_lives(file)
