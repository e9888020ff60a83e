"""Recorded lines of ipmitool, and a real ipmitool before a simulated BMC."""

import json
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from collectors import NotApplicable
from collectors.ipmi import Ipmi, Ipmitool
from collectors.ipmi_text import events, sensors
from diagnose.config import load
from diagnose.schema import LOGS, READINGS
from diagnose.settings.sections import IpmiSection
from tests.programs import LOCAL, free_port, needed, started, wait_until

FIXTURES = Path(__file__).parents[1] / "fixtures" / "ipmi"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SDR = (FIXTURES / "ipmitool_sdr_elist_all.txt").read_text()
SEL = (FIXTURES / "ipmitool_sel_elist.txt").read_text().splitlines()
INFO = (FIXTURES / "ipmitool_sel_info.txt").read_text()


class Recording:
    """What ipmitool printed; a test changes the event log."""

    def __init__(self, lines=SEL):
        self.lines = list(lines)
        self.asked = []

    def __call__(self, arguments):
        self.asked.append(arguments)
        if arguments[0] == "sdr":
            return SDR
        if arguments[1] == "elist":
            return "\n".join(self.lines)
        newest = self.lines[-1] if self.lines else "never"
        return INFO.replace("11/22/26 09:21:58 UTC", newest).replace("10", str(len(self.lines)))


def recorded(folder):
    return Ipmi("db1", Recording())


def frames(collector, since=LONG_AGO):
    return list(collector.collect(since))


def logs(collector, since=LONG_AGO):
    """The log records that one round gives."""
    found = [frame for frame in frames(collector, since) if frame.schema == LOGS]
    return pl.concat([LOGS.to_frame(), *found])


def test_sensors_are_readings_in_base_units_with_their_state():
    (readings, records) = frames(Ipmi("db1", Recording()))
    assert readings.schema == READINGS
    shown = {signal: value for _, entity, signal, value in readings.iter_rows()}
    assert shown["hw.temperature/CPU0 Temp"] == 96
    assert (shown["hw.status/CPU0 Temp"], shown["hw.status/FAN1"]) == (2, 3)
    assert shown["hw.power/PSU1 Power"] == 320
    assert shown["hw.status/DIMM_A1"] == 0
    assert set(readings["entity"]) == set(records["entity"]) == {"db1"}


def test_events_are_records_in_their_order():
    records = logs(Ipmi("db1", Recording()))
    assert records["time"].is_sorted()
    assert records["time"][0] == datetime(2026, 11, 22, 9, 21, 56, tzinfo=UTC)
    assert records["body"][1] == "Drive Slot / Bay Drive 0: Drive Fault"
    assert records["severity"].to_list() == [
        *("WARN", "ERROR", "ERROR", "ERROR", "ERROR"),
        *("WARN", "WARN", "WARN", "WARN", "ERROR"),
    ]
    assert json.loads(records["attributes"][9])["sel.id"] == "a"


def test_a_name_that_holds_ends_of_lines_hides_no_event():
    lines = [line.replace("Drive 0", "Drive\x0b0\x85\u2028!") for line in SEL]
    records = logs(Ipmi("db1", Recording(lines)))
    assert records.height == len(SEL)
    assert records["body"][1].endswith(": Drive Fault")


def test_without_a_cursor_since_decides():
    since = datetime(2026, 11, 22, 9, 21, 57, tzinfo=UTC)
    assert logs(Ipmi("db1", Recording()), since).height == 6


def test_a_new_instance_goes_on_where_the_last_one_stopped():
    source = Recording(SEL[:4])
    first = Ipmi("db1", source)
    assert logs(first).height == 4
    source.lines += SEL[4:]
    second = Ipmi("db1", source, first.cursor)
    assert [json.loads(a)["sel.id"] for a in logs(second)["attributes"]] == list("56789a")
    assert logs(second).is_empty()
    assert source.asked[-1] == ("sel", "info")  # the log itself was not read again


def test_a_cleared_log_is_told_and_what_came_after_is_read_though_its_numbers_are_old():
    source = Recording()
    collector = Ipmi("db1", source)
    logs(collector)
    source.lines = [
        "   1 | 11/23/26 | 08:00:00 UTC | Fan FAN2 | Lower Critical going low | Asserted"
    ]
    records = logs(collector)
    assert [json.loads(a).get("change") for a in records["attributes"]].count(None) == 1
    assert "Fan FAN2: Lower Critical going low" in records["body"].to_list()
    assert "event log cleared" in records["attributes"].str.join()[0]
    source.lines = []
    assert json.loads(logs(collector)["attributes"][0])["change"] == "event log cleared"
    source.lines = SEL[:1]
    assert logs(collector).height == 1


def test_a_deleted_record_and_an_overwritten_one_repeat_nothing():
    source = Recording()
    collector = Ipmi("db1", source)
    logs(collector)
    more = "   b | 11/22/26 | 09:30:00 UTC | Fan FAN1 | Lower Critical going low | Deasserted"
    source.lines = [*SEL[3:9], more]
    records = logs(collector)
    assert records["body"].to_list() == ["Fan FAN1: Lower Critical going low (recovered)"]
    assert records["severity"].to_list() == ["INFO"]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(1, 12))
