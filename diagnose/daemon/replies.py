"""How a request is admitted and read, and how it is told that there is no answer.

400 and its kind: ask otherwise; 409: ask somebody with your settings; 422: what is asked about
cannot be explained; 503 with Retry-After: come again; 504: it was not begun before its deadline.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from diagnose.daemon.queue import Expired, Overloaded
from diagnose.ingest.access import authorize
from diagnose.ingest.body import Refused, read_body
from diagnose.ingest.tokens import Scope, Tokens
from diagnose.schema import Failure

Ask = TypeVar("Ask", bound=BaseModel)
Answer = Callable[[Request], Awaitable[Response]]

RETRY_SECONDS: Final = 5


class Unsuited(Refused):
    """A request that is not taken because of one of its fields."""

    def __init__(self, code: int, why: str, field: str) -> None:
        super().__init__(code, why)
        self.field = field


async def told(answer: Answer, request: Request, tokens: Tokens, scope: Scope) -> Response:
    """Return the answer, or why there is none."""
    try:
        _admit(request, tokens, scope)
        return await answer(request)
    except Refused as refused:
        return refusal(refused.code, refused.why, field=getattr(refused, "field", None))
    except Failure as failure:
        return refusal(422, failure.what, way_out=failure.way_out)
    except Overloaded as error:
        return refusal(503, str(error))
    except Expired as error:
        return refusal(504, str(error))


def _admit(request: Request, tokens: Tokens, scope: Scope) -> None:
    """Let a request pass, or refuse it.

    Raises:
        Refused: it may not be asked, or may come from a page that a browser shows.
    """
    if "origin" in request.headers:
        raise Refused(403, "browsers are not served")
    if not is_unix(request):
        authorize(request, tokens, scope)


def is_unix(request: Request) -> bool:
    """Return whether a request came over the Unix socket, which has no port."""
    server = request.scope.get("server")
    return server is not None and server[1] is None


async def asked_of(request: Request, kind: type[Ask]) -> Ask:
    """Return what a request asks.

    Raises:
        Refused: it is none of this kind; the field that is wrong is named.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "a question is application/json")
    try:
        return kind.model_validate_json(await read_body(request))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        why = first["msg"].removeprefix("Value error, ")
        raise Unsuited(400, f"{field}: {why}" if field else why, field) from error


def document(body: bytes, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON document as the answer."""
    return Response(body, media_type="application/json", headers=headers)


def refusal(code: int, why: str, way_out: str | None = None, field: str | None = None) -> Response:
    """Return why there is no answer, what to do about it, and which field is wrong."""
    told: dict[str, Any] = {"error": why, "way_out": way_out, "field": field}
    body = json.dumps({name: text for name, text in told.items() if text})
    headers = {"cache-control": "no-store"}
    if code == 503:
        headers["retry-after"] = str(RETRY_SECONDS)
    if code == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(body, code, headers, "application/json")
