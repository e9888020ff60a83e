"""Resources of DMTF's rack-mount mock-up and of sushy's emulator, from a server of our own."""

import json
import shutil
import subprocess
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.endpoint import Endpoint
from collectors.redfish import Redfish
from collectors.redfish_values import sensor_values, values
from diagnose.config import load
from diagnose.schema import LOGS, READINGS
from tests.programs import LOCAL
from tests.static_server import served, tree

FIXTURES = Path(__file__).parents[1] / "fixtures" / "redfish"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CHASSIS = "/redfish/v1/Chassis"
SUPPLIES = f"{CHASSIS}/1U/PowerSubsystem/PowerSupplies"
LOG = "/redfish/v1/Systems/437XR1138R2/LogServices/Log1/Entries"


class Recorded:
    """The BMC, served for as long as it is read."""

    def collect(self, since):
        with served(tree(rack())) as url:
            yield from Redfish("db1", Endpoint(url)).collect(since)


def recorded(folder):
    return Recorded()


def links(*paths):
    return {"Members": [{"@odata.id": path} for path in paths]}


def rack():
    """The recorded resources by their paths, and the collections that lead to them."""
    found = [json.loads(file.read_text()) for file in FIXTURES.glob("redfish_dmtf_*.json")]
    resources = {one["@odata.id"].rstrip("/"): one for one in found}
    resources[CHASSIS] = links(f"{CHASSIS}/1U")
    resources["/redfish/v1/Systems"] = links("/redfish/v1/Systems/437XR1138R2")
    resources[f"{CHASSIS}/1U/Sensors"] = links(f"{CHASSIS}/1U/Sensors/CPU1Temp", "/redfish/v1/gone")
    resources[f"{CHASSIS}/1U/ThermalSubsystem"] = {
        "ThermalMetrics": {"@odata.id": f"{CHASSIS}/1U/ThermalSubsystem/ThermalMetrics"}
    }
    resources[f"{CHASSIS}/1U/PowerSubsystem"] = {"PowerSupplies": {"@odata.id": SUPPLIES}}
    resources[SUPPLIES] = links(f"{SUPPLIES}/Bay1")
    resources[f"{SUPPLIES}/Bay1"] = {
        "Name": "Power Supply Bay 1",
        "Status": {"State": "Enabled", "Health": "Critical"},
        "Metrics": {"@odata.id": f"{SUPPLIES}/Bay1/Metrics"},
    }
    second = deepcopy(resources[LOG])
    second["Members"] = [entry("3", "2012-03-07T14:46:00Z")]
    resources[f"{LOG}?$skiptoken=2"] = second  # which names itself as the next page, too
    resources["/redfish/v1/Registries"] = links("/redfish/v1/Registries/Event")
    resources["/redfish/v1/Registries/Event"] = {
        "Registry": "Event.1.0",
        "Location": [{"Language": "en", "Uri": "/redfish/v1/Registries/Event/file"}],
    }
    resources["/redfish/v1/Registries/Event/file"] = {
        "Messages": {
            "FanFailed": {
                "Message": "Fan %1 of %2 has failed.",
                "Resolution": "Replace fan %1.",
            }
        }
    }
    return resources


def entry(number, created, **more):
    return {"Id": number, "Created": created, "Message": f"event {number}", "Severity": "OK"} | more


def collected(url, cursor="", since=LONG_AGO, **access):
    """Return the BMC, its readings by signal, and its log records."""
    bmc = Redfish("db1", Endpoint(url, timeout_seconds=5, **access), cursor)
    found = list(bmc.collect(since))
    logs = pl.concat([LOGS.to_frame(), *(frame for frame in found if frame.schema == LOGS)])
    shown = pl.concat(
        [READINGS.to_frame(), *(frame for frame in found if frame.schema == READINGS)]
    )
    return bmc, dict(zip(shown["signal"], shown["value"], strict=True)), logs


def test_sensors_power_and_health_are_readings_in_base_units():
    with served(tree(rack())) as url:
        bmc, shown, _ = collected(url)
    assert shown["hw.temperature/CPU #1 Temperature"] == 37
    assert shown["hw.temperature/CPU1 Temp"] == 41
    assert shown["hw.temperature/Intake"] == 24.8
    assert shown["hw.fan.speed/BaseBoard System Fan"] == 2100
    assert shown["hw.voltage/VRM1 Voltage"] == 12
    assert shown["hw.power/System Input Power"] == 344
    assert shown["hw.energy/Power Supply Bay 1"] == 325675 * 3.6e6
    assert shown["hw.power/Power Supply Bay 1 InputPowerWatts"] == 937.4
    assert shown["hw.status/Power Supply Bay 1"] == 2
    assert shown["hw.status/Power Supply Bay"] == 1
    assert "/redfish/v1/gone: 404" in bmc.skipped


def test_an_older_bmc_that_lacks_most_parts_is_read_as_far_as_it_goes():
    chassis = json.loads((FIXTURES / "redfish_sushy_Chassis_ID_200.json").read_text())
    thermal = json.loads((FIXTURES / "redfish_sushy_Chassis_ID_Thermal_200.json").read_text())
    resources = {
        "/redfish/v1": {
            "Chassis": {"@odata.id": CHASSIS},
            "Systems": {"@odata.id": "/redfish/v1/Systems"},
        },
        CHASSIS: links(chassis["@odata.id"]),
        chassis["@odata.id"]: chassis,
        chassis["Thermal"]["@odata.id"]: thermal,
    }
    with served(tree(resources, {"/redfish/v1/Systems": 501})) as url:
        bmc, shown, logs = collected(url)
    assert shown["hw.temperature/CPU Temp"] == 41
    assert bmc.skipped == ("/redfish/v1/Systems: 501",)
    assert logs.is_empty()


