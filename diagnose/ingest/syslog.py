"""Syslog over TCP, TLS and UDP, kept like everything else, but never acknowledged.

Syslog has no acknowledgement: what is on its way when a connection breaks is lost or, since some
senders repeat it on the next connection, comes twice. So lines are taken off a connection only as
fast as the disk takes them, and the first lines of a connection that are the last of an earlier one
from the same sender are known for what they are.

Reference: RFC 5424, RFC 3164, RFC 6587 (framing), RFC 5425 (TLS).
"""

import asyncio
import hashlib
import ipaddress
import logging
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

from collectors.limits import Limits
from collectors.push import Decoded
from collectors.push.syslog import decoded
from diagnose.ingest.intake import Intake, Lines
from diagnose.ingest.meters import Meters
from diagnose.schema import Failure
from diagnose.telemetry.journal import Overloaded

LONGEST: Final = 64 << 10  # bytes of a line; the rest of a longer one is cut off
CHUNK: Final = 1 << 20  # bytes that are taken off a connection at once
REPEATED: Final = 1000  # lines of a sender that are remembered, and compared on a new connection
CONNECTIONS: Final = 1000
WAIT_SECONDS: Final = 0.5
DRAIN_SECONDS: Final = 10.0  # for which lines that were taken may wait for the disk at the end
DATAGRAMS: Final = 10_000  # that may wait for the disk; more are dropped, and counted
LOG: Final = logging.getLogger(__name__)

MAPPED_BITS: Final = 96  # of an address of IPv6, before those of IPv4

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Datagram = tuple[bytes, str]  # a line, and who sent it


class Addresses:
    """Networks that may send.

    Args:
        networks: Such as "10.0.0.0/8"; none lets everybody in.

    Raises:
        Failure: one is none.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        try:
            self._networks = [_own(ipaddress.ip_network(network)) for network in networks]
        except ValueError as error:
            raise Failure(f"ingest.syslog_from: {error}", "write them like 10.0.0.0/8") from error

    def __contains__(self, address: str) -> bool:
        """Return whether ``address``, as ``source_of`` writes it, may send."""
        own = ipaddress.ip_address(address.partition("%")[0])
        return not self._networks or any(own in network for network in self._networks)


def source_of(address: str) -> str:
    """Return who sent something, by the name that it has whichever socket heard it.

    A socket for IPv6 that hears IPv4, too, writes a sender's address as one of IPv6.

    Example:
        >>> source_of("::ffff:10.1.2.3")
        '10.1.2.3'
    """
    own = ipaddress.ip_address(address.partition("%")[0])
    mapped = own.ipv4_mapped if isinstance(own, ipaddress.IPv6Address) else None
    return str(mapped) if mapped else address


def _own(network: Network) -> Network:
    """Return a network of IPv4 that was written as one of IPv6 as what it is."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED_BITS))
    return network


class Framer:
    """Bytes of a connection -> lines, counted ("12 <34>1 ...") or ended by a line feed."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` ends; the beginning of the next one is remembered.

        Raises:
            ValueError: the framing is lost; the connection is of no more use.
        """
        data = self._rest + data
        lines, place = [], 0
        while place < len(data):
            if 0x31 <= data[place] <= 0x39:  # a digit: the line's length comes first
                space = data.find(b" ", place, place + 8)
                if space < 0:
                    if len(data) - place >= 8:
                        raise ValueError("a count of bytes does not end")
                    break
                end = space + 1 + int(data[place:space])
                if end - space > CHUNK:
                    raise ValueError("a line is longer than any that could be meant")
                if end > len(data):
                    break
                line = data[space + 1 : end]
                place = end
            else:
                end = data.find(b"\n", place)
                if end < 0:
                    if len(data) - place > CHUNK:
                        raise ValueError("a line does not end")
                    break
                line = data[place:end]
                place = end + 1
            if line := line.rstrip(b"\r\n\0"):
                lines.append(line[:LONGEST])
        self._rest = data[place:]
        return lines


