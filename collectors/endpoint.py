"""An HTTP server that is asked for JSON: whose answers are bounded, and that leads nowhere else.

A time limit on every step, TLS verified, no redirect followed, no body without an end.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from diagnose.settings.sections import EndpointSection

LARGEST: Final = 256 * 2**20  # bytes of one answer, unpacked
TOLD: Final = 300  # characters of an error's text

Parameters = Mapping[str, str | list[str]]
Json = Any  # a value of JSON, whose shape only its reader knows


class StatusError(OSError):
    """The server answered, and with something else than success.

    Attributes:
        status: Its HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is, and how to be let in.

    Attributes:
        url: Its address; what is asked for lies below.
        token: Bearer token; None for none.
        user: For basic authentication; None for none.
        password: Of the user.
        ca_path: Certificates to trust in place of the system's.
        timeout_seconds: For connecting, and for each wait for bytes.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str = field(default="", repr=False)
    ca_path: Path | None = None
    timeout_seconds: float = 30.0

    @classmethod
    def of(cls, section: EndpointSection) -> Self:
        """Return the server that a section of the settings names.

        Raises:
            ValueError: it names none.
        """
        if section.url is None:
            raise ValueError("the settings name no address")
        return cls(
            section.url,
            section.token.get_secret_value() if section.token else None,
            section.user,
            section.password.get_secret_value() if section.password else "",
            section.ca_path,
            section.timeout_seconds,
        )

    @contextmanager
    def opened(self) -> Iterator["Connection"]:
        """Yield a connection that is closed after the block.

        Raises:
            OSError: the file of certificates cannot be read.
        """
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with httpx.Client(
            base_url=self.url,
            headers=headers,
            auth=(self.user, self.password) if self.user else None,
            verify=_trust(self.ca_path) if self.url.startswith("https:") else True,
            timeout=self.timeout_seconds,
        ) as client:
            yield Connection(self.url, client)


class Connection:
    """A server to which a connection is kept open.

    Args:
        url: Its address.
        client: What speaks HTTP.
    """

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self.client = client

    def get(self, path: str, parameters: Parameters | None = None) -> Json:
        """Return the JSON value at ``path`` below the server's address.

        Raises:
            StatusError: the answer's status is not 2xx.
            OSError: the server cannot be reached, or breaks off.
            ValueError: ``path`` leads to another server, or the answer is no JSON.
        """
        return self._asked("GET", self.inside(path), parameters, None)

    def post(self, path: str, form: Parameters) -> Json:
        """Return the JSON value that ``path`` answers to a form; else as ``get``."""
        return self._asked("POST", self.inside(path), None, form)

    def inside(self, link: str) -> str:
        """Return ``link`` as a path on this server.

        Raises:
            ValueError: it leads to another one: whoever answers must not choose whom we ask next.
        """
        there, here = urlsplit(link), urlsplit(self.url)
        elsewhere = there.netloc and (there.scheme, there.netloc) != (here.scheme, here.netloc)
        if elsewhere or (there.scheme and not there.netloc) or "\\" in link:
            raise ValueError(f"{self.url}: a link leads to another host: {link:.200}")
        return there._replace(scheme="", netloc="").geturl() if there.netloc else link

    def _asked(
        self, method: str, path: str, parameters: Parameters | None, form: Parameters | None
    ) -> Json:
        place = f"{self.url.rstrip('/')}/{path.lstrip('/')}".partition("?")[0]
        try:
            with self.client.stream(method, path, params=parameters, data=form) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise ValueError(f"{place}: the answer is longer than {LARGEST} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise OSError(f"{place} cannot be read: {reason}") from error
        if not answer.is_success:
            reason = " ".join(body[:TOLD].decode(errors="replace").split())
            raise StatusError(f"{place} answers {answer.status_code}: {reason}", answer.status_code)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: the answer is no JSON") from error


def _trust(ca_path: Path | None) -> ssl.SSLContext:
    """Return which certificates are trusted.

    Raises:
        OSError: the file cannot be read or holds none.
    """
    try:
        return ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        raise OSError(f"{ca_path} holds no certificates that can be read") from error