def test_whatever_the_pace_no_event_is_lost_or_told_twice(arrivals, capacity):
    numbered = [
        f"{i % 65535 + 1:4x} | 11/22/26 | {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02} UTC | Fan F"
        f" | Lower Critical going low | Asserted"
        for i in range(sum(arrivals))
    ]
    source, cursor, told, come = Recording([]), "", [], 0
    for number in arrivals:
        come += min(number, capacity)
        source.lines = numbered[max(0, come - capacity) : come]
        collector = Ipmi("db1", source, cursor)
        told += [a for a in map(json.loads, logs(collector)["attributes"]) if "sel.id" in a]
        cursor = collector.cursor
    assert [one["sel.id"] for one in told] == [line.split()[0] for line in numbered[:come]]


@pytest.mark.parametrize("line", ["garbage", "a | b", " | 01h | ok | 3.1 | 96 degrees C"])
def test_what_is_no_sensor_is_refused(line):
    with pytest.raises(ValueError, match="not a line of a sensor"):
        list(sensors([line]))


@given(st.text())
def test_any_text_is_lines_or_refused(text):
    for parse in (sensors, events):
        with suppress(ValueError):
            list(parse(text.splitlines()))


def test_a_missing_program_and_a_silent_bmc_are_told(monkeypatch):
    section = IpmiSection(address=LOCAL, port=free_port(socket.SOCK_DGRAM), timeout_seconds=0.5)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotApplicable, match="ipmitool is not installed"):
        frames(Ipmi("db1", Ipmitool(section)))


def test_bmcs_come_from_the_settings():
    settings = load(None, {"collect": {"ipmi": {"db1": {"address": "10.0.0.7"}}}})
    (bmc,) = Ipmi.configured(settings).values()
    assert (bmc.host, bmc.cursor) == ("db1", "")


@pytest.fixture
def bmc(tmp_path):
    """Yield (settings, a way to change what it shows) of a simulated BMC."""
    program = needed("ipmi_sim", "openipmi")
    needed("ipmitool", "ipmitool")
    lan, console = free_port(socket.SOCK_DGRAM), free_port()
    text = (FIXTURES / "lan.conf").read_text()
    (tmp_path / "lan.conf").write_text(
        text.replace("29623", str(lan)).replace("29624", str(console))
    )
    (tmp_path / "state" / "labbmc").mkdir(parents=True)
    command = [program, "-n", "-c", tmp_path / "lan.conf", "-f", FIXTURES / "labbmc.emu"]
    section = IpmiSection(
        address=LOCAL,
        port=lan,
        user="ipmiusr",
        password=SecretStr("test"),
        cipher_suite=3,
        timeout_seconds=10,
    )

    def tell(line):
        with socket.create_connection((LOCAL, console), 5) as talk:
            time.sleep(0.1)
            talk.sendall(f"{line}\n".encode())
            time.sleep(0.1)

    def answers():
        try:
            return Ipmitool(section)(("mc", "info"))
        except OSError:
            return ""

    with started([*command, "-s", tmp_path / "state"], tmp_path / "sim.log"):
        wait_until(answers)
        yield section, tell


def test_a_bmc_is_read_to_its_last_event(bmc):
    section, tell = bmc
    collector = Ipmi("lab", Ipmitool(section))
    begin = datetime.now(UTC)
    readings, records = frames(collector, begin - timedelta(hours=1))
    assert readings.filter(signal="hw.fan.speed/FAN1")["value"].to_list() == [9000]
    attributes = [json.loads(text) for text in records["attributes"]]
    assert {one["clock"] for one in attributes} == {"not set"}
    assert records["time"].min() >= begin  # the BMC's clock counts from its own start
    Ipmitool(section)(("sel", "time", "set", "now"))
    tell("sensor_set_value 0x20 0 1 0x60 1")
    wait_until(lambda: "Upper Critical" in Ipmitool(section)(("sel", "elist")))
    (event, *_) = logs(collector)["body"]
    assert event.startswith("Temperature CPU0 Temp: Upper Non-critical going high, Reading 96 > ")
    assert logs(collector).is_empty()
    Ipmitool(section)(("sel", "clear"))
    wait_until(lambda: "Entries          : 0" in Ipmitool(section)(("sel", "info")))
    told = logs(Ipmi("lab", Ipmitool(section), collector.cursor))
    assert "event log cleared" in told["attributes"].to_list()[-1]


def test_a_wrong_password_is_told_without_it(bmc):
    section, _ = bmc
    wrong = section.model_copy(update={"password": SecretStr("seCret")})
    with pytest.raises(OSError, match=r"127.0.0.1: ipmitool sdr elist all: .*") as error:
        frames(Ipmi("lab", Ipmitool(wrong)))
    assert "seCret" not in str(error.value)