class Repetitions:
    """Which lines of a connection were the last of an earlier one from the same sender.

    Args:
        earlier: Keys of the last lines of that one, 8 bytes each.
    """

    def __init__(self, earlier: bytes) -> None:
        self._earlier = Counter(earlier[i : i + 8] for i in range(0, len(earlier), 8))
        self._compared = 0
        self._tail = earlier

    def without(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return ``lines`` less those that are repeated."""
        fresh = []
        keys = [hashlib.blake2b(line, digest_size=8).digest() for line in lines]
        for line, key in zip(lines, keys, strict=True):
            self._compared += 1
            if self._compared <= REPEATED and self._earlier[key] > 0:
                self._earlier[key] -= 1
            else:
                fresh.append(line)
        self._tail = (self._tail + b"".join(keys))[-8 * REPEATED :]
        return fresh

    @property
    def tail(self) -> bytes:
        """Return the keys of the last lines."""
        return self._tail


class SyslogListener:
    """Receives lines at one address for as long as it is entered.

    Args:
        transport: "tcp", "tls" or "udp".
        address: Host and port.
        intake: Keeps the lines.
        meters: Counts them.
        allowed: Who may send.
        limits: What is taken of a line.
        context: For TLS.
    """

    def __init__(
        self,
        transport: str,
        address: tuple[str, int],
        intake: Intake,
        meters: Meters,
        allowed: Addresses,
        limits: Limits,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._transport = transport
        self._address = address
        self._intake = intake
        self._meters = meters
        self._allowed = allowed
        self._limits = limits
        self._context = context
        self._tails = dict(intake.tails)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._datagrams: asyncio.Queue[Datagram | None] = asyncio.Queue(DATAGRAMS)
        self._server: asyncio.Server | asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            Failure: the address cannot be used.
        """
        host, port = self._address
        try:
            if self._transport == "udp":
                self._server = await self._listen_udp(host, port)
            else:
                self._server = await asyncio.start_server(
                    self._connected, host, port, limit=CHUNK, ssl=self._context
                )
        except OSError as error:
            what = f"ingest.syslog_{self._transport} {host}:{port}: {error.strerror}"
            raise Failure(what, "choose another address") from error
        return self

    async def __aexit__(self, *error: object) -> None:
        """Take no more; what was taken is kept first."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()  # whoever reads from it finds its end
        if self._transport == "udp":
            await self._datagrams.put(None)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the lines of one connection, until it ends."""
        source = source_of(str(writer.get_extra_info("peername")[0]))
        task = asyncio.current_task()
        if task is None or source not in self._allowed or len(self._tasks) >= CONNECTIONS:
            self._meters.discarded("syslog", "connection_refused", 1)
            writer.close()
            return
        self._tasks.add(task)
        self._writers.add(writer)
        framer, repetitions = Framer(), Repetitions(self._tails.get(source, b""))
        try:
            while data := await reader.read(CHUNK):
                fresh = repetitions.without(framer.feed(data))
                self._tails[source] = repetitions.tail
                await self._keep(fresh, source, Lines(source, repetitions.tail))
        except ValueError as error:
            self._meters.discarded("syslog", "framing", 1)
            LOG.warning("syslog from %s: %s", source, error)
        except ConnectionError:
            LOG.info("syslog from %s: the connection broke", source)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _keep(self, lines: list[bytes], source: str, origin: Lines | None) -> None:
        """Return after the disk has ``lines``, however long that takes."""
        size = sum(map(len, lines))
        decode = partial(self._decoded, lines, source)
        while lines:
            try:
                await self._intake.keep("syslog", size, decode, origin)
            except Overloaded:
                await asyncio.sleep(WAIT_SECONDS)  # meanwhile the sender's own queue fills
            else:
                return

    def _decoded(self, lines: list[bytes], source: str) -> Decoded:
        return decoded(lines, source, datetime.now(UTC), self._limits)

    async def _listen_udp(self, host: str, port: int) -> asyncio.DatagramTransport:
        endpoint, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self._datagrams, self._meters, self._allowed), (host, port)
        )
        self._tasks.add(asyncio.create_task(self._drain()))
        return endpoint

    async def _drain(self) -> None:
        """Keep datagrams, as many together as wait."""
        while datagram := await self._datagrams.get():
            by_source: dict[str, list[bytes]] = {}
            for line, source in (datagram, *self._waiting()):
                by_source.setdefault(source, []).append(line)
            for source, lines in by_source.items():
                await self._keep(lines, source, None)

    def _waiting(self) -> Iterator[Datagram]:
        """Yield the datagrams that have come; the end, where it has come, stays."""
        for _ in range(self._datagrams.qsize()):
            datagram = self._datagrams.get_nowait()
            if datagram is None:
                self._datagrams.put_nowait(None)
                return
            yield datagram


class _Datagrams(asyncio.DatagramProtocol):
    """Puts datagrams of those who may send into a queue."""

    def __init__(
        self, queue: "asyncio.Queue[Datagram | None]", meters: Meters, allowed: Addresses
    ) -> None:
        self._queue = queue
        self._meters = meters
        self._allowed = allowed

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one line."""
        source = source_of(addr[0])
        if source not in self._allowed:
            self._meters.discarded("syslog", "connection_refused", 1)
        elif self._queue.full():
            self._meters.discarded("syslog", "overload", 1)
        else:
            self._queue.put_nowait((data.rstrip(b"\r\n\0"), source))
