"""Ask published packages, in their own environment, for rankings of the rows that Aitia reads.

A ranking of unchanged rows by an unchanged package is the same again, so it is kept on disk. What
crashes or takes too long is a failed case with its reason, and is kept as such as well.
"""

import hashlib
import json
import select
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from diagnose.schema import Failure
from tests.bench.peers.rankers import Rows

HERE: Final = Path(__file__).parent
PYTHON: Final = Path(".venv-peers/bin/python")
RUNNER: Final = HERE / "published.py"
CAP: Final = 60.0  # seconds a case may take
START: Final = 60.0  # seconds that importing the packages may take beside
HOPELESS: Final = 5  # cases in a row that took too long, after which a method is asked no more
REVISION: Final = 1  # of what published.py makes of a case; a higher one forgets what is kept

METHODS: Final = {
    "BARO (RCAEval)": "baro",
    "CIRCA (RCAEval, PC graph)": "circa-pc",
    "CIRCA (RCAEval, call graph)": "circa-calls",
    "RCD (PyRCA)": "rcd",
}
METHODS_ON_CALLS: Final = ("circa-calls",)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a package answered about one case.

    Attributes:
        ranking: Places of signals, most suspicious first; None where it failed.
        seconds: How long it took, starting the process not counted.
        failure: Why there is no ranking; "" where there is one.
    """

    ranking: tuple[int, ...] | None
    seconds: float
    failure: str = ""


class Packages:
    """A process that runs published packages, restarted after a case that took too long.

    Args:
        cache: Folder that keeps the answers.
        command: What to start; it speaks the protocol of ``published.py``.
        cap: Seconds that a case may take.

    Raises:
        Failure: there is nothing to start.
    """

    def __init__(
        self, cache: Path, command: tuple[str, ...] = (str(PYTHON), str(RUNNER)), cap: float = CAP
    ) -> None:
        if not Path(command[0]).exists():
            raise Failure(f"{command[0]} is not there", "make it with: make bench INCIDENTS=DIR")
        self._cache, self._command, self._cap = cache, command, cap
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="peers-")
        self._pins = "".join(
            file.read_text(encoding="utf-8") for file in sorted(HERE.glob("*.txt"))
        )
        self._late: dict[str, int] = {}  # cases in a row that took too long, by method

    def __enter__(self) -> Self:
        """Return itself; the process starts with the first question."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process and remove what was handed over."""
        self._stop()
        self._scratch.cleanup()

    def ask(self, method: str, rows: Rows) -> Asked:
        """Return what the package behind ``method`` makes of ``rows``, from disk if it is known."""
        values = np.vstack([rows.past, rows.now])
        edges = structural_edges(rows)
        asked = [method, len(rows.past), edges, values.shape, REVISION, self._pins, self._cap]
        key = hashlib.sha256(json.dumps(asked).encode() + values.tobytes()).hexdigest()
        file = self._cache / method / f"{key[:32]}.json"
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            ranking = None if kept["ranking"] is None else tuple(kept["ranking"])
            return self._counted(method, Asked(ranking, kept["seconds"], kept["failure"]))
        if self._late.get(method, 0) >= HOPELESS:
            return Asked(
                None, 0.0, f"not asked: {HOPELESS} in a row took longer than {self._cap:g} s"
            )
        answer = self._run(method, values, len(rows.past), edges)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(answer)), encoding="utf-8")
        return self._counted(method, answer)

    def _counted(self, method: str, answer: Asked) -> Asked:
        """Return ``answer``, having counted whether it came too late."""
        late = answer.ranking is None and answer.seconds >= self._cap
        self._late[method] = self._late.get(method, 0) + 1 if late else 0
        return answer

    def _run(
        self, method: str, values: np.ndarray[Any, Any], baseline: int, edges: list[tuple[int, int]]
    ) -> Asked:
        """Return what the process answers, or why it does not."""
        table = Path(self._scratch.name) / "rows.npy"
        np.save(table, values, allow_pickle=False)
        request = {"method": method, "table": str(table), "baseline": baseline, "edges": edges}
        self._start()
        begin = perf_counter()
        answer = self._answer(request, self._cap)
        seconds = perf_counter() - begin
        if answer is None or self._process is None or self._process.poll() is not None:
            self._stop()
        if answer is None:
            return Asked(None, seconds, f"took longer than {self._cap:g} s")
        if "ranking" not in answer:
            return Asked(None, seconds, answer["error"])
        return Asked(tuple(answer["ranking"]), seconds)

    def _start(self) -> None:
        """Start the process if none runs, and wait until it has read its libraries."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            if self._answer({"method": "ready"}, START) is None:
                self._stop()
                raise Failure(f"{self._command} does not start", "remove .venv-peers, try again")

    def _answer(self, request: dict[str, Any], within: float) -> dict[str, Any] | None:
        """Return the line that the process answers; None where none comes in time."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        line, deadline = b"", perf_counter() + within
        while not line.endswith(b"\n"):
            left = deadline - perf_counter()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                return None
            part = process.stdout.read(1 << 16)
            if not part:
                return {"error": f"the process ended with {process.wait()}"}
            line += part
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None


def structural_edges(rows: Rows) -> list[tuple[int, int]]:
    """Return causes and effects as a structural graph over the call graph would have them.

    A callee's signal acts on the caller's signal of the same name, load the other way; on one
    entity, load acts on everything else.
    """
    place = {signal.node: i for i, signal in enumerate(rows.signals)}
    at: dict[str, list[int]] = {}
    for i, signal in enumerate(rows.signals):
        at.setdefault(signal.node.entity, []).append(i)
    edges = []
    for caller, callee in rows.calls:
        for i in at.get(callee, ()):
            signal = rows.signals[i]
            other = place.get(type(signal.node)(caller, signal.node.signal))
            if other is not None:
                edges.append((other, i) if signal.kind.load else (i, other))
    if rows.calls:
        load = [signal.kind.load for signal in rows.signals]
        for places in at.values():
            edges += [(i, j) for i in places for j in places if load[i] and not load[j]]
    return edges
