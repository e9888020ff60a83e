"""The catalogue of faults: how each begins, how it is repaired, and what the truth is."""

import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.lab.system import Lab

CATALOGUE: Final[dict[str, "Fault"]] = {}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: What the bundle is called.
        root_causes: The truth: {entity, signal or None, also}, as in truth.json.
        inject: Begins it.
        heal: Does what an operator would do.
    """

    name: str
    root_causes: tuple[dict[str, Any], ...]
    inject: Callable[[Lab], None]
    heal: Callable[[Lab], None]


def cause(entity: str, signal_name: str | None = None, *also: str) -> dict[str, Any]:
    """Return one root cause; ``also`` are signals that say the same."""
    found: dict[str, Any] = {"entity": entity, "signal": signal_name}
    return found | ({"also": list(also)} if also else {})


def fault(
    name: str, *root_causes: dict[str, Any], heal: Callable[[Lab], None]
) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """Put the decorated injection into the catalogue."""

    def enter(inject: Callable[[Lab], None]) -> Callable[[Lab], None]:
        CATALOGUE[name] = Fault(name, root_causes, inject, heal)
        return inject

    return enter


def restart(name: str, change: str = "restart") -> Callable[[Lab], None]:
    """Return a repair: knobs back to normal, then the service anew."""

    def heal(lab: Lab) -> None:
        lab.turn(name)
        lab.replace(name, change)

    return heal


def knob_back(name: str) -> Callable[[Lab], None]:
    """Return a repair: knobs back to normal."""
    return lambda lab: lab.turn(name)


@fault(
    "redis_killed",
    cause("redis", "redis_up", "namedprocess_namegroup_num_procs"),
    heal=lambda lab: lab.redis(),
)
def redis_killed(lab: Lab) -> None:
    """Redis dies and nobody starts it again."""
    lab.children["redis"].signal(signal.SIGKILL)


def _end_report(lab: Lab) -> None:
    lab.children.pop("large-report").stop()


@fault(
    "cpu_hog",
    cause(
        "batch-job",
        "namedprocess_namegroup_cpu_seconds_total/mode=user",
        "namedprocess_namegroup_num_procs",
    ),
    heal=_end_report,
)
def cpu_hog(lab: Lab) -> None:
    """The batch job computes a large report with many processes at a high priority."""
    lab.note("batch-job", "job start", "yearly report started, 8 processes")
    module = "tests.lab.services.batch"
    command = [sys.executable, "-m", module, "--large", "8"]
    lab.start_extra("large-report", command, niceness=-17)


def _close_migration(lab: Lab) -> None:
    lab.sessions.pop().close()


@fault(
    "orders_table_locked",
    cause(
        "postgres",
        "pg_stat_activity_max_tx_duration/state=idle in transaction",
        "pg_stat_activity_count/state=idle in transaction",
        "pg_locks_count/mode=accessexclusivelock",
    ),
    heal=_close_migration,
)
def orders_table_locked(lab: Lab) -> None:
    """A migration changes the orders table and its session then waits without committing."""
    session = lab.session()
    lab.sessions.append(session)
    session.execute("BEGIN")
    session.execute("ALTER TABLE orders ADD COLUMN gift boolean")


@fault("catalog_slow_search", cause("catalog"), heal=restart("catalog", "deploy"))
def catalog_slow_search(lab: Lab) -> None:
    """A new version of catalog asks the database once for every item of a search page."""
    lab.replace("catalog", "deploy", defect="related_per_item")


@fault(
    "orders_memory_leak",
    cause(
        "orders",
        "process_resident_memory_bytes",
    ),
    heal=restart("orders"),
)
def orders_memory_leak(lab: Lab) -> None:
    """Orders keeps something of every request until its memory limit refuses more."""
    lab.turn("orders", leak_entries=10_000)


@fault("catalog_network_delay", cause("catalog"), heal=knob_back("wire"))
def catalog_network_delay(lab: Lab) -> None:
    """Everything that passes catalog's network interface is late."""
    lab.turn("wire", delay_seconds=0.11)


def _make_room(lab: Lab) -> None:
    lab.turn("backup")
    for dump in (lab.root / "volumes" / "database" / "dumps").glob("*.dump"):
        dump.unlink()
    if not lab.children["postgres"].alive:
        lab.postgres()


