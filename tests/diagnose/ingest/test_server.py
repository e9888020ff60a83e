"""The process as a whole: what it refuses, what it tells systemd, what a bomb does to it."""

import contextlib
import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import cramjam
import pytest

from diagnose.ingest.cleaning import site_key
from diagnose.ingest.server import refuse_open_doors
from diagnose.ingest.tokens import Tokens
from diagnose.schema import Failure
from diagnose.settings.sections import IngestSection
from diagnose.telemetry.damage import repair
from tests.diagnose.ingest.conftest import HEADERS, ONE, WRITE
from tests.diagnose.ingest.serving import Served, serving
from tests.programs import LOCAL, needed, wait_until

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "deploy" / "systemd" / "aitia-ingest.service"
MEBIBYTE = 1 << 20


def post(served, body, path=WRITE, **headers):
    """Return the status of the answer to a request; 0 where it was cut off."""
    address = f"http://{LOCAL}:{served.http}{path}"
    request = urllib.request.Request(address, body, {**HEADERS, **headers}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"host": "0.0.0.0"}, r"ingest\.host .*token add"),
        ({"host": "db1.example"}, r"ingest\.host"),
        ({"syslog_tcp": "0.0.0.0:514"}, r"ingest\.syslog_tcp .*syslog_from"),
        ({"syslog_udp": "[::]:514"}, r"ingest\.syslog_udp"),
    ],
)
def test_nobody_listens_to_a_network_without_checking_who_sends(tmp_path, settings, told):
    with pytest.raises(Failure, match=told):
        refuse_open_doors(IngestSection(**settings), Tokens(tmp_path / "tokens.json"))


def test_with_tokens_or_networks_a_server_may_listen_to_the_world(tmp_path):
    tokens = Tokens(tmp_path / "tokens.json")
    refuse_open_doors(IngestSection(host="::1", syslog_tcp="127.0.0.1:514"), tokens)
    tokens.add("prometheus", "ingest")
    checked = IngestSection(host="0.0.0.0", syslog_udp="0.0.0.0:514", syslog_from=("10.0.0.0/8",))
    refuse_open_doors(checked, tokens)


def test_a_second_server_on_the_same_telemetry_is_refused(tmp_path):
    with serving(tmp_path / "telemetry") as first:
        second = Served(first.folder)
        command = [sys.executable, "-m", "diagnose", "ingest"]
        ended = subprocess.run(
            command, env=second.environment, capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 2
    assert f"process {first.process.pid} writes this telemetry already" in ended.stderr


def most_held(process):
    """Return the most memory that a process held so far, shared code of libraries included."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(size) * 1024


def bombs():
    """Small bodies that would become large, by what they claim, and how they must be answered."""
    snappy = [bytes(cramjam.snappy.compress_raw(bytes(n * MEBIBYTE))) for n in (200, 80)]
    assert len(snappy[0]) > 4 * MEBIBYTE > len(snappy[1])  # by its size, or by what it says
    lying = b"\x64" + snappy[1][4:]  # as if it were 100 bytes
    zeros = gzip.compress(bytes(200 * MEBIBYTE), 1)
    resources = gzip.compress(b"\x0a\x00" * (4 << 20), 1)  # 8 MB, all of which is unpacked
    return [
        *((WRITE, body, "snappy", code) for body, code in ((snappy[0], 413), (snappy[1], 413))),
        (WRITE, lying, "snappy", 400),
        ("/v1/logs", zeros, "gzip", 413),
        ("/v1/traces", resources, "gzip", 413),
    ]


def test_bombs_are_refused_in_little_memory(tmp_path):
    with serving(tmp_path / "telemetry") as served:
        assert post(served, ONE) == 204
        flushed = "aitia_ingest_flush_timestamp_seconds"
        wait_until(lambda: served.metrics()[flushed] > 0, 60, "the first flush")
        sent = bombs()
        for path, body, encoding, code in sent:
            assert post(served, body, path, **{"content-encoding": encoding}) == code
        path, body, encoding, _ = sent[-1]
        send = partial(post, served, body, path, **{"content-encoding": encoding})
        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert post(served, ONE) == 204
        assert most_held(served.process.pid) < 150 * MEBIBYTE


def test_systemd_is_told_when_it_is_ready_that_it_lives_and_that_it_ends(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(30)
        settings = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
        with serving(tmp_path / "telemetry", **settings) as served:
            told = [heard.recv(100) for _ in range(3)]
            served.process.send_signal(signal.SIGTERM)
            while told[-1] != b"STOPPING=1":
                told.append(heard.recv(100))
            assert served.process.wait(30) == 0
    assert told[:3] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


def test_the_unit_is_valid_and_exposes_little(tmp_path):
    analyze = needed("systemd-analyze", "systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/aitia", sys.executable))
    verified = subprocess.run([analyze, "verify", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    command = [analyze, "security", "--offline=true", "--threshold=20", unit]
    judged = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PAGER": ""}
    )
    assert judged.returncode == 0, judged.stdout[-200:]


def test_what_an_administrator_makes_belongs_to_the_services_user(tmp_path):
    if os.geteuid():
        pytest.skip("OWNERS ARE NOT TESTED: this user cannot give files away")
    folder = tmp_path / "telemetry"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    Tokens(folder / "tokens.json").add("prometheus", "ingest")
    repair(folder)
    owners = {path.name: path.stat().st_uid for path in folder.rglob("*")}
    assert set(owners) >= {"tokens.json", "writer.lock", "journal.db"}
    assert set(owners.values()) == {65534}


def test_the_sites_key_is_made_once_and_for_its_owner_alone(tmp_path):
    file = tmp_path / "new" / "redaction.key"
    key = site_key(file)
    assert site_key(file) == key
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(Failure, match="holds no key"):
        site_key(file)


def test_a_folder_that_cannot_be_made_is_named_and_not_the_key_in_it(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (Path("/proc/nope"), tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Failure) as failure:
            site_key(folder / "redaction.key")
        assert failure.value.what.startswith(f"{folder}: the folder cannot be made (")
        assert "telemetry.dir" in failure.value.way_out


def test_a_full_disk_is_503_and_never_an_acknowledgement(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("A FULL DISK IS NOT TESTED: this user cannot mount a small one")
    try:
        with serving(folder / "telemetry", AITIA_TELEMETRY__FLUSH_SECONDS="60") as served:
            filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
            with contextlib.suppress(OSError):
                while os.write(filler, bytes(4096)):
                    pass
            os.close(filler)
            codes = [post(served, ONE) for _ in range(20)]
            assert codes[-1] == 503
            assert set(codes) <= {204, 503}
            (folder / "filler").unlink()
            time.sleep(0.1)
            assert post(served, ONE) == 204
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_an_address_that_is_taken_is_told(tmp_path):
    with serving(tmp_path / "one") as first:
        second = Served(tmp_path / "two", {"AITIA_INGEST__PORT": str(first.http)})
        command = [sys.executable, "-m", "diagnose", "ingest"]
        ended = subprocess.run(
            command, env=second.environment, capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 2
    assert f"{LOCAL}:{first.http} cannot be served" in ended.stderr
