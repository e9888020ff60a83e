import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from collectors import endpoint
from collectors.endpoint import Endpoint, StatusError
from diagnose.config import load
from diagnose.schema import Failure
from diagnose.settings.sections import EndpointSection
from tests.static_server import served


def asked(url, path="x", **access):
    with Endpoint(url, timeout_seconds=2, **access).opened() as connection:
        return connection.get(path)


def test_a_path_lies_below_the_address():
    with served(lambda path, *_: (200, path)) as url:
        assert asked(f"{url}/prometheus", "api/v1/rules") == "/prometheus/api/v1/rules"
        assert asked(f"{url}/prometheus/", "api/v1/rules") == "/prometheus/api/v1/rules"


def test_who_asks_is_told_in_the_way_that_the_settings_say():
    section = EndpointSection(url="http://x", user="ops", password=SecretStr("pw"))
    assert Endpoint.of(section) == Endpoint("http://x", user="ops", password="pw")
    with served(lambda _, headers, body: (200, headers["Authorization"])) as url:
        assert asked(url) is None
        assert asked(url, token="abc") == "Bearer abc"
        assert asked(url, user="ops", password="pw") == "Basic b3BzOnB3"


def test_secrets_come_from_files_and_show_in_no_repr(tmp_path):
    (tmp_path / "token").write_text("seCret\n")
    section = EndpointSection(url="http://x", token_file=tmp_path / "token")
    assert Endpoint.of(section).token == "seCret"
    assert "seCret" not in repr(Endpoint.of(section)) + repr(section)


def test_an_address_with_a_user_in_it_is_refused():
    with pytest.raises(ValidationError):
        EndpointSection(url="http://ops:pw@host")
    with pytest.raises(Failure, match=r"sources\.loki\.url"):
        load(None, {"sources": {"loki": {"url": "http://ops:pw@host"}}})


def test_no_address_is_refused():
    with pytest.raises(ValueError, match="no address"):
        Endpoint.of(EndpointSection())


def test_what_is_no_success_is_told_with_its_status_and_its_words():
    with served(lambda *_: (503, b"over\n  loaded")) as url:
        with pytest.raises(StatusError, match="answers 503: over loaded") as error:
            asked(url, "x?secret=1")
        assert error.value.status == 503
        assert "secret" not in str(error.value)


def test_a_redirect_is_not_followed():
    def answer(path, headers, body):
        return 302, b"elsewhere"

    with served(answer) as url, pytest.raises(StatusError, match="answers 302"):
        asked(url)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(body):
    with served(lambda *_: (200, body)) as url, pytest.raises(ValueError, match="is no JSON"):
        asked(url)


def test_an_answer_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(endpoint, "LARGEST", 1000)
    with (
        served(lambda *_: (200, "x" * 2000)) as url,
        pytest.raises(ValueError, match="longer than"),
    ):
        asked(url)


def test_an_address_that_is_none_is_told():
    with served(lambda *_: (200, 1)) as url, pytest.raises(OSError, match="cannot be read"):
        asked(url, "x\0y")


def test_nobody_there_and_nobody_who_answers_in_time_are_told():
    with pytest.raises(OSError, match=r"http://127.0.0.1:1/x cannot be read"):
        asked("http://127.0.0.1:1")


def test_certificates_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(OSError, match="holds no certificates"):
        asked("https://127.0.0.1:1", ca_path=tmp_path / "none.pem")
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(OSError, match="holds no certificates"):
        asked("https://127.0.0.1:1", ca_path=tmp_path / "bad.pem")


@given(st.text() | st.from_regex(r"(https?:)?[/\\]{0,3}[a-z.@:]{0,12}/?[a-z]*", fullmatch=True))
def test_whatever_a_server_links_to_is_on_it_or_refused(link):
    with Endpoint("http://bmc:81").opened() as connection:
        try:
            path = connection.inside(link)
        except ValueError:
            return
        request = connection.client.build_request("GET", path) if path.startswith("/") else None
    assert request is None or (request.url.host, request.url.port) == ("bmc", 81)
