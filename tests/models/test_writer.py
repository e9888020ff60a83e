"""Who rewords facts: a model on this machine, and one behind an address."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from diagnose.config import load
from diagnose.failure import Failure
from diagnose.schema import Evidence, Sentence
from models.causal_lm.openai_writer import INSTRUCTION, OpenAiWriter
from models.causal_lm.writer import LocalWriter
from models.engine import Engine
from tests.models.tiny_model import save_tiny_model

FACTS = (Evidence("e1", "It fell to 0."), Evidence("a#b", "Start it.", is_action=True))
GOOD = {"sentences": [{"text": "It fell.", "evidence": ["e1"], "action": ""}]}


class Echo:
    """An engine that repeats the last fact."""

    def continuation(self, prompt, most_tokens):
        return f" {prompt.rpartition('Fact: ')[2].partition(chr(10))[0]} "


def test_each_fact_is_asked_about_alone_and_cited_by_code():
    loads = []
    writer = LocalWriter(lambda: loads.append(1) or Echo())  # type: ignore[func-returns-value]
    expected = (Sentence("It fell to 0.", ("e1",)), Sentence("Start it.", ("a#b",), "a#b"))
    assert writer.write(FACTS) == expected
    assert writer.write(FACTS) == expected
    assert loads == [1]
    assert writer.sent == ()


def test_an_engine_continues_a_line_the_same_way_each_time(tmp_path):
    save_tiny_model(tmp_path)
    engine = Engine(tmp_path, "cpu", "float32")
    said = engine.continuation("the effect of", 5)
    assert len(said.split()) == 5
    assert engine.continuation("the effect of", 5) == said
    with pytest.raises(ValueError, match="empty"):
        engine.continuation("", 5)


@pytest.fixture
def server():
    """Yield a chat server that answers what a test wrote down, and what it was asked."""
    asked: list[Any] = []
    answers: list[tuple[int, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, content = answers.pop(0)
            body = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}/v1", asked, answers
    served.shutdown()
    thread.join()
    served.server_close()


def test_what_leaves_the_site_is_the_facts_and_the_answer_is_bound_to_their_ids(server):
    url, asked, answers = server
    answers.append((200, json.dumps(GOOD)))
    writer = OpenAiWriter(url, "m", allow_egress=True)
    assert writer.write(FACTS) == (Sentence("It fell.", ("e1",)),)
    assert writer.sent == (INSTRUCTION, "e1: It fell to 0.\na#b: Start it.")
    (body,) = asked
    assert [message["content"] for message in body["messages"]] == list(writer.sent)
    fields = body["response_format"]["json_schema"]["schema"]["$defs"]["_Sentence"]["properties"]
    assert fields["evidence"]["items"]["enum"] == ["e1", "a#b"]
    assert fields["action"]["enum"] == ["", "a#b"]


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, "It fell.", "is no brief"),
        (200, '{"sentences": [{"text": 1}]}', "is no brief"),
        (200, None, "is no brief"),
        (500, "", "did not answer"),
    ],
)
def test_an_answer_that_is_none_is_told_as_such(server, status, content, said):
    url, _, answers = server
    answers.append((status, content))
    with pytest.raises(Failure, match=said):
        OpenAiWriter(url, "m", allow_egress=True).write(FACTS)


def test_nothing_is_sent_where_nothing_may_leave():
    with pytest.raises(Failure, match="set allow_egress to true"):
        OpenAiWriter("http://127.0.0.1:9", "m")
    with pytest.raises(Failure, match="needs allow_egress"):
        load(None, {"guidance": {"writer": "openai"}})
    with pytest.raises(Failure, match=r"set openai\.base_url"):
        load(None, {"guidance": {"writer": "openai"}, "allow_egress": True})
    assert load(None).guidance.writer == "none"
