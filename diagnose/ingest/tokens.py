"""Who may send, read or administer: bearer tokens, of which only hashes are kept.

A token is 256 random bits, so that a plain SHA-256 of it cannot be turned round; a slow hash is for
passwords that people choose.
"""

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from diagnose.schema import Failure
from diagnose.telemetry.disk import give_to_owner

Scope = Literal["ingest", "read", "admin"]
PREFIX: Final = "aitia_"


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token.

    Attributes:
        name: By which people know it.
        scope: What it allows; "admin" allows all.
        sha256: Hash of the token, in hexadecimal.
        created: When it was made, ISO 8601.
    """

    name: str
    scope: Scope
    sha256: str
    created: str

    def allows(self, scope: Scope) -> bool:
        """Return whether this token may do what ``scope`` names."""
        return self.scope in (scope, "admin")


class Tokens:
    """The tokens in a file; what another process changes there holds at once.

    Args:
        file: Where they are kept, readable by its owner alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def all(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first.

        Raises:
            Failure: the file is damaged or cannot be read.
        """
        try:
            state = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._tokens = None, ()
            return ()
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp != self._stamp:
            self._tokens = self._read()
            self._stamp = stamp
        return self._tokens

    def bearer(self, secret: str) -> Token | None:
        """Return the token that ``secret`` is; None where it is none.

        It takes the same time whichever token it is, and whether it is one.
        """
        digest = _hash(secret)
        found = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def add(self, name: str, scope: Scope) -> str:
        """Return a new token, which is shown this once and kept as its hash alone.

        Raises:
            Failure: the name is taken or no name, or the file cannot be written.
        """
        if not name.isprintable() or not 0 < len(name) <= 100:
            raise Failure(f"{name!r:.60} is no name of a token", "use printable characters")
        tokens = self.all()
        if any(token.name == name for token in tokens):
            raise Failure(f"there is a token {name} already", "revoke it first, or choose another")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write((*tokens, Token(name, scope, _hash(secret), now)))
        return secret

    def revoke(self, name: str) -> None:
        """Let the token ``name`` be worth nothing from now on.

        Raises:
            Failure: there is none, or the file cannot be written.
        """
        tokens = self.all()
        left = tuple(token for token in tokens if token.name != name)
        if len(left) == len(tokens):
            raise Failure(f"there is no token {name}", "'aitia ingest token list' shows them")
        self._write(left)

    def _read(self) -> tuple[Token, ...]:
        try:
            rows = json.loads(self._file.read_bytes())
            return tuple(Token(**row) for row in rows)
        except (OSError, ValueError, TypeError, KeyError) as error:
            # Its content is never shown: a token may have been pasted into it.
            what = f"{self._file}: holds no list of tokens ({type(error).__name__})"
            raise Failure(what, "restore it, or remove it and add tokens anew") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump([asdict(token) for token in tokens], file, indent=1)
                file.flush()
                os.fsync(descriptor)
            give_to_owner(draft, self._file.parent)
            draft.replace(self._file)
        except OSError as error:
            raise Failure(f"{self._file}: cannot be written ({error.strerror})") from error


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
