"""Names of what a host is made of, the same whichever source speaks of it.

The host's name comes first, so that the whole is visible in the name of the part: ``db1/sda`` is a
disk of ``db1``, ``db1/nginx.service`` one of its units.
"""

import re
from typing import Final

_PARTITION: Final = re.compile(r"^((?:sd|vd|xvd|hd)[a-z]+)\d+$|^((?:mmcblk|md|nbd|loop)\d+)p\d+$")
_NVME: Final = re.compile(r"^(nvme\d+)(?:c\d+)?(?:n\d+)?(?:p\d+)?$")
_PCI: Final = re.compile(r"^([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})(?:\.([0-7]))?$", re.I)


def disk(host: str, device: str) -> str:
    """Return the entity of the disk that holds the block device or partition ``device``.

    Example:
        >>> disk("db1", "/dev/sda1"), disk("db1", "nvme0n1p2"), disk("db1", "dm-0")
        ('db1/sda', 'db1/nvme0', 'db1/dm-0')
    """
    name = device.removeprefix("/dev/")
    found = _NVME.match(name) or _PARTITION.match(name)
    whole = next((group for group in found.groups() if group), name) if found else name
    return f"{host}/{whole}"


def unit(host: str, name: str | None) -> str:
    """Return the entity of systemd's unit ``name``, the host itself where there is none.

    Example:
        >>> unit("db1", "nginx.service"), unit("db1", None)
        ('db1/nginx.service', 'db1')
    """
    return f"{host}/{name}" if name else host


def gpu(host: str, address: str) -> str:
    """Return the entity of the GPU at a PCI address.

    Raises:
        ValueError: ``address`` is none.

    Example:
        >>> gpu("db1", "00000000:3B:00.0"), gpu("db1", "0000:3b:00")
        ('db1/gpu-0000:3b:00.0', 'db1/gpu-0000:3b:00.0')
    """
    found = _PCI.match(address)
    if not found:
        raise ValueError(f"{address!r} is no PCI address")
    domain, bus, device, function = found.groups()
    return f"{host}/" + f"gpu-{domain[-4:]}:{bus}:{device}.{function or 0}".lower()
