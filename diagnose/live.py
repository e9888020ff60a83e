"""A live alert, by its name, as an incident to explain: everything is read where it is."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from collectors.alertmanager import Alertmanager
from collectors.endpoint import Connection, Endpoint
from collectors.loki import Loki
from collectors.prometheus import Prometheus
from diagnose.alert import find_alert
from diagnose.bundle import Bundle
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.in_place import read_around
from diagnose.sections import EndpointSection
from diagnose.topology import read_topology


def incident_of(wanted: str, settings: Settings, as_of: datetime) -> Bundle:
    """Return the incident of which an alert tells.

    Args:
        wanted: The alert's name or fingerprint.
        settings: Where Prometheus and the others are.
        as_of: The moment of asking.

    Raises:
        Failure: no such alert fires, or a source cannot be asked.
    """
    sources = settings.sources
    if sources.prometheus.url is None:
        raise Failure("no Prometheus is known to ask", "set sources.prometheus.url")
    site = read_topology(settings.explain.topology)
    with ExitStack() as stack:
        prometheus = Prometheus(stack.enter_context(_connection("prometheus", sources.prometheus)))
        alertmanager, loki = None, None
        if sources.alertmanager.url is not None:
            connection = stack.enter_context(_connection("alertmanager", sources.alertmanager))
            alertmanager = Alertmanager(connection)
        if sources.loki.url is not None:
            loki = Loki(stack.enter_context(_connection("loki", sources.loki)))
        alert = find_alert(wanted, prometheus, alertmanager)
        return read_around(alert, prometheus, loki, site, as_of)


@contextmanager
def _connection(name: str, section: EndpointSection) -> Iterator[Connection]:
    """Yield a connection to a source; what goes wrong with it becomes a Failure."""
    try:
        with Endpoint.of(section).opened() as connection:
            yield connection
    except (OSError, ValueError) as error:
        raise Failure(str(error), f"see sources.{name} in the settings") from error
