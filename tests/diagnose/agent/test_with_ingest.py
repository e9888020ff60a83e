"""The agent and the ingest server, both killed: what was written is stored once."""

import gzip
import signal
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import yaml

from collectors import COLLECTORS
from collectors.push.otlp_logs import decoded
from collectors.push.otlp_metrics import OtlpMetrics
from collectors.rows import edges_at, log_frame, readings_at
from diagnose.agent.otlp import requests
from diagnose.telemetry.reader import Reader
from tests.diagnose.agent.test_agent import agent, append, wait_for_a_round
from tests.diagnose.ingest.serving import serving
from tests.programs import LOCAL, wait_until


def settings_file(folder, log):
    file = folder / "config.yaml"
    section = {
        "host": "db1",
        "every_seconds": 1,
        "skip": sorted(COLLECTORS.keys() - {"files", "procfs"}),
        "files": [str(log)],
        "spool_dir": str(folder / "spool"),
    }
    file.write_text(yaml.safe_dump({"collect": section}))
    return file


def test_every_line_is_stored_once_whoever_is_killed(tmp_path):
    log = tmp_path / "app.log"
    log.write_text("")
    config = settings_file(tmp_path, log)
    began = datetime.now(UTC) - timedelta(minutes=1)
    with serving(tmp_path / "telemetry") as served:
        url = f"http://{LOCAL}:{served.http}"
        with agent(config, url):
            wait_for_a_round(tmp_path)
        for turn in range(2):
            with agent(config, url):
                append(log, range(turn * 200, turn * 200 + 100))
                time.sleep(1.1)
                served.kill()
                append(log, range(turn * 200 + 100, turn * 200 + 200))
                time.sleep(1.1)
            served.start()
        expected = {f"line {number}" for number in range(401)}
        with (
            agent(config, url) as process,
            Reader(f"{served.folder}/tables", served.folder / "journal.db") as kept,
        ):
            append(log, [400])
            span = (began, datetime.now(UTC) + timedelta(minutes=5))

            def stored():
                lines = kept.logs(*span)["body"].to_list()
                return [line for line in lines if line.startswith("line")]

            wait_until(lambda: set(stored()) >= expected, 30, "all lines are stored")
            assert sorted(stored()) == sorted(expected)
            readings = kept.readings(*span, {"db1"})
            assert {"system.cpu.time/user", "system.linux.memory.available"} <= set(
                readings["signal"]
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_names_severities_and_edges_come_back_as_they_were_sent():
    now = datetime.now(UTC).replace(microsecond=123456)
    readings = readings_at(
        now,
        [
            ("db1", "system.cpu.time/iowait", 1.5),
            ("db1", "system.filesystem.utilization//var/lib/a,b", 0.5),
            ("db1", "hw.temperature/coretemp/Core 0", 41.0),
            ("db1", "system.uptime", 7.0),
            ("db1/sda", "system.disk.io/read", 12.0),
            ("db1/gpu-0000:3b:00.0", "hw.gpu.power", 300.0),
        ],
    )
    logs = log_frame(
        [
            (now, "db1/nginx.service", "ERROR3", "it broke", '{"change": "unit start"}'),
            (now, "db1", "WARN", "", '{"error": "disk io", "n": 3}'),
        ]
    )
    edges = edges_at(now, [("db1/nginx.service", "10.0.0.5")], "procfs")
    kind = "application/x-protobuf"
    back: list[pl.DataFrame] = []
    for request in requests([readings, logs, edges]):
        body = gzip.decompress(request.body)
        decode = OtlpMetrics().decode if request.path == "v1/metrics" else decoded
        told = decode(body, kind, now)
        assert not told.rejected
        back += told.frames
    assert [frame.sort(frame.columns).rows() for frame in back] == [
        frame.sort(frame.columns).rows() for frame in (readings, logs, edges)
    ]
