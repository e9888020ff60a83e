"""Connections over a real socket: those that come to the point, and those that never do."""

import asyncio
import socket

import pytest
import uvicorn

from diagnose.ingest import heads
from diagnose.serving import PoliteServer
from tests.programs import LOCAL

REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event["body"], event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": body})


async def told(reader):
    """Return what a server says until it falls silent or hangs up."""
    try:
        return await asyncio.wait_for(reader.read(4096), 5)
    except ConnectionError:
        return b""


def talk(monkeypatch, conversation):
    """Run a conversation with a server that waits a short while for heads."""

    async def run():
        door = socket.create_server((LOCAL, 0))
        config = uvicorn.Config(
            echo, http=heads.PromptProtocol, log_config=None, lifespan="off", timeout_keep_alive=60
        )
        server = PoliteServer(config)
        serving = asyncio.create_task(server.serve([door]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(LOCAL, door.getsockname()[1])
        await conversation(reader, writer)
        writer.close()
        server.should_exit = True
        await serving

    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.3)
    asyncio.run(run())


@pytest.mark.parametrize("beginning", [b"", REQUEST[:20]], ids=["nothing", "half a head"])
def test_a_head_that_does_not_come_ends_the_connection(monkeypatch, beginning):
    async def conversation(reader, writer):
        writer.write(beginning)
        assert await told(reader) == b""

    talk(monkeypatch, conversation)


def test_a_head_that_trickles_in_ends_the_connection_too(monkeypatch):
    async def conversation(reader, writer):
        answer = asyncio.create_task(told(reader))
        for octet in REQUEST:
            if answer.done():
                break
            writer.write(bytes([octet]))
            await asyncio.sleep(0.05)
        assert await answer == b""

    talk(monkeypatch, conversation)


def test_a_body_may_take_longer_than_a_head_and_an_idle_connection_stays(monkeypatch):
    async def conversation(reader, writer):
        for _ in range(2):
            writer.write(REQUEST + b"ab")
            await asyncio.sleep(0.6)
            writer.write(b"cd")
            answer = await told(reader)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"abcd" in answer or b"abcd" in await told(reader)
            await asyncio.sleep(0.6)

    talk(monkeypatch, conversation)


def test_the_head_of_a_later_request_must_come_in_time_as_well(monkeypatch):
    async def conversation(reader, writer):
        writer.write(REQUEST + b"abcd")
        while b"abcd" not in await told(reader):
            pass
        writer.write(REQUEST[:20])
        while await told(reader):
            pass  # the end of the first answer, then none

    talk(monkeypatch, conversation)
