import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.incident.promql import compared

P95 = (
    'histogram_quantile(0.95, sum by (le, job) (rate(http_duration_seconds_bucket{job="web"}[5m])))'
)


def told(expression):
    found = compared(expression)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("expression", "value", "metric", "plain"),
    [
        ("probe_success == 0", "probe_success", "probe_success", True),
        ("(up) < bool 1", "up", "up", True),
        ("0 == up", "up", "up", True),
        ("rate(x_total[5m]) > 3", "rate(x_total[5m])", "x_total", True),
        ("rate(x_total[5m] offset 1d) > 3", "rate(x_total[5m] offset 1d)", "x_total", True),
        ("a / b > 0.05", "a / b", "a", False),
        ("100 * avg_over_time(a[5m]) >= 90", "100 * avg_over_time(a[5m])", "a", False),
        ("a > 5 and on (host) b < 3", "a", "a", True),
        ("(a > 5 or b > 3) unless c", "a", "a", True),
        ('{__name__="a", job="j"} > 1', '{__name__="a",job="j"}', "a", True),
        ("a - b", "a - b", "a", False),
        ("max_over_time(a[1h:1m]) > 2", "max_over_time(a[1h:1m])", "a", False),
        ("-a < -3", "-a", "a", False),
    ],
)
def test_what_is_compared_is_found_whatever_is_around_it(expression, value, metric, plain):
    found = told(expression)
    assert (found.value, found.metric, found.plain) == (value, metric, plain)


def test_a_quantile_is_named_after_what_its_histogram_measures():
    found = told(f"{P95} > 0.5")
    assert "".join(found.value.split()) == "".join(P95.split())
    assert (found.stem, found.equal) == ("http_duration_seconds", {"job": "web"})
    assert found.selector == 'http_duration_seconds_bucket{job="web"}'


def test_a_selector_keeps_its_matchers_and_loses_its_moment():
    found = told('a{x="q\\"\\\\",y!~"b.*",z=~"c|d",w!="e"} @ 100 offset 5m > 0')
    assert found.selector == 'a{x="q\\"\\\\",y!~"b.*",z=~"c|d",w!="e"}'
    assert found.equal == {"x": 'q"\\'}


def test_absence_is_told():
    assert told('absent(up{job="x"})').absence
    assert told("absent_over_time(up[5m])").absence
    assert not told("up == 0").absence


@pytest.mark.parametrize("expression", ["a(", "", "1 > 0", "vector(1)", "time() > 5", "a{"])
def test_what_names_no_series_tells_nothing(expression):
    assert compared(expression) is None


@given(st.text(alphabet='ab{}()[]"=~!<>+-*/, 5m\\\n', max_size=30))
def test_any_text_is_read_or_tells_nothing(text):
    found = compared(text)
    assert found is None or told(found.value).metric == found.metric
