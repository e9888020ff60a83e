"""Every shipped runbook: chosen for the incident it is meant for, left alone by its near miss."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from diagnose.advise import select
from diagnose.guidance.catalogue import SHIPPED, catalogue
from diagnose.guidance.facts import facts_of
from diagnose.schema import Anomaly, Diagnosis, Node, RootCause

FIXTURES = Path(__file__).parent.parent / "fixtures" / "runbooks"
RUNBOOKS = catalogue().runbooks
EVERY = pytest.mark.parametrize("name", RUNBOOKS)
ONSET = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

# What a check may run: it looks and changes nothing.
LOOKS = re.compile(
    r"""(?:
     apt-cache|cat\ /(?:etc|proc|sys)/|chronyc\ (?:tracking|sources)|conntrack\ -S
    |coredumpctl\ list|cpupower\ frequency-info|curl\ -sS|date\ -u|df|dig|dmesg\ --|du\ -
    |ethtool\ (?:-[Sm]\ )?<|find|findmnt|grep|hwclock\ --show|iostat
    |ip\ (?:-\w+\ )*(?:link|neigh)\ show
    |ipmitool\ (?:sdr|sel\ elist|sensor\ get|mc\ info|dcmi\ power\ (?:reading|get_limit))|jcmd
    |journalctl\ (?!.*--vacuum)|jstat|kafka-consumer-groups.sh\ .*--describe
    |kubectl\ (?:describe|get|logs|top|rollout\ history)|last|ls|lsof|lspci|mdadm\ --detail
    |mpstat|mtr|nstat|nvidia-smi\ (?:-L|-q)|nvme\ (?:list|sm)|openssl|pg_isready|pidstat|ping|ps
    |psql\ -c\ "?(?:select|show)|rabbitmq-diagnostics\ alarms|rabbitmqctl\ list_queues
    |ras-mc-ctl\ --(?:error|summary)|redis-cli\ (?:info|ping|config\ get)|rpcinfo
    |smartctl\ -[xAHl]|ss|storcli64\ .*\ show|sysctl\ [a-z.]|systemctl\ (?:status|show|--fail)
    |systemctl\ list-timers|tail\ -n|tc\ -s|timedatectl\ status|tracepath|turbostat|uname|upsc
    |vmstat
    )""",
    re.X,
)
CHANGES = re.compile(r"pg_(?:terminate|cancel)|-delete|--vacuum|>(?!\w*>)(?<!<\w>)|\brm\b|\bkill -")


def diagnosed(case):
    """Return the diagnosis that a fixture tells of."""
    shown = {seen["entity"]: seen["signal"] for seen in reversed(case["signals"])}
    causes = tuple(
        RootCause(entity, shown[entity], probability)
        for entity, probability in sorted(case["accused"].items(), key=lambda one: -one[1])
    )
    anomalies = tuple(
        Anomaly(
            Node(seen["entity"], seen["signal"]),
            ONSET,
            score=9.0,
            normal=1.0,
            observed=2.0 if seen["direction"] == "up" else 0.0,
        )
        for seen in case["signals"]
    )
    rest = 1.0 - sum(case["accused"].values())
    return Diagnosis("inc-1", None, causes, rest, anomalies=anomalies)


def chosen(case):
    return [match.runbook.id for match in select(facts_of(diagnosed(case)), RUNBOOKS.values())]


def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def test_the_shipped_catalogue_is_sound_and_covers_every_area():
    assert catalogue().problems == ()
    assert len(RUNBOOKS) >= 60
    areas = {runbook.area for runbook in RUNBOOKS.values()}
    assert areas == {file.parent.name for file in SHIPPED.rglob("*.md")}
    assert len(areas) == 10


def test_every_fixture_is_of_a_runbook():
    assert {file.stem for file in FIXTURES.glob("*.json")} == set(RUNBOOKS)


@EVERY
def test_it_is_among_the_first_three_of_the_incident_it_is_meant_for(name):
    assert name in chosen(fixture(name)["fits"])


@EVERY
def test_its_near_miss_leaves_it_alone(name):
    assert name not in chosen(fixture(name)["near_miss"])


@EVERY
def test_its_checks_change_nothing(name):
    for check in RUNBOOKS[name].checks:
        assert LOOKS.match(check.command), check.command
        told = re.sub(r"<\w+>|</dev/null|/dev/null", "", check.command)
        assert not CHANGES.search(told), check.command


@EVERY
def test_its_dangerous_steps_say_so_and_a_harmless_one_comes_first(name):
    runbook = RUNBOOKS[name]
    for step in runbook.steps:
        words = (
            r"restart|reboot|stop|kill -(?!CHLD|CONT)|rm |delete|purge|drain|undo|reset|terminate"
        )
        if re.search(words, step.command):
            assert step.danger or runbook.risk == "low", step.command
    assert not runbook.steps[0].danger


@EVERY
def test_it_is_written_for_people(name):
    runbook = RUNBOOKS[name]
    assert len(runbook.background.split()) >= 15
    assert not runbook.title.endswith(".")
    assert runbook.reversibility.endswith(".")
    for sentence in (*(step.action for step in runbook.steps), *runbook.escalate_when):
        assert sentence[0].isupper(), sentence
        assert sentence[-1] in ".?", sentence
