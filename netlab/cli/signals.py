"""How a command ends that must put something back first."""

import contextlib
import signal
import sys
from types import FrameType

import click

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_once() -> None:
    """Have Ctrl-C, SIGTERM or a closed terminal end this command, and only the first of them.

    The others are ignored from then on, so that what is put back on the way out is put back whole.
    """
    for number in _ENDING:
        signal.signal(number, _end)


def say(line: str) -> None:
    """Print what the command does; who has closed the terminal hears it no more, and it goes on."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
