"""Logs as package managers write them, a boot, and files written in a folder of configuration."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from collectors import NotApplicable
from collectors import changes as module
from collectors.changes import Changes
from models.kinds import kind_of_change

ROOT = Path(__file__).parent.parent / "fixtures" / "changes" / "root"
BOOTED = datetime(2026, 11, 22, 8, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def recorded(folder, boot="first", config=()):
    shutil.copytree(ROOT, folder / "root", dirs_exist_ok=True)
    return Changes("db1", folder / "root", tuple(config), lambda: (boot, BOOTED))


def rows(collector, since=LONG_AGO):
    return pl.concat(collector.collect(since)).rows(named=True)


def told(collector, since=LONG_AGO):
    return [
        (json.loads(row["attributes"])["change"], row["body"]) for row in rows(collector, since)
    ]


def test_packages_and_boots(tmp_path):
    assert sorted(told(recorded(tmp_path))) == [
        ("package install", "install of libssl3 <none> -> 3.0.15-1"),
        ("package install", "install of openssl-3.0.7-27.x86_64"),
        ("package remove", "remove of telnet 0.17 -> <none>"),
        ("package upgrade", "upgrade of nginx 1.22.1-9 -> 1.24.0-1"),
        ("package upgrade", "upgrade of nginx-1:1.24.0-1.x86_64"),
        ("reboot", "the host was booted"),
    ]
    kinds = {kind_of_change(change).name for change, _ in told(recorded(tmp_path))}
    assert kinds == {"change: package installed", "change: reboot"}


def test_each_change_once_also_by_another_process(tmp_path):
    first = recorded(tmp_path)
    rows(first)
    assert told(first) == []
    again = Changes("db1", first.root, boot=lambda: ("second", BOOTED))
    again.cursor = first.cursor
    with (first.root / "var/log/dpkg.log").open("a") as log:
        log.write("2026-11-22 09:20:00 purge telnet:amd64 0.17 <none>\n")
    assert told(again) == [
        ("reboot", "the host was booted"),
        ("package remove", "remove of telnet 0.17 -> <none>"),
    ]


def test_a_file_that_is_written_or_moved_into_place(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SETTLED", timedelta(0))
    config = tmp_path / "etc"
    (config / "nginx").mkdir(parents=True)
    (config / "old.conf").write_text("1")
    collector = recorded(tmp_path, config=[config])
    rows(collector, datetime.now(UTC) + timedelta(seconds=1))
    (config / "nginx/nginx.conf").write_text("worker_processes 2;")
    (tmp_path / "prepared").write_text("2")
    os.utime(tmp_path / "prepared", (0, 0))  # an older file, put in place
    (tmp_path / "prepared").rename(config / "placed.conf")
    (config / ".nginx.conf.swp").write_text("an editor's")
    written = {body for change, body in told(collector) if change == "config write"}
    assert written == {
        f"{config}/nginx/nginx.conf was written",
        f"{config}/placed.conf was written",
    }
    assert told(collector) == []


def test_many_files_are_summed_up(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SETTLED", timedelta(0))
    monkeypatch.setattr(module, "MOST_WRITES", 3)
    for number in range(5):
        (tmp_path / f"{number}.conf").write_text("1")
    collector = Changes("db1", ROOT, (tmp_path,), lambda: ("first", BOOTED))
    bodies = [body for change, body in told(collector) if change == "config write"]
    assert len(bodies) == 4
    assert "2 more files were written" in bodies


def test_without_a_cursor_only_what_is_later_than_since(tmp_path):
    late = told(recorded(tmp_path), datetime(2026, 11, 22, 9, 16, 42, tzinfo=UTC))
    assert late == [("package install", "install of openssl-3.0.7-27.x86_64")]


def test_another_system_is_no_failure(tmp_path):
    with pytest.raises(NotApplicable, match="no Linux"):
        next(Changes("db1", tmp_path).collect(LONG_AGO))
