import os
import socket
import threading
from collections.abc import Iterator

import pytest

from netlab.errors import HostError, KernelError
from netlab.linux import channel
from netlab.linux.channel import Answer

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = channel.pair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(None, id="nothing"),
        pytest.param((7, Answer(number=7, value={"a": [1, 2]})), id="an answer"),
        pytest.param("x" * 100, id="a short one"),
    ],
)
def test_a_message_arrives_as_it_was(ends: Ends, message: object):
    channel.send(ends[0], message)
    assert channel.receive(ends[1]) == (message, [])


def test_messages_keep_their_order(ends: Ends):
    for number in range(1000):
        channel.send(ends[0], number)
    assert [channel.receive(ends[1])[0] for _ in range(1000)] == list(range(1000))


def test_a_message_longer_than_the_buffers_arrives_whole(ends: Ends):
    message = os.urandom(20 << 20)
    sender = threading.Thread(target=channel.send, args=(ends[0], message))
    sender.start()
    assert channel.receive(ends[1])[0] == message
    sender.join()


def test_descriptors_come_with_their_message(ends: Ends):
    reader, writer = os.pipe()
    channel.send(ends[0], "first")
    channel.send(ends[0], "second", [writer])
    os.close(writer)
    assert channel.receive(ends[1]) == ("first", [])
    message, (copy,) = channel.receive(ends[1])
    assert message == "second"
    os.write(copy, b"through the copy")
    os.close(copy)
    assert os.read(reader, 100) == b"through the copy"
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_the_end_is_told(ends: Ends):
    channel.send(ends[0], "last words")
    ends[0].close()
    assert channel.receive(ends[1])[0] == "last words"
    with pytest.raises(EOFError):
        channel.receive(ends[1])


def test_a_message_cut_short_is_the_end_too(ends: Ends):
    ends[0].sendall(b"\x08\0\0")
    ends[0].close()
    with pytest.raises(EOFError):
        channel.receive(ends[1])


def test_nobody_listens(ends: Ends):
    ends[1].close()
    with pytest.raises(ConnectionError):
        channel.send(ends[0], "hello")


@pytest.mark.parametrize("error", [HostError("no nginx", hint="install it"), KernelError("no")])
def test_a_failure_keeps_its_words_and_its_hint(ends: Ends, error: HostError | KernelError):
    channel.send(ends[0], Answer(number=1, error=error))
    found = channel.receive(ends[1])[0].error
    assert (type(found), str(found), found.hint) == (type(error), str(error), error.hint)
