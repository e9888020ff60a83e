"""A PostgreSQL server of our own, where its programs are installed."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest


def _programs() -> Path | None:
    """Return the folder of initdb and postgres; Debian keeps it off the search path."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (f for f in folders if (f / "initdb").exists()), Path(found).parent if found else None
    )


@pytest.fixture(scope="session")
def postgres_url():
    """Yield the address of an empty server that only this user reaches, on a Unix socket."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL IS NOT TESTED: no initdb on this machine")
    # The server refuses to run as root, and its socket's path must be short.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="aitia-pg-", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)
        options = [
            "-D",
            f"{folder}/db",
            "-A",
            "trust",
            "-U",
            "aitia",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        ]
        subprocess.run(
            [programs / "initdb", *options], user=user, cwd=folder, check=True, capture_output=True
        )
        server = subprocess.Popen(
            [programs / "postgres", "-D", f"{folder}/db", "-k", folder, "-h", "", "-F"],
            user=user,
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if "ready to accept connections" in line:
                    break
            yield f"postgresql://aitia@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # at once, whoever is still connected
            server.communicate(timeout=30)
