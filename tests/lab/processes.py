"""Child processes: pinned to a CPU, limited, logged, and stopped by whoever started them."""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None)
_DIE_WITH_PARENT: Final = 1  # prctl's PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Limits:
    """What a child may use; None is no limit.

    Attributes:
        cpu: The only CPU it runs on.
        memory: Private memory in bytes.
        files: Open files.
        user: Account it runs as; only root can choose one.
        niceness: Its priority, of its session too, since Linux shares out the CPU between sessions
            first; only root can go below 0.
    """

    cpu: int | None = None
    memory: int | None = None
    files: int | None = None
    user: str | None = None
    niceness: int = 0

    def apply(self) -> None:
        """Limit the calling process."""
        os.setsid()
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if self.niceness:
            with contextlib.suppress(OSError):
                Path("/proc/self/autogroup").write_text(str(self.niceness))
                os.nice(self.niceness)
        if self.cpu is not None:
            os.sched_setaffinity(0, {self.cpu})
        if self.memory is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))
        if self.files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))


@dataclass
class Child:
    """A process that this one started."""

    name: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self, first: signal.Signals = signal.SIGTERM, patience: float = 8.0) -> None:
        """End the process and all that it started; ask first, insist after ``patience`` s."""
        if self.alive:
            self.signal(signal.SIGCONT)
            self.process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def start(
    name: str,
    command: Sequence[str],
    output: Path,
    limits: Limits,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Return a started child whose output is appended to ``output``."""
    user = limits.user if os.getuid() == 0 else None
    with output.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            preexec_fn=limits.apply,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    return Child(name, process)
