"""Answers that smartctl gave about real disks: ATA, NVMe, SCSI, and one without SMART."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from collectors import NotApplicable
from collectors.smart import Smart, values
from collectors.smart.answer import Answer

RECORDED = Path(__file__).parent.parent / "fixtures" / "smart"
ANSWERS = sorted(RECORDED.glob("*.json"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
DISKS = {
    "/dev/sda": "ST3500418AS_12",
    "/dev/sdb": "HITACHI_H109060SESUN600G_10",
    "/dev/nvme0": "nvme-null-SAMSUNG_MZWLL3T2HAJQ-00005-nvme0",
}


def answer(name):
    return Answer.model_validate_json((RECORDED / f"{name}.json").read_text())


def asked(disks):
    def ask(arguments):
        if arguments == ["--scan"]:
            return json.dumps({"devices": [{"name": d, "type": "auto"} for d in disks]}).encode()
        return (RECORDED / f"{disks[arguments[-1]]}.json").read_bytes()

    return ask


def recorded(_=None):
    return Smart("db1", asked(DISKS))


def test_each_disk_is_an_entity():
    read = pl.concat(recorded().collect(NOW))
    assert read["entity"].unique(maintain_order=True).to_list() == [
        "db1/sda",
        "db1/sdb",
        "db1/nvme0",
    ]


def test_an_ata_disk_that_wears_out():
    old = dict(values(answer("ST3500418AS_12")))
    assert old["hw.physical_disk.reallocated_sectors"] == 304
    assert old["hw.physical_disk.smart_status/failed"] == 0  # and yet it says that it is well
    assert old["hw.physical_disk.power_on_hours"] == 44_668
    assert old["hw.physical_disk.temperature"] == 33


def test_an_nvme_disk_that_failed_although_smartctl_exits_with_a_bit_set():
    told = answer("nvme-null-SAMSUNG_MZWLL3T2HAJQ-00005-nvme0")
    assert told.smartctl.exit_status != 0
    failed = dict(values(told))
    assert failed["hw.physical_disk.smart_status/failed"] == 1
    assert failed["hw.physical_disk.smart_health/critical_warning"] == 16


def test_a_scsi_disk():
    disk = dict(values(answer("HITACHI_H109060SESUN600G_10")))
    assert disk["hw.physical_disk.grown_defects"] == 0
    assert disk["hw.physical_disk.media_errors/read"] == 0


def test_wear_is_the_share_of_life_that_is_gone():
    name = "sat-Intel_S4510_S4610_S4500_S4600_Series_SSDs-INTEL_SSDSC2KB240G7-sdd"
    assert dict(values(answer(name)))["hw.physical_disk.wear/233"] == pytest.approx(0.45)


def test_no_data_is_not_healthy():
    assert list(values(answer("smartctl_vda"))) == []
    read = Smart("db1", asked({"/dev/vda": "smartctl_vda", "/dev/sda": "ST3500418AS_11"}))
    frames = read.collect(NOW)
    assert next(frames).height == 0
    assert next(frames).height > 5  # the other disk has its say first
    with pytest.raises(OSError, match="/dev/vda: "):
        next(frames)


def test_no_disk_is_no_failure():
    with pytest.raises(NotApplicable, match="no disk"):
        next(Smart("db1", asked({})).collect(NOW))


def test_a_sleeping_disk_is_let_sleep():
    said = {"string": "Device is in STANDBY mode, exit(2)", "severity": "information"}
    asleep = {"smartctl": {"exit_status": 2, "messages": [said]}}

    def ask(arguments):
        disks = asked({"/dev/sda": ""})
        return disks(arguments) if arguments == ["--scan"] else json.dumps(asleep).encode()

    assert [frame.height for frame in Smart("db1", ask).collect(NOW)] == [0]


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_every_answer_is_read(file):
    for signal, value in values(Answer.model_validate_json(file.read_text())):
        assert signal.startswith("hw.physical_disk.")
        assert value >= 0
