"""The site's Prometheus -> the hosts that should be there, whether or not anything is kept."""

from collectors.prometheus import Prometheus
from collectors.prometheus_labels import entity_of, host_of
from diagnose.failure import Failure
from diagnose.live import connected
from diagnose.sections import EndpointSection


def scraped_hosts(section: EndpointSection) -> frozenset[str]:
    """Return the hosts whose targets a Prometheus scrapes at present.

    Args:
        section: Where it is.

    Raises:
        Failure: nobody says where it is, or it does not answer.
    """
    if section.url is None:
        raise Failure("no Prometheus is known to ask for hosts", "set sources.prometheus.url")
    with connected("prometheus", section) as connection:
        targets = Prometheus(connection).targets()
    hosts = {host_of(entity_of(target.labels)) for target in targets}
    return frozenset(hosts - {""})
