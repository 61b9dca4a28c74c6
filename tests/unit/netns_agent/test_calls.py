"""Requests to a child process: who waits for an answer may have given up when it comes."""

import asyncio
import socket

from netlab.linux import channel
from netlab.netns_agent.calls import Calls


def test_an_answer_that_nobody_waits_for_any_more_is_thrown_away():
    async def scenario() -> None:
        ours, theirs = channel.pair()
        calls = Calls(
            ours,
            send=channel.send,
            receive=channel.receive,
            on_message=lambda _: None,
            gone=lambda: None,
        )
        given_up = asyncio.ensure_future(calls.with_descriptors("first"))
        await asyncio.sleep(0)
        given_up.cancel()
        waited_for = asyncio.ensure_future(calls("second"))
        await asyncio.sleep(0)
        end, kept = socket.socketpair()
        channel.send(theirs, channel.Answer(number=1), [end.fileno()])
        end.close()
        channel.send(theirs, channel.Answer(number=2, value="done"))
        assert await asyncio.wait_for(waited_for, 5) == "done"
        # Its descriptor is closed, so the other end of what it led to is told.
        kept.setblocking(False)
        assert kept.recv(1) == b""
        for each in (ours, theirs, kept):
            each.close()

    asyncio.run(scenario())
