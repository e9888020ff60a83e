"""Loki's push API in both of its encodings."""

import json
from contextlib import suppress

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.limits import Limits
from collectors.push import Malformed, TooLarge, Unsupported, loki_push
from diagnose.schema import LOGS
from tests.collectors.push.recorded import JSON, NOW, PROTOBUF, nanoseconds

LABELS = {"job": "shop", "instance": "web1:8080", "level": "error"}


def rows(body, content_type=JSON, **limits):
    (frame,) = loki_push.decoded(body, content_type, NOW, Limits(**limits)).frames
    assert frame.schema == LOGS
    return frame.rows()


def as_json(labels, *values):
    return json.dumps({"streams": [{"stream": labels, "values": list(values)}]}).encode()


def as_protobuf(labels, *values):
    request = loki_push.push_request()()
    stream = request.streams.add()
    stream.labels = labels
    for time, line, metadata in values:
        entry = stream.entries.add(line=line)
        entry.timestamp.seconds, entry.timestamp.nanos = divmod(int(time), 1_000_000_000)
        for name, value in metadata.items():
            entry.metadata.add(name=name, value=value)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def test_both_encodings_say_the_same():
    value = [str(nanoseconds()), "boom", {"trace_id": "7"}]
    shown = "{" + ", ".join(f'{key}="{text}"' for key, text in LABELS.items()) + "}"
    found = rows(as_json(LABELS, value))
    assert found == rows(as_protobuf(shown, value), PROTOBUF)
    assert found[0][:4] == (NOW, "web1/shop", "ERROR", "boom")
    assert json.loads(found[0][4]) == {**LABELS, "trace_id": "7"}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("{}", {}),
        ('{a="b"}', {"a": "b"}),
        ('{a="b", c="d,}\\"" ,}', {"a": "b", "c": 'd,}"'}),
        ('{a="\\x01"}', {"a": "\\x01"}),
    ],
)
def test_labels_as_loki_writes_them(labels, expected):
    body = as_protobuf(labels, (nanoseconds(), "x", {}))
    assert json.loads(rows(body, PROTOBUF)[0][4]) == expected


@pytest.mark.parametrize("labels", ["", "a", "{a}", '{a="b}', '{a="b" c="d"}', "{1='x'}", "{"])
def test_labels_in_another_form_are_refused(labels):
    with pytest.raises(Malformed, match="labels"):
        rows(as_protobuf(labels, (nanoseconds(), "x", {})), PROTOBUF)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"1", b"{", b"[" * 100_000, b'{"streams": 1}', b'{"streams": [1]}'),
        *(b'{"streams": [{"stream": {}}]}', b'{"streams": [{"values": []}]}'),
        as_json({}, ["-1", "x"]),
        as_json({}, [1, "x"]),
        as_json({}, ["1"]),
        as_json({}, {}),
    ],
)
def test_json_of_another_kind_is_refused(body):
    with pytest.raises(Malformed):
        loki_push.decoded(body, JSON, NOW)


def test_half_a_character_is_no_reason_to_lose_a_line():
    assert rows(as_json({}, [str(nanoseconds()), "\ud800 and \U0001f600"]))[0][3] == "? and 😀"


def test_limits():
    body = as_json({}, *[[str(nanoseconds()), "long line"]] * 3)
    assert [row[3] for row in rows(body, line_characters=4)] == ["long"] * 3
    with pytest.raises(TooLarge):
        rows(body, records=2)
    with pytest.raises(Unsupported):
        rows(body, "text/plain")
    found = loki_push.decoded(as_json({}, ["1", "x"], ["9" * 30, "x"]), JSON, NOW)
    assert (found.frames, found.rejected) == ((), {"too_old": 1, "too_far_in_future": 1})


@given(st.binary(max_size=100))
def test_noise_is_refused_or_empty(noise):
    for body in (noise, bytes(cramjam.snappy.compress_raw(noise))):
        with suppress(Malformed):
            loki_push.decoded(body, PROTOBUF, NOW)
