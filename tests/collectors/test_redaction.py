"""Planted secrets are found nowhere; what is no secret stays as it was."""

import base64
import json
import random
import string
from time import process_time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.redaction import Redaction

KEY = b"of this site"
LETTERS = string.ascii_letters + string.digits
PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"

secrets = st.text(LETTERS, min_size=24, max_size=36).filter(
    lambda text: not text.isalpha() and not text.isdigit()
)
PLANTED = (
    *("password={}", "db_password = {}", "PGPASSWORD={} psql", "passwd: {}", 'pwd="{}"'),
    *("user's password is wrong, pwd={}", "--password {} start", "--api-token={}"),
    *('{{"password": "{}", "n": 1}}', '{{"body":"{{\\"secret\\":\\"{}\\"}}"}}', "secret => '{}'"),
    *("https://user:{}@host/path", "redis://:{}@cache:6379/0", "amqp://a:{}@b,amqp://a:{}@c"),
    *("https://{}@git.example/x.git", "https://hooks.slack.com/services/T0/B0/{}"),
    *("Authorization: Bearer {}", "authorization: {}", "-H 'Authorization: token {}'"),
    *('"authorization":"Basic {}"', 'Authorization: Digest username="a", response="{}"'),
    *("sent Bearer {} to", "Cookie: a=1; session={}", "Set-Cookie: sid={}; Path=/"),
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", "ghp_{}{}", "github_pat_{}", "glpat-{}"),
    *("xoxb-{}", "sk_live_{}", "sk-{}", "hf_{}{}", "ya29.{}", "GET /x?sig={}&y=1", "?key={}"),
    *("aws_secret_access_key = {}", "api_key={}", "X-Api-Key: {}", "token={}", "accessKey: {}"),
    *(
        "AccountKey={};",
        "client_secret: {}",
        "credentials={}",
        PEM,
        "-----BEGIN PRIVATE KEY-----{}",
    ),
    # Not only what begins like a common word.
    *("password=user-{}", "pwd=no-{}", "password=to.be.{}", "secret: for{}", "passwd=is/{}"),
    *("password := {}", "password == {}", "DB_PASS={} start", 'SMTP_PASS="{}"', "db_pass: {}"),
    *("smtp.pass={}", "pass={}", "pass = '{}'", '{{"pass": "{}"}}', "dbPass={}", "{{'pass':'{}'}}"),
    *("curl -u admin:{} https://shop", "/usr/bin/curl -sSu 'admin:{}' x", "curl -k -uadmin:{}"),
    *("curl --user=admin:{} x", 'curl x --proxy-user "a:{}"', '["curl", "-u", "admin:{}"]'),
)


@pytest.mark.parametrize("line", PLANTED)
@settings(max_examples=10)
@given(secret=secrets)
def test_a_planted_secret_is_gone(line, secret):
    text = line.replace("{{", "{").replace("}}", "}").replace("{}", secret)
    assert secret not in Redaction(KEY).texts(pl.Series([text]))[0]


@pytest.mark.parametrize(
    "line", ['"secret": "{}"', "token={}", "authorization: Bearer {}", "pwd='{}'"]
)
def test_a_long_secret_is_gone_as_a_whole(line):
    secret = "".join(random.Random(0).choices(LETTERS, k=6000))
    found = Redaction(KEY).text(line.format(secret))
    assert not any(secret[i : i + 20] in found for i in range(5980))


def test_a_secret_with_quotes_is_gone_as_a_whole():
    found = Redaction(KEY).text(json.dumps({"password": 'one"two', "user": "ann"}))
    assert "two" not in found
    assert json.loads(found)["user"] == "ann"


@given(st.binary(min_size=45, max_size=60))
def test_a_line_of_a_key_is_gone_without_its_first_line(raw):
    line = base64.b64encode(raw).decode()
    assert line not in Redaction(KEY).texts(pl.Series([line]))[0]


def test_keys_of_clouds_are_told_by_their_shape():
    draw = random.Random(0)
    for line in (
        "using AKIA" + "".join(draw.choices(string.ascii_uppercase + string.digits, k=16)),
        "using AIza" + "".join(draw.choices(LETTERS, k=35)),
    ):
        assert Redaction(KEY).text(line).startswith("using <redacted:")


