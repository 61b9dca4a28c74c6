"""A terminal of a container's own, for a program that is run in the container from outside.

Theory of operation
-------------------
The caller's terminal is a device that the container does not have, so what looks for it by name
(``tty``, ``script``, ``su``) would fail. The program gets a pseudo terminal of the container's
``/dev/pts`` instead. The caller's terminal is put in raw mode, and bytes are carried between the
two: Ctrl-C is a byte here, and a signal where the program is.
"""

import errno
import fcntl
import os
import select
import signal
import termios
import tty

_BLOCK = 1 << 16
_STDIN, _STDOUT, _STDERR = 0, 1, 2


def is_wanted() -> bool:
    """Return whether the calling process talks to a person at a terminal."""
    return os.isatty(_STDIN) and os.isatty(_STDOUT)


def fork() -> tuple[int, int]:
    """Fork with a new terminal of the mount namespace that the calling thread is in.

    Returns:
        In the child, 0 and nothing of use: its standard streams are the terminal, but for a
        standard error that went elsewhere. In the parent the child's pid and the terminal's other
        end, for ``carry``.

    Raises:
        OSError: There is no terminal to be had.
    """
    size = fcntl.ioctl(_STDOUT, termios.TIOCGWINSZ, bytes(8))
    stderr = -1 if os.isatty(_STDERR) else os.dup(_STDERR)
    pid, other_end = os.forkpty()
    if pid == 0:
        fcntl.ioctl(_STDIN, termios.TIOCSWINSZ, size)
        if stderr >= 0:
            os.dup2(stderr, _STDERR)
    if stderr >= 0:
        os.close(stderr)
    return pid, other_end


def carry(other_end: int) -> None:
    """Carry bytes between the caller's terminal and the program's until the program is gone."""
    before = termios.tcgetattr(_STDIN)

    def resize(number: int, frame: object) -> None:
        del number, frame
        size = fcntl.ioctl(_STDOUT, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(other_end, termios.TIOCSWINSZ, size)

    signal.signal(signal.SIGWINCH, resize)
    # What was typed ahead is for the program.
    tty.setraw(_STDIN, termios.TCSADRAIN)
    try:
        _carry(other_end)
    finally:
        termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
        os.close(other_end)


def _carry(other_end: int) -> None:
    ways = {other_end: _STDOUT, _STDIN: other_end}
    while other_end in ways:
        for source in select.select(list(ways), [], [])[0]:
            block = _read(source)
            if block:
                _write(ways[source], block)
            else:
                del ways[source]


def _read(source: int) -> bytes:
    try:
        return os.read(source, _BLOCK)
    except OSError as error:
        # How the kernel says that nobody has the terminal open any more.
        if error.errno != errno.EIO:
            raise
        return b""


def _write(target: int, block: bytes) -> None:
    while block:
        block = block[os.write(target, block) :]
