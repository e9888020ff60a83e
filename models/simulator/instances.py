"""What acts on what in one site, component by component."""

from collections.abc import Iterator

from models.simulator.concepts import Concept, Link, concepts
from models.simulator.topology import Component, Topology, links_of

Instance = tuple[Component, Concept]


def instances_of(topology: Topology) -> Iterator[Instance]:
    """Yield every concept of every component that has it and measures it."""
    present = [concepts()[name] for name in topology.present()]
    for component in topology.components:
        for concept in present:
            if component.role in concept.roles:
                yield component, concept


def links_between(
    topology: Topology, instances: list[Instance]
) -> Iterator[tuple[Instance, Instance, Link]]:
    """Yield what acts directly on what, component by component."""
    having: dict[str, list[Component]] = {}
    for component, concept in instances:
        having.setdefault(concept.name, []).append(component)
    near = _Near(topology)
    for link in links_of(topology):
        for component in having.get(link.cause, ()):
            reached = near.places[link.place][component.name]
            effects = [c for c in having.get(link.effect, ()) if c.name in reached]
            own = [c for c in effects if c == component and link.place == "same"]
            for other in own or effects:
                cause, effect = concepts()[link.cause], concepts()[link.effect]
                if (component, cause) != (other, effect):
                    yield (component, cause), (other, effect), link


class _Near:
    """For each place and component, the names of the components that lie there."""

    def __init__(self, topology: Topology) -> None:
        host = dict(topology.runs_on)
        everything = {component.name for component in topology.components}
        parts = {
            name: {part for part, on in host.items() if on == name}
            for name in everything - {"site"}
        }
        self.places: dict[str, dict[str, set[str]]] = {"same": {}, "called": {}, "caller": {}}
        for name in everything:
            beside = everything if name == "site" else parts.get(host.get(name, name), set())
            around = {"site", name, host.get(name, name)} | beside
            self.places["same"][name] = around if name != "site" else everything
            ends = parts[name] if name in host.values() else {name}
            for place, pairs in (
                ("called", topology.calls),
                ("caller", [(b, a) for a, b in topology.calls]),
            ):
                met = {b for a, b in pairs if a in ends}
                self.places[place][name] = met | {host[other] for other in met}
