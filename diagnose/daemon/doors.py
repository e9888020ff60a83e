"""The sockets on which the daemon answers, one daemon a socket."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from diagnose.ingest.tokens import Tokens
from diagnose.schema import Failure
from diagnose.serving import is_loopback
from diagnose.settings.sections import DaemonSection

BACKLOG: Final = 128
GROUP_MAY: Final = 0o117  # what is taken from the socket's permissions: owner and group may ask


def refuse_open_doors(daemon: DaemonSection, tokens: Tokens) -> None:
    """Let nobody ask over a network without a token.

    Raises:
        Failure: an address beyond loopback is served without authentication.
    """
    if daemon.listen and not is_loopback(_split(daemon.listen)[0]) and not tokens.all():
        what = f"daemon.listen {daemon.listen} is no loopback address, and there is no token"
        way_out = "run 'aitia ingest token add NAME --scope read', or listen on 127.0.0.1"
        raise Failure(what, way_out)


@contextmanager
def unix_door(path: Path) -> Iterator[socket.socket]:
    """Listen on the Unix socket ``path`` for as long as the block runs.

    What a daemon that was killed left there is replaced: the kernel tells whether one still runs.

    Raises:
        Failure: another daemon answers there, or the path cannot be used.
    """
    way_out = "choose another daemon.socket"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", way_out) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            door = _bound(path)
        except BlockingIOError as error:
            raise Failure(f"{path}: a daemon answers there already", way_out) from error
        except OSError as error:
            raise Failure(f"{path}: {error.strerror or error}", way_out) from error
        with door:
            yield door
        path.unlink(missing_ok=True)
    finally:
        os.close(lock)


def tcp_door(listen: str) -> socket.socket:
    """Return a socket that listens on ``listen``, as ``daemon.listen`` has it.

    Raises:
        Failure: it cannot be used.
    """
    host, port = _split(listen)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        what = f"{listen} cannot be served ({error.strerror or error})"
        raise Failure(what, "change daemon.listen") from error


def _bound(path: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(GROUP_MAY)
    try:
        door.bind(str(path))
        door.listen(BACKLOG)
    except OSError:
        door.close()
        raise
    finally:
        os.umask(before)
    return door


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
