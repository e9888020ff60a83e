"""The predictions that a state database holds; nobody but a person reads them there."""

import sqlalchemy as sa
from pydantic import TypeAdapter

from diagnose import database
from diagnose.schema import Prediction
from diagnose.tables import PREDICTIONS

_KIND = TypeAdapter(Prediction)


def foretold(url):
    """Return what the database behind ``url`` says will fail, in the order in which it came."""
    engine = database.connect(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(PREDICTIONS.c.document).order_by(PREDICTIONS.c.id))
        found = tuple(_KIND.validate_json(document) for (document,) in rows)
    engine.dispose()
    return found
