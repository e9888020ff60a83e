"""Who may do what, by the token that a request brings."""

import logging
from typing import Final

from starlette.requests import Request

from diagnose.ingest.body import Refused
from diagnose.ingest.tokens import Scope, Tokens
from diagnose.schema import Failure

LOG: Final = logging.getLogger(__name__)


def authorize(request: Request, tokens: Tokens, scope: Scope) -> None:
    """Let a request pass, or refuse it.

    Raises:
        Refused: it has no token that may do what ``scope`` names.
    """
    try:
        if not tokens.all():
            return  # such a server listens on loopback alone
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        token = tokens.bearer(secret.strip()) if kind.lower() == "bearer" else None
    except Failure as failure:
        LOG.error("%s", failure)
        raise Refused(503, "tokens cannot be checked now") from failure
    if token is None:
        raise Refused(401, "a bearer token is needed")
    if not token.allows(scope):
        raise Refused(403, f"this token may not {scope}")
