"""The lab's system: starts everything, restarts single parts, stops everything."""

import getpass
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import psycopg

from tests.lab import ports, settings
from tests.lab.processes import Child, Limits, start

HERE: Final = Path(__file__).parent
LOCAL: Final = "127.0.0.1"
IMPORTS: Final = {"PYTHONPATH": str(HERE.parents[1])}
MODULES: Final = {
    "web": "tests.lab.services.front",
    "catalog": "tests.lab.services.catalog",
    "orders": "tests.lab.services.orders",
    "worker": "tests.lab.services.worker",
    "batch-job": "tests.lab.services.batch",
    "backup": "tests.lab.services.backup",
    "loadgen": "tests.lab.load",
}
MEMORY_LIMIT: Final = 320 * 1024 * 1024
FILE_LIMIT: Final = 1024
VOLUMES: Final = {"database": "576m", "cache": "16m"}  # tmpfs sizes
# niceness of what stands for things outside the host: a busy host must not slow it down
OUTSIDE: Final = -15
TOPOLOGY: Final = (
    ("loadgen", "web"),
    ("web", "catalog"),
    ("web", "orders"),
    ("catalog", "redis"),
    ("catalog", "postgres"),
    ("orders", "postgres"),
    ("orders", "redis"),
    ("worker", "redis"),
    ("worker", "postgres"),
    ("batch-job", "postgres"),
    ("backup", "postgres"),
)
# What runs on the machine; customers stand for things outside of it.
CONTAINS: Final = tuple(
    ("host", part)
    for part in (
        *("web", "catalog", "orders", "worker", "batch-job", "backup"),
        *("redis", "postgres"),
    )
)


