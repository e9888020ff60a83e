"""Real programs that a test starts on free ports of 127.0.0.1 and stops again."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

LOCAL = "127.0.0.1"


def needed(program, package):
    """Return where a program is; skip the test loudly where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"NOT TESTED: {program} is not installed (Debian: {package})")
    return found


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


def wait_until(holds, seconds=60.0, what="a program answers"):
    """Return what ``holds`` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return found


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((LOCAL, port)) == 0


@contextmanager
def started(command, output):
    """Run a program for as long as the block runs; its output goes to a file."""
    with output.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