@fault(
    "database_volume_full",
    cause("backup", "backup_kept_bytes"),
    cause(
        "host",
        "node_filesystem_avail_bytes/mountpoint=/volumes/database",
    ),
    heal=_make_room,
)
def database_volume_full(lab: Lab) -> None:
    """The backup writes large dumps beside the database and deletes none."""
    lab.note("backup", "config write", "backup.toml: mode = full, retention = 1000 dumps")
    lab.turn("backup", pause=2, kept=1000, full=1)


def _right_password(lab: Lab) -> None:
    lab.note("orders", "config write", "orders.env: DATABASE_DSN")
    lab.replace("orders", "restart")


@fault("orders_wrong_password", cause("orders"), heal=_right_password)
def orders_wrong_password(lab: Lab) -> None:
    """Orders starts with a password that the database does not know."""
    lab.note("orders", "config write", "orders.env: DATABASE_DSN")
    lab.replace("orders", "restart", DATABASE_DSN=lab.dsn(password="shop2026"))


@fault(
    "web_socket_leak",
    cause(
        "web",
        "process_open_fds",
    ),
    heal=restart("web"),
)
def web_socket_leak(lab: Lab) -> None:
    """Web forgets to close some of its connections until no more files can be opened."""
    lab.turn("web", leak_sockets=0.8)


def _create_index(lab: Lab) -> None:
    lab.note("postgres", "migration", "CREATE INDEX orders_customer")
    with lab.session() as session:
        session.execute("CREATE INDEX orders_customer ON orders (customer_id)")


@fault(
    "orders_index_dropped",
    cause(
        "postgres",
        "pg_stat_user_tables_seq_tup_read/relname=orders",
    ),
    heal=_create_index,
)
def orders_index_dropped(lab: Lab) -> None:
    """A clean-up of the schema drops an index that the summaries need."""
    lab.note("postgres", "migration", "0042 remove unused indexes")
    with lab.session() as session:
        session.execute("DROP INDEX orders_customer")


@fault(
    "worker_connection_leak",
    cause("worker", "process_open_fds"),
    heal=restart("worker"),
)
def worker_connection_leak(lab: Lab) -> None:
    """The worker opens database connections and keeps them until none is left for the others."""
    lab.turn("worker", leak_connections=20)


def _usual_memory(lab: Lab) -> None:
    lab.note("redis", "config write", "CONFIG SET maxmemory 64mb maxmemory-policy allkeys-lru")
    lab.redis_cli("config", "set", "maxmemory", "64mb", "maxmemory-policy", "allkeys-lru")


@fault(
    "redis_out_of_memory",
    cause("redis", "redis_memory_max_bytes"),
    heal=_usual_memory,
)
def redis_out_of_memory(lab: Lab) -> None:
    """Redis may use less memory than it holds and may evict nothing: it refuses every write."""
    lab.note("redis", "config write", "CONFIG SET maxmemory 2mb maxmemory-policy noeviction")
    lab.redis_cli("config", "set", "maxmemory", "2mb", "maxmemory-policy", "noeviction")


@fault(
    "traffic_surge",
    cause("loadgen", "loadgen_arrival_rate", "loadgen_waiting_customers"),
    heal=knob_back("loadgen"),
)
def traffic_surge(lab: Lab) -> None:
    """Far more customers arrive than the system can serve."""
    lab.turn("loadgen", surge=14)


@fault(
    "catalog_frozen",
    cause("catalog", "up"),
    heal=lambda lab: lab.children["catalog"].signal(signal.SIGCONT),
)
def catalog_frozen(lab: Lab) -> None:
    """Catalog stands still: it accepts connections and answers none."""
    lab.children["catalog"].signal(signal.SIGSTOP)


@fault("web_bad_deploy", cause("web"), heal=restart("web", "deploy"))
def web_bad_deploy(lab: Lab) -> None:
    """A new version of web fails on most orders."""
    lab.replace("web", "deploy", defect="voucher")


def _remove_core(lab: Lab) -> None:
    for core in (lab.root / "volumes" / "cache").glob("core.*"):
        core.unlink()
    lab.redis_cli("bgsave")


@fault(
    "cache_volume_full",
    cause(
        "host",
        "node_filesystem_avail_bytes/mountpoint=/volumes/cache",
    ),
    heal=_remove_core,
)
def cache_volume_full(lab: Lab) -> None:
    """A core dump fills the volume on which Redis saves its snapshots."""
    with contextlib.suppress(OSError), (lab.root / "volumes/cache/core.1207").open("wb") as core:
        while True:
            core.write(bytes(65536))
            core.flush()
