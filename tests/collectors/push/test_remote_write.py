"""Remote write is read as protobuf's own classes read it, and refused where they refuse it."""

import math
import struct
from contextlib import suppress
from datetime import timedelta

import cramjam
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.limits import Limits
from collectors.prometheus_labels import node_of
from collectors.push import Malformed, TooLarge, Unsupported
from collectors.push.remote_write import RemoteWrite
from diagnose.schema import READINGS
from tests.collectors.push.prometheus_messages import Request1, packed, request_1, request_2
from tests.collectors.push.recorded import NOW, PROTOBUF, recorded

VERSION_2 = f"{PROTOBUF};proto=io.prometheus.write.v2.Request"
MILLISECONDS = int(NOW.timestamp() * 1000)
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
LABELS = {"__name__": "node_load1", "instance": "db1:9100", "job": "node"}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
labels = st.dictionaries(words.filter(bool), words, max_size=4).map(lambda d: {**LABELS, **d})
samples = st.lists(
    st.tuples(st.integers(-86_400_000, 0).map(MILLISECONDS.__add__), st.floats(allow_nan=False)),
    max_size=3,
)
series = st.lists(st.tuples(labels, samples), max_size=5)


def decode(body, content_type=PROTOBUF, **limits):
    return RemoteWrite(Limits(**limits)).decode(body, content_type, NOW)


def rows(decoded):
    return [row[1:] for frame in decoded.frames for row in frame.iter_rows()]


def expected(request):
    """What the classes of protobuf read, sample for sample."""
    for one in request.series:
        node = node_of({label.name: label.value for label in one.labels})
        for sample in one.samples:
            yield node.entity, node.signal, sample.value


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_prometheus_sent(number):
    body = recorded(f"remote_write_{number}.bin")
    request = Request1()
    request.ParseFromString(bytes(cramjam.snappy.decompress_raw(body)))
    found = decode(body)
    assert found.frames[0].schema == READINGS
    assert [str(row) for row in rows(found)] == [str(row) for row in expected(request)]
    moments = [one.timestamp for series in request.series for one in series.samples]
    assert found.frames[0]["time"].dt.epoch("ms").to_list() == moments
    assert (found.rejected, found.written["samples"]) == ({}, 500)


def test_metadata_are_no_samples():
    found = decode(recorded("remote_write_meta_1.bin"))
    assert (found.frames, found.rejected, found.written["samples"]) == ((), {}, 0)


@pytest.mark.parametrize(("make", "content_type"), [(request_1, PROTOBUF), (request_2, VERSION_2)])
@settings(max_examples=50)
@given(given_series=series)
def test_both_versions_say_the_same(make, content_type, given_series):
    decoder = RemoteWrite()
    for _ in range(2):  # unknown labels, then known ones
        found = decoder.decode(packed(make(*given_series)), content_type, NOW)
        assert rows(found) == list(expected(request_1(*given_series)))


WHOLE = request_1(
    (LABELS, [(MILLISECONDS, 1.5)] * 2),
    ({**LABELS, "mode": "idle"}, [(MILLISECONDS, 0.0)]),
    ({**LABELS, "mode": "user"}, [(MILLISECONDS, 2.5)]),
    (LABELS, []),
)


@pytest.mark.parametrize("is_known", [False, True])
@settings(max_examples=300)
@given(st.binary(max_size=3), st.data())
def test_damaged_bytes_are_refused_or_read_as_protobuf_reads_them(is_known, noise, data):
    whole = WHOLE.SerializeToString()
    place = data.draw(st.integers(0, len(whole)))
    body = whole[:place] + noise + whole[place + data.draw(st.integers(0, 3)) :]
    decoder = RemoteWrite()
    if is_known:
        decoder.decode(packed(WHOLE), PROTOBUF, NOW)
    try:
        found = decoder.decode(bytes(cramjam.snappy.compress_raw(body)), PROTOBUF, NOW)
    except Malformed:
        return
    request = Request1()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return  # text that is not UTF-8: we leave out that series alone
    sent = [sample for series_ in request.series for sample in series_.samples]
    assert sum(found.rejected.values()) + len(rows(found)) == len(sent)
    if not found.rejected:
        assert str(rows(found)) == str(list(expected(request)))


@given(st.binary(max_size=200), st.sampled_from([PROTOBUF, VERSION_2]))
def test_noise_is_refused(noise, content_type):
    for body in (noise, bytes(cramjam.snappy.compress_raw(noise))):
        with suppress(Malformed):
            assert rows(decode(body, content_type)) == []


def test_other_content_types_are_refused():
    for kind in ("", "text/plain", PROTOBUF + ";proto=io.prometheus.write.v3.Request"):
        with pytest.raises(Unsupported):
            decode(b"", kind)


def test_the_end_of_a_series_is_no_value_and_nan_is_one():
    given_samples = [(MILLISECONDS, STALE), (MILLISECONDS, math.nan), (MILLISECONDS, math.inf)]
    found = decode(packed(request_1((LABELS, given_samples))))
    assert [str(row[2]) for row in rows(found)] == ["nan", "inf"]
    assert (found.rejected, found.written["samples"]) == ({"stale_marker": 1}, 3)


