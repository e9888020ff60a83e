"""What is harmless: changes and disturbances of calm times, which alone explain nothing."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
    set_slow_statement(lab, random.choice((250, 300, 350)))


def set_slow_statement(lab: Lab, milliseconds: int) -> None:
    """Set from how many ``milliseconds`` on PostgreSQL logs a statement."""
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


# A disturbance looks like trouble to whoever only counts records, series and failed scrapes.


@contextmanager
def verbose(lab: Lab) -> Iterator[None]:
    """Let some services log their requests for a while."""
    services = ("web", "catalog", "orders")
    chosen = random.sample(services, random.randint(1, len(services)))
    share = random.uniform(0.3, 1.0)
    for name in chosen:
        lab.note(name, "config write", f"{name}.env: LOG_SAMPLE={share:.2f}")
        lab.turn(name, verbose=share)
    yield
    for name in chosen:
        lab.note(name, "config write", f"{name}.env: LOG_SAMPLE=0")
        lab.turn(name)


@contextmanager
def lost_customers(lab: Lab) -> Iterator[None]:
    """Let customers follow old links: answers 404 of a route that had none."""
    lab.turn("loadgen", lost=random.uniform(0.05, 0.3), surge=random.uniform(1.0, 1.2))
    yield
    lab.turn("loadgen")


@contextmanager
def statements_logged(lab: Lab) -> Iterator[None]:
    """Let PostgreSQL log ordinary statements, as who looks for slow ones does."""
    set_slow_statement(lab, random.randint(4, 12))
    yield
    set_slow_statement(lab, 300)


@contextmanager
def exporter_hangs(lab: Lab) -> Iterator[None]:
    """Let an exporter stand still: its scrapes fail, what it reads is well."""
    child = lab.children[random.choice(("redis-exporter", "postgres-exporter", "process-exporter"))]
    child.signal(signal.SIGSTOP)
    yield
    child.signal(signal.SIGCONT)


@contextmanager
def stopped(lab: Lab) -> Iterator[None]:
    """Stop a service that no customer waits for, for maintenance."""
    name = random.choice(("worker", "batch-job", "backup"))
    lab.note(name, "maintenance", f"{name} stopped")
    lab.children.pop(name).stop()
    yield
    lab.service(name, "restart")


Disturbance = Callable[[Lab], AbstractContextManager[None]]
WORDY: Final[tuple[Disturbance, ...]] = (verbose, statements_logged)
MUTE: Final[tuple[Disturbance, ...]] = (lost_customers, exporter_hangs, stopped)


def disturb(lab: Lab, seconds: float) -> tuple[str, ...]:
    """Let one to three disturbances last ``seconds``, one that is logged among them.

    Returns:
        Their names.
    """
    chosen = [random.choice(WORDY), *random.sample(MUTE, random.randint(0, 2))]
    with ExitStack() as stack:
        for disturbance in chosen:
            stack.enter_context(disturbance(lab))
        time.sleep(seconds)
    return tuple(disturbance.__name__ for disturbance in chosen)
