"""``aitia collect --to`` as a process: what it promises holds when it is killed."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import yaml

from collectors import COLLECTORS
from diagnose.agent import Agent
from diagnose.agent.spool import FILE, Spool
from diagnose.config import Settings
from diagnose.failure import Failure
from tests.diagnose.agent.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


@pytest.fixture
def follow(tmp_path):
    """Return a log file, and settings that make the agent follow it and nothing else."""
    log = tmp_path / "app.log"
    log.write_text("")
    config = tmp_path / "config.yaml"
    section = {
        "host": "db1",
        "every_seconds": 1,
        "skip": sorted(COLLECTORS.keys() - {"files"}),
        "files": [str(log)],
        "spool_dir": str(tmp_path / "spool"),
    }
    config.write_text(yaml.safe_dump({"collect": section}))
    return log, config


@contextmanager
def agent(config, url, **environment):
    """Run the agent, and kill it at the end if it still runs."""
    command = [sys.executable, "-m", "diagnose", "collect", "--to", url, "--config", str(config)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={"PATH": "", **environment}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_a_round(folder):
    """Wait until the agent has looked at its sources once: from then on it reads all."""
    for _ in range(200):
        if (folder / "spool" / FILE).exists():
            spool = Spool(folder / "spool", 1 << 30)
            known = spool.cursors()
            spool.close()
            if known:
                return
        time.sleep(0.1)
    raise AssertionError("the agent never finished a round")


def append(log, numbers):
    with log.open("a") as file:
        file.writelines(f"line {number}\n" for number in numbers)


def test_nothing_is_lost_when_it_is_killed_and_the_receiver_is_away(follow, receiver):
    log, config = follow
    written = 0
    with agent(config, receiver.url):
        wait_for_a_round(log.parent)
    for kill in range(2):
        # Half of the time the receiver refuses to take anything just now.
        receiver.answers = [(503, {"retry-after": "1"})] * (kill % 2)
        with agent(config, receiver.url):
            for _ in range(4):
                append(log, range(written, written + 100))
                written += 100
                time.sleep(0.4 + 0.2 * kill)
    expected = {f"line {number}" for number in range(written + 1)}
    with agent(config, receiver.url) as process:
        append(log, [written])
        assert receiver.wait_for(lambda: set(receiver.bodies()) >= expected)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    # On a busy machine the agent may also say that a collector took too long.
    bodies = [body for body in receiver.bodies() if not body.startswith("collector ")]
    assert set(bodies) == expected
    # At least once: only what was sent and not acknowledged when it was killed comes again.
    assert len(bodies) <= len(expected) + 2 * 400
    first_seen = list(dict.fromkeys(bodies))
    assert first_seen == sorted(expected, key=lambda line: int(line.split()[1]))


def test_systemd_is_told_that_it_is_ready_alive_and_ending(follow, receiver, tmp_path):
    _, config = follow
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        with agent(config, receiver.url, NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
            assert listener.recv(100) == b"READY=1"
            assert listener.recv(100) == b"WATCHDOG=1"
            process.send_signal(signal.SIGTERM)
            told = [listener.recv(100)]
            while told[-1] == b"WATCHDOG=1":
                told.append(listener.recv(100))
            assert told[-1] == b"STOPPING=1"
            assert process.wait(10) == 0


def test_a_receiver_that_is_not_there_is_logged_once_on_one_line(follow):
    log, config = follow
    with agent(config, "http://127.0.0.1:1") as process:
        wait_for_a_round(log.parent)
        append(log, range(3))
        time.sleep(3)  # a second until it is read, and some attempts
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    (line,) = errors.splitlines()
    assert "level=WARNING component=aitia.agent" in line
    assert "127.0.0.1:1" in line


def test_readings_of_this_machine_arrive_under_its_name(receiver, tmp_path):
    section = {"host": "db1", "skip": sorted(COLLECTORS.keys() - {"procfs"})}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"collect": section | {"spool_dir": str(tmp_path / "s")}}))
    with agent(config, receiver.url):
        assert receiver.wait_for(receiver.metrics)
    names = {metric.name for told, metric in receiver.metrics() if told == {"host.name": "db1"}}
    assert {"system.cpu.time", "system.linux.memory.available", "process.memory.usage"} <= names


def test_without_an_address_it_says_what_to_do():
    from prometheus_client import CollectorRegistry

    with pytest.raises(Failure, match="--to URL"):
        Agent(Settings(), CollectorRegistry())