def test_histograms_and_exemplars_are_counted():
    request = request_1((LABELS, [(MILLISECONDS, 1.0)]))
    request.series[0].histograms.add(timestamp=1)
    request.series[0].exemplars.add(value=1)
    found = decode(packed(request))
    assert found.rejected == {"native_histogram": 1, "exemplar": 1}
    assert found.written == {"samples": 1, "histograms": 0, "exemplars": 0}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"__name__": ""}, "no_metric_name"),
        ({"x": "y" * 5000}, "label_too_long"),
        ({f"l{i}": "" for i in range(99)}, "too_many_labels"),
    ],
)
def test_a_bad_series_is_left_out_alone(changed, reason):
    good = (LABELS, [(MILLISECONDS, 1.0)])
    bad = ({**LABELS, **changed}, [(MILLISECONDS, 2.0)] * 2)
    for body, kind in ((request_1(bad, good), PROTOBUF), (request_2(bad, good), VERSION_2)):
        found = decode(packed(body), kind)
        assert (rows(found), found.rejected) == ([("db1", "node_load1", 1.0)], {reason: 2})


def test_what_is_no_text_or_twice_there_is_left_out():
    for labels_, reason in ((b"\xff", "invalid_utf8"), (b"job", "duplicate_label")):
        body = request_1((LABELS, [(MILLISECONDS, 1.0)])).SerializeToString()
        size = len("instance")
        name = labels_ if labels_ == b"job" else labels_ * size
        damaged = body.replace(b"\x0a\x08instance", b"\x0a" + bytes([len(name)]) + name)
        shift = len(name) - size
        damaged = damaged.replace(b"\x0a\x14", bytes([0x0A, 0x14 + shift]))
        damaged = bytes([damaged[0], damaged[1] + shift]) + damaged[2:]
        assert decode(bytes(cramjam.snappy.compress_raw(damaged))).rejected == {reason: 1}


def test_too_many_series_are_left_out_until_others_end():
    def sent(names, now):
        body = request_1(*(({**LABELS, "x": name}, [(MILLISECONDS, 1.0)]) for name in names))
        return decoder.decode(packed(body), PROTOBUF, now)

    decoder = RemoteWrite(Limits(series=2, future=timedelta(days=9), past=timedelta(days=9)))
    assert sent("ab", NOW).rejected == {}
    assert sent("abcd", NOW).rejected == {"too_many_series": 2}
    hour = timedelta(hours=1)
    assert sent("b", NOW + hour).rejected == {}
    assert sent("bc", NOW + 2 * hour).rejected == {}


def test_times_that_cannot_be_are_left_out():
    moments = [MILLISECONDS, MILLISECONDS + 3_600_000, 0, 2**63 - 1, -(2**63)]
    found = decode(packed(request_1((LABELS, [(moment, 1.0) for moment in moments]))))
    assert len(rows(found)) == 1
    assert found.rejected == {"too_far_in_future": 2, "too_old": 2}
    assert found.written["samples"] == 1


def test_a_request_has_a_greatest_size():
    many = packed(request_1((LABELS, [(MILLISECONDS, 1.0)] * 11)))
    with pytest.raises(TooLarge):
        decode(many, samples=10)
    with pytest.raises(TooLarge):
        decode(many, unpacked_bytes=100)
    lying = b"\xff\xff\xff\xff\x0f" + b"\0" * 20
    with pytest.raises(TooLarge):
        decode(lying)


def test_a_reference_to_no_symbol_is_refused():
    request = request_2((LABELS, [(MILLISECONDS, 1.0)]))
    request.series[0].labels_refs.append(999)
    with pytest.raises(Malformed, match="symbol"):
        decode(packed(request), VERSION_2)


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=3))
def test_what_looks_like_a_sample_is_read_as_protobuf_reads_it(tails):
    decoder = RemoteWrite()
    one = request_1((LABELS, []))
    decoder.decode(packed(one), PROTOBUF, NOW)
    labels_ = one.SerializeToString()[2:]
    series_ = labels_ + b"".join(b"\x12\x10" + tail for tail in tails)
    body = b"\x0a" + bytes([len(series_) & 127 | 128, len(series_) >> 7]) + series_
    if len(series_) < 128:
        body = b"\x0a" + bytes([len(series_)]) + series_
    request = Request1()
    try:
        request.ParseFromString(body)
    except DecodeError:
        with pytest.raises(Malformed):
            decoder.decode(bytes(cramjam.snappy.compress_raw(body)), PROTOBUF, NOW)
        return
    with suppress(Malformed):  # protobuf passes fields of an unexpected kind by
        found = decoder.decode(bytes(cramjam.snappy.compress_raw(body)), PROTOBUF, NOW)
        assert len(rows(found)) + sum(found.rejected.values()) == len(tails)


def test_frames_are_the_same_when_labels_are_known():
    decoder = RemoteWrite()
    body = recorded("remote_write_1.bin")
    first, again = (decoder.decode(body, PROTOBUF, NOW).frames[0] for _ in range(2))
    assert first.equals(again)