class Lab:
    """The running system; a context manager that leaves nothing behind.

    Args:
        cpu: The one CPU that everything runs on, or None for all.
        rate: Customers a second in calm times.
    """

    def __init__(self, cpu: int | None = None, rate: float = 36.0) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="aitia-lab-"))
        self.root.chmod(0o755)
        self.cpu = cpu
        self.rate = rate
        self.children: dict[str, Child] = {}
        self.sessions: list[psycopg.Connection[Any]] = []  # that a fault holds open
        self.mounted: list[Path] = []
        self.account = "postgres" if os.getuid() == 0 else getpass.getuser()
        self.binaries = _postgres_binaries()
        self.version = {name: [1, random.randint(2, 9), 0] for name in MODULES}
        for folder in ("log", "knobs", "run", "volumes"):
            (self.root / folder).mkdir()

    def __enter__(self) -> "Lab":
        try:
            _refuse_occupied_ports()
            self._start_stores()
            self._start_services()
            self._start_monitoring()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every child, unmount every volume, remove the folder."""
        for name in reversed(list(self.children)):
            first = signal.SIGINT if name == "postgres" else signal.SIGTERM
            self.children.pop(name).stop(first, patience=5)
        for volume in self.mounted:
            subprocess.run(["umount", "-l", str(volume)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    # --- parts -------------------------------------------------------------------------------

    def service(self, name: str, change: str = "", defect: str = "", **environment: str) -> Child:
        """Start a service and wait until it listens; return the child.

        Args:
            name: Key of MODULES.
            change: What kind of change this start is, for its log; a deploy counts the version up.
            defect: What is wrong with this version.
            environment: Settings that differ from the usual ones.
        """
        if change == "deploy":
            self.version[name][2] += 1
        ready = self.root / "run" / f"{name}.{time.monotonic_ns()}"
        command = [
            *(sys.executable, "-m", MODULES[name]),
            *("--port", str(ports.SERVICES[name])),
            *("--log", str(self.root / "log" / f"{name}.log")),
            *("--knobs", str(self.root / "knobs" / f"{name}.json")),
            *("--ready", str(ready), "--change", change, "--defect", defect),
            *("--version", ".".join(map(str, self.version[name]))),
        ]
        files = FILE_LIMIT if name == "web" else None
        limits = Limits(self.cpu, MEMORY_LIMIT, files, niceness=OUTSIDE if name == "loadgen" else 0)
        child = self._start(name, command, limits, {**self._environment(name), **environment})
        wait_until(ready.exists, 30, f"{name} listens")
        return child

    def replace(
        self, name: str, change: str = "restart", defect: str = "", **environment: str
    ) -> None:
        """Start a service anew beside the old process, then stop that one: nobody is refused."""
        old = self.children.pop(name)
        try:
            self.service(name, change, defect, **environment)
        finally:
            old.stop()

    def turn(self, name: str, **knobs: float) -> None:
        """Set the knobs of a service; those not named go back to normal."""
        path = self.root / "knobs" / f"{name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(knobs))
        fresh.replace(path)

    def note(self, entity: str, change: str, body: str) -> None:
        """Log a change that a person or a deployment tool made to ``entity``."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "severity": "INFO",
            "body": body,
            "attributes": {"change": change},
        }
        with (self.root / "log" / f"{entity}.changes.log").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def redis(self) -> None:
        """Start Redis with an empty cache."""
        folder = self.root / "volumes" / "cache"
        (folder / "dump.rdb").unlink(missing_ok=True)
        path = settings.redis(self.root, folder)
        self._start("redis", ["redis-server", str(path)], Limits(self.cpu))
        wait_until(lambda: self.redis_cli("ping") == "PONG", 10, "Redis answers")

    def redis_cli(self, *words: str) -> str:
        """Return the answer of Redis to one command, or an empty text."""
        command = ["redis-cli", "-p", str(ports.REDIS), *words]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.stdout.strip()

    def postgres(self) -> None:
        """Start PostgreSQL."""
        command = [str(self.binaries / "postgres"), "-D", str(self.root / "volumes/database/pg")]
        self._start("postgres", command, Limits(self.cpu, user=self.account))
        wait_until(self._postgres_answers, 40, "PostgreSQL answers")

    def session(self, user: str | None = None) -> psycopg.Connection[Any]:
        """Return a database session of the operator, or of ``user``."""
        who = user or self.account
        return psycopg.connect(self.dsn(user=who), autocommit=True)

    def start_extra(self, name: str, command: list[str], niceness: int = 0) -> Child:
        """Start a process beside the system, pinned like the rest."""
        return self._start(name, command, Limits(self.cpu, niceness=niceness), IMPORTS)

    # --- how it starts -----------------------------------------------------------------------

    def _start(
        self,
        name: str,
        command: list[str],
        limits: Limits,
        environment: dict[str, str] | None = None,
    ) -> Child:
        output = self.root / "log" / f"{name}.out"
        self.children[name] = child = start(name, command, output, limits, environment)
        return child

    def _start_stores(self) -> None:
        for name, size in VOLUMES.items():
            volume = self.root / "volumes" / name
            volume.mkdir()
            if os.getuid() == 0:
                command = ["mount", "-t", "tmpfs", "-o", f"size={size}", f"lab-{name}"]
                subprocess.run([*command, str(volume)], check=True)
                self.mounted.append(volume)
        self.redis()
        data = self.root / "volumes" / "database" / "pg"
        log = self.root / "pglog" / "postgres.log"
        for folder in (data, log.parent):
            folder.mkdir()
            if os.getuid() == 0:
                shutil.chown(folder, self.account, self.account)
        initdb = [str(self.binaries / "initdb"), "-D", str(data), "-A", "scram-sha-256"]
        password = self.root / "run" / "password"
        password.write_text("shop\n")
        password.chmod(0o644)
        make = start(
            "initdb",
            [*initdb, "-E", "UTF8", "--locale=C.UTF-8", f"--pwfile={password}", "--no-sync"],
            self.root / "log" / "initdb.out",
            Limits(self.cpu, user=self.account),
        )
        if make.process.wait(120):
            raise RuntimeError("initdb failed")
        settings.postgres(data, log)
        self.postgres()
        with self.session() as session:
            for statement in (HERE / "schema.sql").read_text().split(";\n"):
                if statement.strip():
                    session.execute(statement.encode())

    def _start_services(self) -> None:
        routes = (
            f"{ports.WIRE_CATALOG}:{ports.CATALOG}",
            f"{ports.WIRE_REDIS}:{ports.REDIS}",
            f"{ports.WIRE_POSTGRES}:{ports.POSTGRES}",
        )
        module = [sys.executable, "-m", "tests.lab.services.wire"]
        knobs = ["--knobs", str(self.root / "knobs" / "wire.json")]
        self._start("wire", [*module, *knobs, *routes], Limits(self.cpu, niceness=OUTSIDE), IMPORTS)
        for name in MODULES:
            self.service(name)

    def _start_monitoring(self) -> None:
        def at(port: int) -> str:
            return f"{LOCAL}:{port}"

        listen = "--web.listen-address="
        only = ("cpu", "meminfo", "filesystem", "diskstats", "loadavg", "netdev", "vmstat", "stat")
        node = ["--collector.disable-defaults", *(f"--collector.{name}" for name in only)]
        node += ["--collector.pressure", "--collector.sockstat"]
        groups = str(settings.process_groups(self.root))
        commands = {
            "host": ["prometheus-node-exporter", listen + at(ports.NODE), *node],
            "redis-exporter": [
                "prometheus-redis-exporter",
                f"-redis.addr=redis://{at(ports.REDIS)}",
                f"-web.listen-address={at(ports.REDIS_EXPORTER)}",
            ],
            "postgres-exporter": [
                "prometheus-postgres-exporter",
                listen + at(ports.POSTGRES_EXPORTER),
                "--disable-settings-metrics",
                f"--extend.query-path={settings.table_statistics(self.root)}",
            ],
            "process-exporter": [
                "prometheus-process-exporter",
                *("-config.path", groups, "-threads=false", "-gather-smaps=false", "-recheck"),
                f"-web.listen-address={at(ports.PROCESSES)}",
            ],
            "prometheus": [
                "prometheus",
                f"--config.file={settings.prometheus(self.root)}",
                f"--storage.tsdb.path={self.root / 'tsdb'}",
                listen + at(ports.PROMETHEUS),
            ],
        }
        dsn = f"postgresql://{self.account}:shop@{at(ports.POSTGRES)}/postgres?sslmode=disable"
        for name, command in commands.items():
            self._start(
                name, command, Limits(self.cpu, niceness=OUTSIDE), {"DATA_SOURCE_NAME": dsn}
            )

    def _environment(self, name: str) -> dict[str, str]:
        database = ports.WIRE_POSTGRES if name == "catalog" else ports.POSTGRES
        return {
            **IMPORTS,
            "CATALOG_URL": f"http://{LOCAL}:{ports.WIRE_CATALOG}",
            "ORDERS_URL": f"http://{LOCAL}:{ports.ORDERS}",
            "WEB_URL": f"http://{LOCAL}:{ports.WEB}",
            "CACHE_URL": f"redis://{LOCAL}:{ports.WIRE_REDIS}/0",
            "QUEUE_URL": f"redis://{LOCAL}:{ports.REDIS}/0",
            "DATABASE_DSN": self.dsn(port=database),
            "POOL_SIZE": "10",
            "BASE_RATE": str(self.rate),
            "BACKUP_FOLDER": str(self.root / "volumes" / "database" / "dumps"),
            "PG_DUMP": str(self.binaries / "pg_dump"),
        }

    def dsn(self, port: int = ports.POSTGRES, user: str = "shop", password: str = "shop") -> str:
        """Return where the database is and who asks."""
        return f"host={LOCAL} port={port} user={user} password={password} dbname=postgres"

    def _postgres_answers(self) -> bool:
        try:
            self.session().close()
        except psycopg.OperationalError:
            return False
        return True


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as ``holds`` is true.

    Raises:
        TimeoutError: it was not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def _refuse_occupied_ports() -> None:
    """Raise where another lab runs: its stores would answer in place of ours."""
    for name, port in ports.SCRAPED.items() | {("redis", ports.REDIS), ("db", ports.POSTGRES)}:
        with socket.socket() as probe:
            if probe.connect_ex((LOCAL, port)) == 0:
                raise OSError(f"port {port} of {name} is in use")


def _postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's programs; Debian keeps them out of the path."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise FileNotFoundError("PostgreSQL's initdb")
    return max(found) if found else Path(str(on_path)).parent
