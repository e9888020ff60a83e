from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors import NotApplicable
from collectors.hwmon import Hwmon

TREE = Path(__file__).parent.parent / "fixtures" / "hwmon"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def recorded(_=None):
    return Hwmon("db1", TREE)


def test_labels_units_and_whose_sensor_it_is():
    rows = [row for frame in recorded().collect(NOW) for row in frame.drop("time").rows()]
    assert rows == [
        ("db1", "hw.fan.speed/coretemp/fan1", 1200.0),
        ("db1", "hw.temperature/coretemp/Core 0", 41.0),
        ("db1/nvme0", "hw.temperature/nvme/Composite", 37.85),
        ("db1/sda", "hw.temperature/drivetemp/temp1", 33.0),
        ("db1", "hw.current/power_meter/curr1", 1.5),
        ("db1", "hw.voltage/power_meter/+12V", 12.096),
        ("db1", "hw.power/power_meter/power1", 187.0),
    ]


def test_no_sensors_is_no_failure(tmp_path):
    with pytest.raises(NotApplicable, match="no sensors"):
        next(Hwmon("db1", tmp_path).collect(NOW))


def test_a_chip_that_cannot_be_read_is_said_after_the_others(tmp_path):
    for number in range(2):
        (tmp_path / f"hwmon{number}").mkdir()
        (tmp_path / f"hwmon{number}/name").write_text("k10temp\n")
    (tmp_path / "hwmon0/temp1_input").symlink_to("/proc/self/mem")  # opens, and fails when read
    (tmp_path / "hwmon1/temp1_input").write_text("50000\n")
    frames = Hwmon("db1", tmp_path).collect(NOW)
    assert next(frames)["value"].to_list() == [50.0]
    with pytest.raises(OSError, match=r"."):
        next(frames)


def test_a_sensor_that_breaks_its_format_is_said(tmp_path):
    chip = tmp_path / "hwmon0"
    chip.mkdir()
    (chip / "name").write_text("k10temp\n")
    (chip / "temp1_input").write_text("warm\n")
    with pytest.raises(ValueError, match="warm"):
        list(Hwmon("db1", tmp_path).collect(NOW))
