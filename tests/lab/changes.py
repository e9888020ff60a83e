"""Harmless changes for calm times, so that a change alone explains nothing."""

import random
from collections.abc import Callable
from typing import Final

from tests.lab.system import Lab


def deploy(name: str) -> Callable[[Lab], None]:
    """Return a change: a new version of a service, started beside the old one."""
    return lambda lab: lab.replace(name, "deploy")


def restart(name: str) -> Callable[[Lab], None]:
    """Return a change: the same version anew, after a line in its configuration."""

    def change(lab: Lab) -> None:
        lab.note(name, "config write", f"{name}.env: LOG_FORMAT")
        lab.replace(name, "restart")

    return change


def database_setting(lab: Lab) -> None:
    """Change when PostgreSQL calls a statement slow."""
    milliseconds = random.choice((250, 300, 350))
    lab.note("postgres", "config write", f"log_min_duration_statement = {milliseconds}")
    with lab.session() as session:
        session.execute(f"ALTER SYSTEM SET log_min_duration_statement = {milliseconds}".encode())
        session.execute("SELECT pg_reload_conf()")


def cache_setting(lab: Lab) -> None:
    """Change when Redis calls a command slow."""
    microseconds = random.choice(("8000", "10000", "12000"))
    lab.note("redis", "config write", f"CONFIG SET slowlog-log-slower-than {microseconds}")
    lab.redis_cli("config", "set", "slowlog-log-slower-than", microseconds)


def vacuum(lab: Lab) -> None:
    """Clean up the reviews, as an operator does now and then."""
    lab.note("postgres", "maintenance", "VACUUM ANALYZE reviews")
    with lab.session() as session:
        session.execute("VACUUM ANALYZE reviews")


HARMLESS: Final[tuple[Callable[[Lab], None], ...]] = (
    deploy("web"),
    deploy("catalog"),
    deploy("orders"),
    deploy("worker"),
    restart("orders"),
    restart("catalog"),
    restart("batch-job"),
    database_setting,
    cache_setting,
    vacuum,
)
