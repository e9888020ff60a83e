from datetime import UTC, datetime

import pytest

pytest.importorskip("psycopg")  # part of what recording a live system needs

from tests.lab.recording import _json, _postgres, _redis


def test_a_redis_line_becomes_a_record():
    (record,) = _redis(["6829:M 22 Nov 2026 13:44:01.813 # Server initialized", "no record"])
    when = datetime(2026, 11, 22, 13, 44, 1, 813000, UTC)
    assert record == (when, "redis", "WARN", "Server initialized", "{}")


def test_a_postgres_record_takes_in_its_indented_lines():
    lines = [
        "2026-11-22 13:44:02.355 UTC [68] shop@postgres ERROR:  no room",
        "2026-11-22 13:44:02.355 UTC [68] shop@postgres STATEMENT:  INSERT",
        "\tINTO orders",
    ]
    error, statement = _postgres(lines)
    assert error[1:4] == ("postgres", "ERROR", "no room")
    assert statement[3] == "INSERT INTO orders"


def test_a_half_written_line_is_left_out():
    line = (
        '{"time": "2026-11-22T13:44:02+00:00", "severity": "INFO", "body": "b", "attributes": {}}'
    )
    assert [record[3] for record in _json([line, line[:40]], "web")] == ["b"]
