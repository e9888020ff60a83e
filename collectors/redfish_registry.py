"""What a BMC's messages mean: the registries that it serves itself.

An entry names a message, ``Registry.1.0.Key``, and its arguments; the registry has the text, with
%1 for the first argument, and what to do about it.

See: https://www.dmtf.org/dsp/DSP0266 (message objects)
"""

import re
from collections.abc import Callable
from typing import Final

from collectors.endpoint import Json
from collectors.redfish_values import objects

ARGUMENT: Final = re.compile(r"%(\d)")


class Registries:
    """The message registries of one BMC, each read when a message of it is met.

    Args:
        get: Gives the resource behind a link; {} where there is none.
        root: The BMC's service root.
    """

    def __init__(self, get: Callable[[str], Json], root: Json) -> None:
        self.get = get
        self.root = root
        self._links: dict[str, str] | None = None
        self._messages: dict[str, Json] = {}

    def told(self, entry: Json) -> tuple[str, str]:
        """Return the text of a log entry and what to do about it; "" where nobody says."""
        registry, _, key = str(entry.get("MessageId") or "").rpartition(".")
        found = self._registry(registry.partition(".")[0]).get(key) if registry else None
        message = found if isinstance(found, dict) else {}
        given = entry.get("MessageArgs")
        arguments = [str(one) for one in given] if isinstance(given, list) else []
        text = entry.get("Message") or _filled(message.get("Message"), arguments)
        resolution = entry.get("Resolution") or _filled(message.get("Resolution"), arguments)
        return str(text or entry.get("MessageId") or entry.get("Name") or ""), str(resolution)

    def _registry(self, name: str) -> Json:
        """Return the messages of a registry by their keys."""
        if name not in self._messages:
            link = self._places().get(name)
            found = self.get(link).get("Messages") if link else None
            self._messages[name] = found if isinstance(found, dict) else {}
        return self._messages[name]

    def _places(self) -> dict[str, str]:
        """Return where each registry is."""
        if self._links is None:
            self._links = {}
            reference = self.root.get("Registries")
            link = reference.get("@odata.id") if isinstance(reference, dict) else None
            members = objects(self.get(link).get("Members")) if isinstance(link, str) else []
            for place in (member.get("@odata.id") for member in members):
                file = self.get(place) if isinstance(place, str) else {}
                name = str(file.get("Registry") or file.get("Id") or "").partition(".")[0]
                files = [one.get("Uri") for one in objects(file.get("Location"))]
                if name and files and isinstance(files[0], str):
                    self._links[name] = files[0]
        return self._links


def _filled(text: Json, arguments: list[str]) -> str:
    """Return a message's text with its arguments in their places."""

    def argument(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        return arguments[place] if 0 <= place < len(arguments) else match[0]

    return ARGUMENT.sub(argument, text) if isinstance(text, str) else ""
