"""A real Ray cluster on this machine, in a network namespace of its own: nobody else reaches it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.programs import needed

PORT = 6379
LOCAL = "127.0.0.1"
ENVIRONMENT = {
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_enable_metrics_collection": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_ADDRESS": f"{LOCAL}:{PORT}",
    "OMP_NUM_THREADS": "1",
}


class Namespace:
    """A network namespace that has nothing but its loopback."""

    def __init__(self, ip, name, environment):
        self.ip = ip
        self.name = name
        self.environment = os.environ | environment

    def run(self, *command):
        inside = [self.ip, "netns", "exec", self.name, *command]
        return subprocess.run(
            inside,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )


@contextmanager
def namespace(environment):
    """Yield a namespace; all that still runs in it is killed in the end."""
    ip = needed("ip", "iproute2")
    name = f"aitia-{os.getpid()}"
    added = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if added.returncode:
        pytest.skip(f"NOT TESTED: no network namespace can be made: {added.stderr.strip()}")
    try:
        subprocess.run([ip, "-n", name, "link", "set", "lo", "up"], check=True)
        yield Namespace(ip, name, environment)
    finally:
        inside = subprocess.run([ip, "netns", "pids", name], capture_output=True, check=True)
        for pid in inside.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        subprocess.run([ip, "netns", "del", name], check=True)


@contextmanager
def ray_cluster(cores):
    """Yield the namespace of a Ray cluster with some cores."""
    if find_spec("ray") is None:
        pytest.skip("NOT TESTED: Ray is not installed (make lab installs it)")
    folder = tempfile.mkdtemp(prefix="ray-")  # short: the paths of its sockets must be
    try:
        with namespace(ENVIRONMENT) as inside:
            started = inside.run(
                *(str(Path(sys.executable).with_name("ray")), "start", "--head"),
                *("--node-ip-address", LOCAL, "--port", str(PORT), "--num-cpus", str(cores)),
                *("--object-store-memory", str(100 * 2**20), "--temp-dir", folder),
                *("--include-dashboard", "false", "--disable-usage-stats"),
            )
            assert started.returncode == 0, started.stdout + started.stderr
            yield inside
    finally:
        shutil.rmtree(folder, ignore_errors=True)