@pytest.mark.parametrize(
    "line",
    [
        "Failed password for root from 10.0.0.5 port 22 ssh2",
        "check pass; user unknown",
        "password authentication failed for user shop",
        "password: incorrect",
        "password: incorrect. Try again",
        "password=no, user=ann (password: unset)",
        "compass=north, bypass=true, encompass: all",
        "PASS: test_shop, 3 passed: 0 failed; PASS=12 FAIL=3",
        "curl/8.5.0 -u, curl https://shop:8080/a -o out:put",
        "docker run -u 1000:1000 shop",
        "token expired, token: invalid",
        "session token refreshed; tokens: 12 used",
        "Basic authentication required, Bearer authentication too",
        "GET http://shop:8080/orders?id=7 200",
        "key not found: KeyError: 'colour'",
        "processed sessionid:0x14f05578bd80006 type:create",
        "monkey patched; the keyboard; basic checks passed",
        "sha256 of image is 9f86d081884c7d659a2feaa0c55ad015",
        '{"change": "deploy", "author": "ann@example.org", "address": "10.0.0.5"}',
        "",
    ],
)
def test_what_is_no_secret_stays(line):
    assert Redaction(KEY).text(line) == line


def test_the_same_secret_has_the_same_mark_under_one_key_only():
    one, other = Redaction(KEY), Redaction(b"of another site")
    line = "token=3f9a8b7c6d"
    assert one.text(line) == one.text(line) != other.text(line)
    assert one.text(f"again {line}").endswith(one.text(line))


def test_redacting_twice_changes_nothing_more():
    redaction = Redaction(KEY)
    for line in PLANTED:
        once = redaction.text(line.replace("{}", "a1b2c3d4e5f6a7b8c9d0e1f2"))
        assert redaction.text(once) == once


def test_addresses_and_emails_only_where_they_are_wanted():
    line = "ann.lee@example.org from 10.0.0.5 and 2001:db8:0:0:0:0:0:1 or fe80::1"
    assert Redaction(KEY).texts(pl.Series([line]))[0] == line
    hidden = Redaction(KEY, emails=True, addresses=True).texts(pl.Series([line]))[0]
    assert not any(part in hidden for part in ("ann", "example", "10.0.0.5", "2001", "fe80"))
    assert hidden.count("<ip:") == 3


@given(st.lists(st.text() | st.sampled_from(PLANTED) | st.none()))
def test_the_vectorised_search_passes_no_secret_by(texts):
    redaction = Redaction(KEY, emails=True, addresses=True)
    found = redaction.texts(pl.Series(texts, dtype=pl.String)).to_list()
    assert found == [text if text is None else redaction.text(text) for text in texts]


@given(secret=secrets)
def test_attributes_stay_json(secret):
    attributes = json.dumps(
        {
            "http.request.header.authorization": f'Digest username="a", response="{secret}"',
            "password": secret,
            "cookie": f"a={secret}",
            "note": f'say "token={secret}"',
        }
    )
    frame = pl.DataFrame({"body": [f"token={secret}"], "attributes": [attributes]})
    clean = Redaction(KEY).logs(frame)
    assert secret not in str(clean.rows())
    assert json.loads(clean["attributes"][0]).keys() == json.loads(attributes).keys()


@pytest.mark.parametrize(
    "hostile",
    [
        *("a" * 32_000, "password" * 4000, 'password="' * 3000, "://a:" * 6000, "eyJ" * 10_000),
        *("-----BEGIN PRIVATE KEY-----" * 1000, "token: " * 4000, "a@" * 16_000, "1:" * 16_000),
        *("authorization: digest " * 1500, "--password " * 3000, "x." * 16_000 + "@"),
        *(
            "curl " * 6400,
            "curl -u " * 4000,
            "curl " + "-u a" * 8000,
            "_pass" * 6400,
            "pass=" * 6400,
        ),
    ],
    ids=lambda text: text[:12],
)
def test_no_line_makes_it_slow(hostile):
    start = process_time()
    Redaction(KEY, emails=True, addresses=True).text(hostile)
    assert process_time() - start < 1
