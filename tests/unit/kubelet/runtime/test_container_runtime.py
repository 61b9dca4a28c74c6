"""What one container's descriptor does to the runtime: nothing, whatever goes wrong with it."""

import os
import selectors
import socket
import threading
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

from netlab.kubelet.runtime import zygote_main
from netlab.kubelet.runtime.container_runtime import _ContainerRuntime
from netlab.kubelet.runtime.zygote import ANSWER, MESSAGE, Order, Zygote

if TYPE_CHECKING:
    from netlab.kubelet.runtime.init import Template


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_what_goes_wrong_with_one_container_ends_no_other(
    pair: tuple[socket.socket, socket.socket], capsys: pytest.CaptureFixture[str]
):
    runtime = _ContainerRuntime.__new__(_ContainerRuntime)
    runtime._selector = selectors.DefaultSelector()
    runtime._paused, runtime._resume_at = [], 0.0
    runtime._end, runtime._zygote = pair[0], cast("Zygote", None)
    done: list[str] = []
    reader, writer = os.pipe()

    def fails() -> None:
        raise KeyError("a descriptor of another container")

    def ends() -> None:
        done.append("asked")
        raise EOFError

    runtime._selector.register(reader, selectors.EVENT_READ, fails)
    os.write(writer, b"x")
    threading.Timer(0.1, pair[1].send, (b"x",)).start()
    runtime._selector.register(pair[0], selectors.EVENT_READ, ends)
    runtime.run()
    assert done == ["asked"]
    assert capsys.readouterr().err.count("KeyError: ") == 1
    for descriptor in (reader, writer):
        os.close(descriptor)


def test_too_many_descriptors_for_the_zygote_cost_one_container_alone(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
):
    ours, theirs = pair
    monkeypatch.setattr(zygote_main, "_ROOM", socket.CMSG_SPACE(array("i").itemsize))
    serving = threading.Thread(target=zygote_main._serve, args=(theirs, cast("Template", None)))
    serving.start()
    for _ in range(2):
        socket.send_fds(ours, [MESSAGE.pack(Order.START, 0)], [0, 1, 2, 0, 1, 2])
        _, error = ANSWER.unpack(ours.recv(ANSWER.size))
        assert os.strerror(error) == "Too many open files"
    ours.shutdown(socket.SHUT_RDWR)
    serving.join(5)
    assert not serving.is_alive()
