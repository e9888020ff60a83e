"""Processes that end with the one that started them, however that ended.

    python -m diagnose.scan.tether PID COMMAND ...

runs a command as a process that is killed as soon as process PID, which started it, is gone. Who is
killed himself can end nobody, so the kernel does it. Only Linux does: elsewhere such a process runs
to its own end.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # of <sys/prctl.h>; it outlives exec


def end_with(parent: int) -> None:
    """Have the kernel kill this process as soon as ``parent`` is gone.

    Args:
        parent: Process that started this one.

    Assumes:
        The thread that started this process lives as long as its process: its end counts.

    Raises:
        OSError: the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # gone before it was asked for
        os.kill(os.getpid(), signal.SIGKILL)


def tethered(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command line that runs ``command`` until it ends, or this process does."""
    return sys.executable, "-m", __name__, str(os.getpid()), *command


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
