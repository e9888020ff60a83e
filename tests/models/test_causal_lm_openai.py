import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import log
from threading import Thread
from typing import Any

import numpy as np
import pytest

from diagnose.schema import Failure
from models.causal_lm import openai
from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import UNANSWERED
from models.causal_lm.openai import INSTRUCTION, OpenAiScorer, letters, openai_scorer
from models.kinds import VOCABULARY, kind_of_metric

CPU, DISK, LATENCY = map(kind_of_metric, ["cpu", "disk_q", "latency_p90"])


class Server:
    """An OpenAI-compatible server whose replies are scripted, on a free port of loopback."""

    def __init__(self, reply):
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                outer.keys.append(self.headers["Authorization"])
                status, content = reply(body, len(outer.bodies))
                payload = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    def __enter__(self):
        Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *failure):
        self.http.shutdown()
        self.http.server_close()


def said(letter, **probabilities):
    """Return a chat completion that says ``letter``, with the probabilities of letters if any."""
    choice = {"message": {"role": "assistant", "content": letter}}
    if probabilities:
        top = [{"token": token, "logprob": log(p)} for token, p in probabilities.items()]
        choice["logprobs"] = {"content": [{"token": letter, "logprob": 0.0, "top_logprobs": top}]}
    return {"choices": [choice]}


def disk_first(body, _):
    """Reply that the disk acts on latency, in whichever order it is asked."""
    disk, latency = (body["messages"][1]["content"].find(kind.name) for kind in (DISK, LATENCY))
    return 200, said("A", A=0.9, B=0.05, C=0.05) if disk < latency else said("B")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(openai, "PAUSE_SECONDS", 0.001)


def scorer(url, **options):
    options = {"allow_egress": True, **options}
    return OpenAiScorer(url, "some-model", AnswerTable("0" * 64, None), **options)


def test_without_leave_nothing_is_even_set_up():
    with pytest.raises(Failure, match="allow_egress"):
        OpenAiScorer("http://127.0.0.1:1/v1", "m", AnswerTable("0" * 64, None))


def test_both_orders_are_asked_and_agree():
    with Server(disk_first) as server:
        (belief,) = scorer(server.url).score([(DISK, LATENCY)])
    assert belief.forward > 1 > 0 > belief.backward
    assert len(server.bodies) == 2


def test_only_kinds_and_fixed_words_leave_and_all_of_it_is_recorded():
    with Server(disk_first) as server:
        asking = scorer(server.url, api_key="secret")
        asking.score([(DISK, LATENCY), (CPU, LATENCY)])
    texts = [message["content"] for body in server.bodies for message in body["messages"]]
    assert set(texts) == set(asking.sent)
    assert asking.sent[0] == INSTRUCTION
    kinds = [kind.name for kind in VOCABULARY]
    for question in asking.sent[1:]:
        first, second = question.removeprefix("First: ").split(" Second: ")
        assert first.partition(" (")[0] in kinds
        assert second.partition(" (")[0] in kinds
    assert set(server.keys) == {"Bearer secret"}
    assert "secret" not in " ".join(asking.sent)
    assert {body["model"] for body in server.bodies} == {"some-model"}


def test_what_was_answered_is_not_sent_again():
    with Server(disk_first) as server:
        asking = scorer(server.url)
        first = asking.score([(DISK, LATENCY)])
        assert asking.score([(DISK, LATENCY)]) == first
    assert len(server.bodies) == 2


def test_no_more_is_asked_than_allowed():
    with Server(disk_first) as server:
        asking = scorer(server.url, max_questions=1)
        beliefs = asking.score([(DISK, LATENCY), (CPU, LATENCY)])
    assert [belief.answered for belief in beliefs] == [True, False]
    assert (asking.left_out, len(server.bodies)) == (1, 2)


def test_a_busy_server_is_asked_again():
    def busy_once(body, count):
        return (503, {}) if count == 1 else disk_first(body, count)

    with Server(busy_once) as server:
        (belief,) = scorer(server.url).score([(DISK, LATENCY)])
    assert belief.answered
    assert len(server.bodies) == 3


def test_a_server_that_stays_busy_costs_beliefs_and_not_the_diagnosis():
    with Server(lambda body, count: (500, {})) as server:
        asking = scorer(server.url)
        pairs = [(VOCABULARY[0], kind) for kind in VOCABULARY[1:41]]
        assert asking.score(pairs) == (UNANSWERED,) * len(pairs)
    assert asking.left_out == len(pairs)
    assert len(server.bodies) < 20  # of 80 questions: it was given up


def test_an_address_where_nobody_listens_costs_beliefs_only():
    with Server(disk_first) as server:
        url = server.url
    asking = scorer(url, timeout_seconds=1.0)
    assert asking.score([(DISK, LATENCY)]) == (UNANSWERED,)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_names_the_settings(status):
    with (
        Server(lambda body, count: (status, {})) as server,
        pytest.raises(Failure, match=rf"{status}.*openai\.base_url"),
    ):
        scorer(server.url).score([(DISK, LATENCY)])


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"choices": []}'])
def test_what_is_no_chat_completion_is_refused(content):
    with Server(lambda body, count: (200, content)) as server, pytest.raises(Failure):
        scorer(server.url).score([(DISK, LATENCY)])


def test_letters_are_read_from_probabilities_else_from_the_text():
    assert np.allclose(np.exp(letters(said("A", A=0.7, B=0.2, C=0.1))), [0.7, 0.2, 0.1], atol=0.01)
    assert np.exp(letters(said("B"))).argmax() == 1
    assert np.allclose(letters(said("I cannot say")), log(1 / 3))
    assert np.exp(letters(said("C", **{" C": 0.99}))).argmax() == 2


def test_answers_are_kept_for_one_address_and_model(tmp_path):
    with Server(disk_first) as server:
        first = openai_scorer(server.url, "m", tmp_path, allow_egress=True)
        first.score([(DISK, LATENCY)])
        again = openai_scorer(server.url, "m", tmp_path, allow_egress=True)
        other = openai_scorer(server.url, "n", tmp_path, allow_egress=True, max_questions=0)
        assert again.score([(DISK, LATENCY)])[0].answered
        assert not other.score([(DISK, LATENCY)])[0].answered
    assert (len(server.bodies), again.sent) == (2, ())
