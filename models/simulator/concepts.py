"""What a site of servers consists of: its parts, what can be measured of each, and what acts on it.

Knowledge of engineers, written by hand. Most concepts are kinds of the product's own vocabulary and
bear its very names; the others are causes that rarely have a metric.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final, Literal

from diagnose.schema import Kind, Tier
from models.kinds import VOCABULARY
from models.simulator import further_machine, further_service
from models.simulator.links_machine import MACHINE
from models.simulator.links_service import SERVICE
from models.simulator.rows import Lag, Place, Row

Role = Literal["site", "host", "service", "database", "cache", "queue"]

PARTS: Final[tuple[Role, ...]] = ("service", "database", "cache", "queue")  # what runs on a host
STORES: Final[tuple[Role, ...]] = ("database", "cache", "queue")  # what services call
HELD_OUT_SHARE: Final = 5  # one concept in so many is kept from training
GPU: Final = ("gpu", "inference")  # what the names of things begin with that only some hosts have

# What the product has no kind for: name, unit, tier.
UNMEASURED: Final[tuple[tuple[str, str, Tier], ...]] = (
    ("cooling unit failure", "", "environment"),
    ("mains power failure", "", "environment"),
    ("network switch congestion", "ratio", "environment"),
    ("blocked air filter", "", "hardware"),
    ("fan failure", "", "hardware"),
    ("memory module failure", "", "hardware"),
    ("firmware fault", "", "hardware"),
    ("gpu clock frequency", "Hz", "hardware"),
    ("disk controller failure", "", "hardware"),
    ("faulty network cable", "", "hardware"),
    ("cpu demand of other tenants", "ratio", "os"),
    ("kernel defect", "", "os"),
    ("batch job", "", "os"),
    ("temporary files left behind", "count", "os"),
    ("name server failure", "", "os"),
    ("time server failure", "", "os"),
    ("missing index", "", "platform"),
    ("query plan change", "", "platform"),
    ("long transaction", "s", "platform"),
    ("schema migration", "", "platform"),
    ("consumer failure", "", "platform"),
    ("poison message", "", "platform"),
    ("cache hit ratio", "ratio", "platform"),
    ("memory leak", "By/s", "service"),
    ("blocking call in event loop", "", "service"),
    ("thread deadlock", "", "service"),
    ("software defect", "", "service"),
    ("misconfiguration", "", "service"),
    ("connection leak", "1/s", "service"),
    ("outage of an external provider", "", "service"),
    ("log volume", "By/s", "service"),
    ("inference latency", "s", "service"),
    ("stale reads", "1/s", "service"),
    ("inference requests", "1/s", "user"),
    ("marketing campaign", "", "user"),
    ("malicious traffic", "1/s", "user"),
    ("support tickets", "1/s", "user"),
)
DEMAND: Final = frozenset({"inference requests"})

# Whose it is. What stands nowhere is a host's where it is hardware or of the operating system, a
# service's otherwise; what names a store is that store's.
SITE: Final = frozenset(
    {
        *("cooling unit failure", "mains power failure", "network switch congestion"),
        *("ambient temperature", "humidity", "name server failure", "time server failure"),
    }
)
OF_EVERY_PART: Final = frozenset(
    {
        *("process restarts", "process cpu time", "process memory"),
        *("info log message about restart", "change: service unit started"),
        *("change: configuration written", "error log message about failure"),
    }
)
OF_SERVICES: Final = frozenset({"container not ready", "container cpu throttling"})
OF_HOSTS: Final = frozenset({"change: reboot", "change: package installed"})
OF_DATABASES: Final = frozenset(
    {
        *("missing index", "query plan change", "long transaction", "schema migration", "backup"),
        *("info log message about backup", "error log message about deadlock"),
        *("warning log message about lock", "warning log message about replication"),
    }
)
OF_QUEUES: Final = frozenset({"consumer lag", "consumer failure", "poison message"})


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that a component can be or show.

    Attributes:
        kind: Its name, unit and tier.
        roles: The components that have it.
        held_out: Whether it is kept from training, so that tests can ask about the unseen.
    """

    kind: Kind
    roles: tuple[Role, ...]
    held_out: bool

    @property
    def name(self) -> str:
        """Return the name, which identifies a concept."""
        return self.kind.name


@dataclass(frozen=True, slots=True)
class Link:
    """What acts directly on what.

    Attributes:
        cause: Name of a concept.
        effect: Name of another, or of the same where ``place`` is not "same".
        place: Where the effect lies, seen from the cause.
        sign: 1 where more of the cause makes more of the effect, -1 where it makes less.
        lag: How long it takes.
    """

    cause: str
    effect: str
    place: Place
    sign: Literal[-1, 1]
    lag: Lag


@cache
def links() -> tuple[Link, ...]:
    """Return everything that acts directly on something."""
    return tuple(_links((*MACHINE, *SERVICE)))


@cache
def wider_links() -> tuple[Link, ...]:
    """Return the same, and what only training learns about."""
    return (*links(), *_links((*further_machine.ROWS, *further_service.ROWS)))


@cache
def concepts() -> dict[str, Concept]:
    """Return every concept by its name, in the order in which the links name them."""
    kinds = {kind.name: kind for kind in VOCABULARY}
    own = {name: Kind(name, unit, tier, name in DEMAND) for name, unit, tier in UNMEASURED}
    names = dict.fromkeys(name for link in links() for name in (link.cause, link.effect))
    return {name: _concept({**kinds, **own}[name]) for name in names}


@cache
def wider_concepts() -> dict[str, Concept]:
    """Return the same, and those that only training learns about; no test asks about them."""
    further = (*further_machine.KINDS, *further_service.KINDS)
    kinds = [Kind(name, unit, tier) for name, unit, tier in further]
    return concepts() | {kind.name: Concept(kind, _roles(kind), held_out=False) for kind in kinds}


def _links(rows: Iterable[Row]) -> Iterator[Link]:
    for cause, place, lag, effects in rows:
        for effect in effects.split(", "):
            yield Link(cause, effect[1:], place, 1 if effect[0] == "+" else -1, lag)


def _concept(kind: Kind) -> Concept:
    digest = int(sha256(kind.name.encode()).hexdigest(), 16)
    return Concept(kind, _roles(kind), digest % HELD_OUT_SHARE == 0)


def _roles(kind: Kind) -> tuple[Role, ...]:
    """Return the components that have something of this kind."""
    chosen: tuple[tuple[frozenset[str], tuple[Role, ...]], ...] = (
        (SITE, ("site",)),
        (OF_HOSTS, ("host",)),
        (OF_SERVICES, ("service",)),
        (OF_EVERY_PART, PARTS),
        (OF_DATABASES, ("database",)),
        (OF_QUEUES, ("queue",)),
    )
    for names, roles in chosen:
        if kind.name in names:
            return roles
    if kind.name == "data store state":
        return ("database", "cache")
    if kind.tier in ("environment", "hardware", "os"):
        return ("host",)
    store = tuple(role for role in STORES if role in kind.name.split())
    if kind.tier != "platform" or not store:
        return ("service",)
    return (*store, "service") if "log message" in kind.name else store
