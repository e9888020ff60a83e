"""A few lines of Loki's API over lines that a test wrote down: order, limits, pages."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.endpoint import Endpoint
from collectors.loki import Loki
from diagnose.schema import LOGS
from tests.static_server import served

START = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = {"job": "shop", "host": "web1", "level": "warn"}
DATABASE = {"job": "postgres", "host": "db1"}


def nanoseconds(second):
    return int(START.timestamp() + second) * 10**9


def loki(lines, asked=None):
    """Answer as Loki does for (second, labels, text)."""

    def answer(path, headers, body):
        place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if asked is not None:
            asked.append(query)
        if place == "/loki/api/v1/series":
            streams = {json.dumps(labels): labels for _, labels, _ in lines}
            return 200, {"status": "success", "data": list(streams.values())}
        start, end = int(query["start"][0]), int(query["end"][0])
        assert query["direction"] == ["forward"]
        inside = [line for line in lines if start <= nanoseconds(line[0]) < end]
        chosen = sorted(inside, key=lambda line: line[0])[: int(query["limit"][0])]
        streams = {}
        for second, labels, text in chosen:
            stream = streams.setdefault(json.dumps(labels), {"stream": labels, "values": []})
            stream["values"].append([str(nanoseconds(second)), text])
        result = {"resultType": "streams", "result": list(streams.values())}
        return 200, {"status": "success", "data": result}

    return answer


def read(url, end=3600, most=10_000):
    with Endpoint(url).opened() as connection:
        found = list(
            Loki(connection).records('{job=~".+"}', START, START + timedelta(seconds=end), most)
        )
    return pl.concat([LOGS.to_frame(), *found])


def test_lines_are_records_of_the_entity_that_their_labels_name():
    lines = [(5, SHOP, "slow"), (1, DATABASE, "checkpoint"), (4000, SHOP, "later")]
    with served(loki(lines)) as url:
        records = read(url)
        with Endpoint(url).opened() as connection:
            streams = Loki(connection).streams(START, START + timedelta(hours=1))
    assert records.rows()[0][1:4] == ("db1/postgres", "INFO", "checkpoint")
    assert records.rows()[1][:4] == (START + timedelta(seconds=5), "web1/shop", "WARN", "slow")
    assert records.height == 2
    assert SHOP in streams


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["a", "b"])), max_size=30),
    st.integers(2, 9),
    st.integers(1, 40),
)
def test_whatever_the_pages_each_line_comes_once_and_in_order(lines, page, most):
    crowded = Counter(second for second, _ in lines).most_common(1)
    page = max(page, crowded[0][1] + 1 if crowded else 0)  # a moment fits into a page
    told = [(second, SHOP if text == "a" else DATABASE, text) for second, text in lines]
    with pytest.MonkeyPatch.context() as patch, served(loki(told)) as url:
        patch.setattr("collectors.loki.PAGE", page)
        records = read(url, most=most)
    assert records["time"].is_sorted()
    seconds = [(time - START).seconds for time in records["time"]]
    read_lines = Counter(zip(seconds, records["body"], strict=True))
    assert records.height == min(most, len(lines))
    assert read_lines <= Counter(lines)


def test_a_moment_with_more_lines_than_a_page_does_not_stop_the_rest(monkeypatch):
    monkeypatch.setattr("collectors.loki.PAGE", 3)
    lines = [*((1, SHOP, f"line {i}") for i in range(9)), (2, SHOP, "after")]
    with served(loki(lines)) as url:
        assert read(url)["body"].to_list()[-1] == "after"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}}]}},
        [],
    ],
)
def test_what_is_no_answer_of_a_loki_is_refused(answer):
    with served(lambda *_: (200, answer)) as url, pytest.raises(ValueError, match="answer"):
        read(url)
