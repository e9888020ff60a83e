"""Explanations in a process of their own, which dies of some."""

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from diagnose.scan.aside import Aside
from diagnose.scan.shards import Finding
from diagnose.schema import Failure, Node

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def finding(host):
    return Finding(host, NOON, symptom=Node(host, "cpu"), missing=("No logs were read.",))


def explained(found, lasting):
    """Explain a host, or die of it as its name says."""
    match found.host:
        case "wrong":
            raise ValueError("no axis\x1b[2J in an empty frame")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "left":
            os._exit(3)
        case "hangs":
            time.sleep(600)
    return replace(found, incident=lasting or "new")


@contextmanager
def explaining():
    yield explained


@contextmanager
def nobody():
    raise Failure("there is no such model", "choose another")
    yield explained


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("wrong", "ValueError: no axis in an empty frame"),
        ("killed", "its process was ended by SIGKILL"),
        ("left", "its process was ended with 3"),
    ],
)
def test_one_that_dies_is_told_and_the_others_are_explained(host, why, capfd):
    with Aside(explaining) as aside:
        assert aside.explained(finding("web1"), "inc-1") == replace(
            finding("web1"), incident="inc-1"
        )
        died = aside.explained(finding(host), None)
        assert aside.explained(finding("web2"), None).incident == "new"
    assert (died.host, died.incident, died.defect) == (host, None, why)
    assert died.missing[0] == "No logs were read."
    assert why in died.missing[1]
    assert ("Traceback" in capfd.readouterr().err) == (host == "wrong")


def test_one_that_hangs_is_ended():
    with Aside(explaining, longest=20) as aside:
        assert aside.explained(finding("web1"), None).incident == "new"
        aside._longest = 0.2
        assert aside.explained(finding("hangs"), None).defect == "it took longer than 0.2 s"


def test_that_nobody_can_be_had_who_explains_ends_the_scan():
    with Aside(nobody) as aside, pytest.raises(Failure, match="there is no such model"):
        aside.explained(finding("web1"), None)