def test_every_page_of_a_log_is_read_once_and_pages_that_lead_in_a_circle_end():
    with served(tree(rack())) as url:
        bmc, _, logs = collected(url)
        assert logs["severity"].to_list() == ["ERROR", "ERROR", "INFO"]
        assert logs["time"][0] == datetime(2012, 3, 7, 14, 44, tzinfo=UTC)
        assert set(logs["entity"]) == {"db1"}
        assert collected(url, bmc.cursor)[2].is_empty()


def test_an_entry_with_an_old_clock_and_an_old_number_is_still_new():
    resources = rack()
    with served(tree(resources)) as url:
        bmc, _, _ = collected(url)
        resources[LOG]["Members"] = [entry("1", "2001-01-01T00:00:00Z")]
        again, _, logs = collected(url, bmc.cursor)
        assert logs["body"].to_list() == ["event 1"]
        assert collected(url, again.cursor)[2].is_empty()


def test_a_page_that_fails_for_once_repeats_nothing_later():
    resources = rack()
    refused: dict[str, int] = {}
    with served(tree(resources, refused)) as url:
        bmc, _, _ = collected(url)
        refused[f"{LOG}?"] = 500
        bmc, _, logs = collected(url, bmc.cursor)
        assert logs.is_empty()
        assert f"{LOG}?$skiptoken=2: 500" in bmc.skipped
        refused.clear()
        assert collected(url, bmc.cursor)[2].is_empty()


def test_without_a_cursor_since_decides():
    with served(tree(rack())) as url:
        _, _, logs = collected(url, since=datetime(2012, 3, 7, 14, 45, tzinfo=UTC))
    assert logs["body"].to_list() == ["event 3"]


def test_the_bmcs_own_registry_tells_what_a_message_means_and_what_to_do():
    resources = rack()
    message = {"MessageId": "Event.1.0.FanFailed", "MessageArgs": ["3", "1U"], "Message": None}
    resources[LOG] = {
        "Members": [entry("9", "2026-01-01T00:00:00Z", Severity="Critical") | message]
    }
    with served(tree(resources)) as url:
        _, _, logs = collected(url)
    assert logs["body"].to_list() == ["Fan 3 of 1U has failed."]
    assert json.loads(logs["attributes"][0])["resolution"] == "Replace fan 3."


@pytest.mark.parametrize(
    "link", ["http://169.254.169.254/x", "//elsewhere/x", "https://127.0.0.1/x", "file:/etc/passwd"]
)
def test_a_link_to_another_host_is_refused_and_never_followed(link):
    resources = rack()
    resources[LOG]["@odata.nextLink"] = link
    with served(tree(resources)) as url, pytest.raises(ValueError, match="leads to another host"):
        collected(url)


def test_links_that_never_end_are_refused(monkeypatch):
    monkeypatch.setattr("collectors.redfish.REQUESTS", 30)

    def answer(path, headers, body):
        number = int(path.rpartition("=")[2]) if "=" in path else 0
        page = {"Members": [], "@odata.nextLink": f"{CHASSIS}?page={number + 1}"}
        return 200, {"Chassis": {"@odata.id": CHASSIS}} if path == "/redfish/v1/" else page

    with served(answer) as url, pytest.raises(ValueError, match="links never end"):
        collected(url)


def test_who_may_not_read_is_told(tmp_path):
    def answer(path, headers, body):
        return (200, {}) if headers["Authorization"] == "Basic b3BzOnNlQ3JldA==" else (401, {})

    with served(answer) as url:
        assert collected(url, user="ops", password="seCret")[2].is_empty()
        with pytest.raises(OSError, match="answers 401") as error:
            collected(url, user="ops", password="gUess")
    assert "gUess" not in str(error.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: openssl is not installed (Debian: openssl)")
    files = (tmp_path / "cert.pem", tmp_path / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=bmc", "-addext", f"subjectAltName=IP:{LOCAL}"]
    command += ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    with served(tree(rack()), files) as url:
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            collected(url)
        assert collected(url, ca_path=files[0])[2].height == 3


def test_bmcs_come_from_the_settings():
    bmcs = {"db1": {"url": "https://10.0.0.7", "user": "ops", "password": "x"}}
    (bmc,) = Redfish.configured(load(None, {"collect": {"redfish": bmcs}})).values()
    assert (bmc.host, bmc.endpoint.url) == ("db1", "https://10.0.0.7")
    assert "password='x'" not in repr(bmc.endpoint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.just(10**400) | st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["Reading", "ReadingUnits", "Status", "Name", "RailVoltage", "EnergykWh"])


@given(st.dictionaries(FIELDS, JSON | st.sampled_from(["Cel", "%"])))
def test_any_resource_gives_finite_numbers(resource):
    for _, value in [*sensor_values(resource), *values(resource)]:
        assert value == value
        assert abs(value) != float("inf")
