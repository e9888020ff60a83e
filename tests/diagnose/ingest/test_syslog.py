import asyncio
import socket
import ssl
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.limits import Limits
from diagnose.ingest.syslog import Addresses, Framer, Repetitions, SyslogListener, source_of
from diagnose.schema import Failure
from diagnose.telemetry.reader import Reader
from tests.diagnose.ingest.serving import serving
from tests.programs import LOCAL, free_port, needed, wait_until

LINES = st.lists(st.binary(min_size=1, max_size=30).map(lambda line: b"<" + line.strip() + b">"))


@given(LINES, st.lists(st.integers(1, 40), min_size=1), st.booleans())
def test_lines_are_the_same_however_the_stream_was_cut(lines, cuts, counted):
    if counted:
        stream = b"".join(b"%d %s" % (len(line), line) for line in lines)
    else:
        lines = [line.replace(b"\n", b" ") for line in lines]
        stream = b"".join(line + b"\n" for line in lines)
    framer, found, at = Framer(), [], 0
    for place in range(len(stream)):
        size = cuts[place % len(cuts)]
        found += framer.feed(stream[at : at + size])
        at += size
    assert found == lines


@given(st.binary(max_size=200))
def test_no_bytes_break_the_framing_in_another_way_than_by_saying_so(data):
    try:
        for line in Framer().feed(data):
            assert len(line) <= len(data)
    except ValueError:
        pass


@pytest.mark.parametrize("stream", [b"99999999 x", b"9999999999", b"12345678"])
def test_a_length_that_cannot_be_meant_ends_the_connection(stream):
    with pytest.raises(ValueError, match=r"line|count"):
        Framer().feed(stream)


def test_what_a_sender_repeats_on_its_next_connection_is_known():
    first = Repetitions(b"")
    assert first.without([b"a", b"b", b"b"]) == [b"a", b"b", b"b"]
    second = Repetitions(first.tail)
    assert second.without([b"b", b"c", b"c", b"b", b"b"]) == [b"c", b"c", b"b"]


def test_only_networks_that_are_named_may_send():
    allowed = Addresses(["10.0.0.0/8", "::1"])
    assert "10.1.2.3" in allowed
    assert "::1" in allowed
    assert "11.0.0.1" not in allowed
    assert "192.168.0.1" in Addresses([])
    with pytest.raises(Failure, match=r"ingest\.syslog_from"):
        Addresses(["ten"])


def test_a_network_that_is_written_as_one_of_ipv6_is_the_one_of_ipv4():
    allowed = Addresses(["::ffff:10.0.0.0/104"])
    assert "10.1.2.3" in allowed
    assert "11.0.0.1" not in allowed


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_is_the_same_however_a_socket_of_ipv6_writes_it(address):
    assert source_of(str(address)) == source_of(f"::ffff:{address}") == str(address)


@given(st.ip_addresses(v=6, network="2000::/3"))
def test_an_address_of_ipv6_stays_as_it_is(address):
    assert source_of(f"{address}%eth0") == f"{address}%eth0"


class Kept:
    """Keeps lines in memory."""

    def __init__(self):
        self.rows = []
        self.tails = {}

    async def keep(self, protocol, size, decode, origin):
        self.rows += [row for frame in decode().frames for row in frame.rows()]


@pytest.mark.parametrize(
    ("network", "entities", "refused"),
    [("127.0.0.0/8", ["127.0.0.1"], []), ("10.0.0.0/8", [], ["connection_refused"])],
)
def test_a_listener_of_both_families_knows_a_sender_by_its_own_address(network, entities, refused):
    if not socket.has_dualstack_ipv6():
        pytest.skip("NOT TESTED: this machine has no IPv6")
    kept: Any = Kept()
    counted: list[str] = []
    meters: Any = SimpleNamespace(discarded=lambda protocol, why, number: counted.append(why))
    place = ("::", free_port(socket.SOCK_DGRAM))

    async def listen():
        async with SyslogListener("udp", place, kept, meters, Addresses([network]), Limits()):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"<14>fan stopped", (LOCAL, place[1]))
            for _ in range(200):
                if kept.rows or counted:
                    return
                await asyncio.sleep(0.02)

    asyncio.run(listen())
    assert [entity for _, entity, *_ in kept.rows] == entities
    assert counted == refused


def bodies(served):
    now = datetime.now(UTC)
    with Reader(f"{served.folder}/tables", served.folder / "journal.db") as reader:
        return sorted(reader.logs(now - timedelta(hours=1), now + timedelta(hours=1))["body"])


def line(text):
    moment = datetime.now(UTC).isoformat(timespec="microseconds")
    return f"<14>1 {moment} host1 app - - - {text}".encode()


def test_lines_are_kept_over_tcp_tls_and_udp(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        needed("openssl", "openssl"),
        *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
    ]
    subject = ["-subj", "/CN=localhost", "-keyout", key, "-out", cert]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    tls, udp = free_port(), free_port(socket.SOCK_DGRAM)
    settings = {
        "AITIA_INGEST__SYSLOG_TLS": f"{LOCAL}:{tls}",
        "AITIA_INGEST__SYSLOG_UDP": f"{LOCAL}:{udp}",
        "AITIA_INGEST__TLS_CERT": str(cert),
        "AITIA_INGEST__TLS_KEY": str(key),
    }
    with serving(tmp_path / "telemetry", **settings) as served:
        with socket.create_connection((LOCAL, served.syslog)) as connection:
            connection.sendall(line("tcp") + b"\n")
        trust = ssl.create_default_context(cafile=cert)
        trust.check_hostname = False
        with (
            socket.create_connection((LOCAL, tls)) as raw,
            trust.wrap_socket(raw) as connection,
        ):
            connection.sendall(line("tls") + b"\n")
        healthy = f"https://{LOCAL}:{served.http}/-/healthy"
        with urllib.request.urlopen(healthy, timeout=20, context=trust) as answer:
            assert answer.status == 200  # HTTP is encrypted with the same certificate
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(line("udp"), (LOCAL, udp))
        wait_until(lambda: bodies(served) == ["tcp", "tls", "udp"], 15, "all lines are kept")


def test_the_last_lines_before_a_crash_are_known_when_they_are_repeated_after_it(tmp_path):
    repeated = [line(f"line {number}") for number in range(5)]
    with serving(tmp_path / "telemetry") as served:
        for lines in (repeated[:4], repeated[2:]):
            with socket.create_connection((LOCAL, served.syslog)) as connection:
                connection.sendall(b"".join(b"%d %s" % (len(one), one) for one in lines))
            last = lines[-1].decode().rpartition("- ")[2]
            wait_until(lambda last=last: last in bodies(served), 15, "lines are kept")
            served.kill()
            served.start()
        assert bodies(served) == [f"line {number}" for number in range(5)]
