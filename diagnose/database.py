"""The state database itself: it is reached, kept safe, and brought to the newest tables."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Final

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from diagnose.failure import Failure

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_WAIT_SECONDS: Final = 20.0  # for another process that writes
_UPGRADE_LOCK: Final = 0x417469  # PostgreSQL's advisory lock, any number that nobody else takes


def connect(url: str, password: str | None = None) -> sa.Engine:
    """Return the database behind ``url`` with the newest tables, which it creates or upgrades.

    Any number of processes may open it at once: one upgrades, the others wait.

    Args:
        url: ``sqlite:///FILE`` (``~`` is the home) or ``postgresql://USER@HOST:PORT/NAME``.
        password: Of the database's user, where ``url`` has none.

    Raises:
        Failure: it cannot be reached, is no such database, or a newer version made its tables.
    """
    address = _address(url, password)
    engine = _sqlite(address) if address.drivername == "sqlite" else _postgres(address)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        with told(address):
            _upgrade(engine)
        undo.pop_all()
    return engine


def writing(engine: sa.Engine) -> sa.Engine:
    """Return ``engine`` for transactions that write.

    On SQLite they take the write lock at once. A transaction that starts by reading and then wants
    to write cannot wait for another writer: it fails when both do so.
    """
    return engine.execution_options(writes=True)


@contextmanager
def told(address: sa.URL) -> Iterator[None]:
    """Turn what a database refuses into a Failure that names it, without its password."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        why = " ".join(str(error.orig).split())
        raise Failure(
            f"state database {address.render_as_string()}: {why}", "see store.url"
        ) from error


def _address(url: str, password: str | None) -> sa.URL:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Failure("store.url is no address of a database", "write sqlite:///FILE") from error
    if address.drivername == "sqlite":
        file = Path(address.database or ":memory:").expanduser()
        return address.set(database=str(file))
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        return address if password is None else address.set(password=password)
    raise Failure(f"no support for databases of kind {address.drivername}", "see store.url")


def _sqlite(address: sa.URL) -> sa.Engine:
    file = address.database or ""
    if file != ":memory:":
        try:
            Path(file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(
                f"no folder for the state database {file}: {error.strerror}", "see store.url"
            ) from error
    engine = sa.create_engine(address, connect_args={"timeout": _WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: SqliteConnection, _: object) -> None:
        connection.isolation_level = None  # transactions are ours, not the driver's
        connection.execute("PRAGMA foreign_keys = ON")
        # Readers do not wait for the writer, and what was committed survives a power cut: the
        # log is synced at every commit.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(address: sa.URL) -> sa.Engine:
    return sa.create_engine(address, pool_pre_ping=True)


def _upgrade(engine: sa.Engine) -> None:
    """Bring the tables to the newest revision, all of the way or not at all."""
    script = ScriptDirectory(str(MIGRATIONS))
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        context = MigrationContext.configure(connection)
        current = context.get_current_revision()
        if current and current not in {step.revision for step in script.walk_revisions()}:
            raise Failure(
                f"state database {engine.url.render_as_string()} has tables of revision {current},"
                " which this version does not know",
                "use the newer version of aitia that made them",
            )
        steps = list(script.iterate_revisions("head", current or "base"))
        with Operations.context(context):
            for step in reversed(steps):
                step.module.upgrade()
                context.stamp(script, step.revision)
