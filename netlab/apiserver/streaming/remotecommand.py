"""exec and attach: a process in a container, and a client at its standard streams.

Three things go on at once: what the client sends is written to the process, what the process says
is sent to the client, and its end is awaited. Each waits for the slower side. When the process has
ended, what it wrote before is in the pipe already, and is sent first. When the client is gone, its
command is killed; what it was attached to goes on.
"""

import asyncio
import fcntl
import struct
import termios
from contextlib import suppress
from typing import Protocol

from netlab.apiserver.streaming.carriers import Carrier
from netlab.apiserver.streaming.descriptors import Descriptor
from netlab.apiserver.streams import remotecommand as rc
from netlab.apiserver.streams.remotecommand import Stream


class ContainerProcess(Protocol):
    """A process in a container, with the other ends of its standard streams, which are ours.

    With a terminal, ``stdin`` is the terminal's other side.
    """

    @property
    def stdin(self) -> int | None:
        """Where to write its input; None when it has none."""

    @property
    def stdout(self) -> int | None:
        """Where to read its output."""

    @property
    def stderr(self) -> int | None:
        """Where to read its error output; None with a terminal."""

    async def wait(self) -> int:
        """Return its exit code when it has ended; 128 and the number for a signal."""

    async def end_input(self) -> None:
        """Take note that the client sends no more; ``stdin`` is closed already."""

    def kill(self) -> None:
        """Kill it."""


class Session:
    """A client at the streams of a process.

    Args:
        carrier: To and from the client.
        process: Its descriptors are closed at the end.
        options: What the client asked for.
    """

    def __init__(self, carrier: Carrier, process: ContainerProcess, options: rc.Options) -> None:
        self._carrier = carrier
        self._process = process
        self._stdin = _descriptor(process.stdin)
        outputs = {Stream.STDOUT: process.stdout, Stream.STDERR: process.stderr}
        self._outputs = {
            stream: Descriptor(number) for stream, number in outputs.items() if number is not None
        }
        self._options = options

    async def run(self, *, is_attached: bool) -> None:
        """Serve the client until the process ends, or until it is gone.

        Args:
            is_attached: Whether the process is the container's own: its exit code is then in the
                pod's status, and a client that goes leaves it running.
        """
        if not self._options.stdin and not self._options.tty:
            self._close_stdin()
        ended = asyncio.ensure_future(self._process.wait())
        client = asyncio.ensure_future(self._serve_input())
        outputs = [asyncio.ensure_future(self._serve_output(one)) for one in self._outputs]
        try:
            await asyncio.wait({ended, client}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await self._finish(outputs, 0 if is_attached else ended.result())
        finally:
            for task in (ended, client, *outputs):
                task.cancel()
            await asyncio.gather(ended, client, *outputs, return_exceptions=True)
            self._close_stdin()
            for output in self._outputs.values():
                output.close()
            if ended.cancelled():
                await self._left(is_attached=is_attached)

    async def _left(self, *, is_attached: bool) -> None:
        """Do what follows when the client is gone before the process."""
        if not is_attached:
            self._process.kill()
        elif self._options.stdin:
            await self._process.end_input()

    async def _finish(self, outputs: list["asyncio.Task[None]"], code: int) -> None:
        """Send what the process wrote last, and how it ended."""
        for output in self._outputs.values():
            # A child that the process left behind may hold the pipe open: do not wait for it.
            output.end_when_empty()
        await asyncio.gather(*outputs)
        with suppress(ConnectionError):
            await self._carrier.finish(rc.exit_status(code))

    async def _serve_output(self, stream: Stream) -> None:
        with suppress(ConnectionError):
            while data := await self._outputs[stream].read():
                await self._send(stream, data)

    async def _send(self, stream: Stream, data: bytes) -> None:
        if stream in self._options.streams:
            await self._carrier.send(stream, data)

    async def _serve_input(self) -> None:
        """Return when the client is gone."""
        async for stream, data in self._carrier.received():
            if stream is Stream.RESIZE:
                self._resize(data)
            elif stream is Stream.STDIN and data:
                await self._write(data)
            elif stream is Stream.STDIN:
                await self._end_input()

    async def _write(self, data: bytes) -> None:
        if self._stdin is not None:
            try:
                await self._stdin.write(data)
            except OSError:
                # The process reads no more; the client goes on sending, to nobody.
                self._close_stdin()

    async def _end_input(self) -> None:
        # A terminal has no end of input of its own: that is a character, which the client sends.
        if not self._options.tty:
            self._close_stdin()
            await self._process.end_input()

    def _close_stdin(self) -> None:
        if self._stdin is not None:
            self._stdin.close()
            self._stdin = None

    def _resize(self, data: bytes) -> None:
        size = rc.parse_resize(data)
        if size is not None and self._stdin is not None and self._options.tty:
            window = struct.pack("HHHH", size.height, size.width, 0, 0)
            with suppress(OSError):
                fcntl.ioctl(self._stdin.number, termios.TIOCSWINSZ, window)


def _descriptor(number: int | None) -> Descriptor | None:
    return Descriptor(number) if number is not None else None
