"""``netlab capture``: packets at many points of a lab, in one file."""

import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from netlab.cli.completion import Names, complete_host
from netlab.cli.options import (
    lab_option,
    wireshark_profile_option,
    write_wireshark_profile,
)
from netlab.cli.terminal_width import line_width
from netlab.cli.typed_commands import as_typed

if TYPE_CHECKING:
    from netlab.capture.recording import Tally
    from netlab.capture.session import Captured, CaptureRequest

_TOLD_COMMANDS = 3


def _complete_point(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
    """Return the hosts that complete what was typed, or the interfaces behind ``HOST:``."""
    host, colon, _ = begun.partition(":")
    if not colon:
        return complete_host(context, parameter, begun)
    from netlab.capture.points import interfaces_of
    from netlab.client.hosts import find_netns
    from netlab.errors import NetlabError

    try:
        found = interfaces_of(find_netns(context.params.get("lab") or "default", host))
    except (NetlabError, OSError):  # a wrong name, or a user who is not root
        return []
    names = [f"{host}:{interface.ifname}" for interface in found.values()]
    return [name for name in names if name.startswith(begun)]


@click.command()
@click.argument("points", nargs=-1, metavar="[HOST[:IF]]...", shell_complete=_complete_point)
@click.option(
    "--filter",
    "expression",
    default="",
    metavar="'BPF'",
    help="Only these, in tcpdump's language: 'tcp port 80'. NAT rewrites: an expression meets the "
    "addresses that a packet has at each interface.",
)
@click.option(
    "-w",
    "file",
    default="",
    metavar="FILE",
    help="Write one pcapng file, in place of any that is there; - is standard output.",
)
@click.option(
    "--pcap-dir", "directory", default="", metavar="D", help="Write a file for each interface to D."
)
@click.option(
    "--live", is_flag=True, help="Print a line a packet; so it is without -w, --pcap-dir."
)
@click.option("-n", "--numeric", is_flag=True, help="Addresses in place of names.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), metavar="S",
              help="End after S seconds.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N",
              help="End after N frames: a packet is one at each interface it passes.")  # fmt: skip
@wireshark_profile_option
@lab_option
def capture(  # noqa: PLR0913 (one for each option)
    points: tuple[str, ...],
    lab: str,
    *,
    expression: str,
    file: str,
    directory: str,
    duration: float | None,
    count: int | None,
    live: bool,
    numeric: bool,
    profile: str,
) -> None:
    """Capture packets at any interfaces of the lab, or at all of them.

    HOST is a client, the router, lb, a node or a pod; without an interface, all of its interfaces
    are meant, and without a host all hosts, those that come later too. What is at several
    interfaces is one packet: its frames carry the same packet id, and comments tell the hop and
    what NAT rewrote. Without -w, --pcap-dir and --live the packets are printed as they come.

    Ctrl-C ends it, and the file is whole. To watch in Wireshark: -w - | wireshark -k -i -

    Example: sudo netlab capture node2:eth0 client --filter 'tcp port 80' -w web.pcapng
    """
    from netlab.capture.points import choose
    from netlab.capture.recording import Limits
    from netlab.capture.session import CaptureRequest

    live = live or not (file or directory)
    if file == "-" and live:
        raise click.UsageError("-w - and --live both want standard output")
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("-w - writes to a program, such as: | wireshark -k -i -")
    program = _compiled(expression)
    from netlab.rootless.enter import become_root

    become_root()
    choice = choose(lab, points)
    request = CaptureRequest(
        choice=choice,
        expression=expression,
        program=program,
        command=shlex.join(["netlab", *sys.argv[1:]]),
        file=file,
        directory=directory,
        numeric=numeric,
        line_width=line_width(),
        limits=Limits(duration_s=duration, count=count),
    )
    write_wireshark_profile(profile)
    _say(_summary(_run(request, live=live), request))


def _compiled(expression: str) -> bytes:
    from netlab.linux.filter_expressions import ExpressionError, compile_expression
    from netlab.linux.packet_ring import SNAP
    from netlab.linux.socket_filters import everything

    if not expression.strip():
        # What needs no libpcap works without it.
        return everything(SNAP)
    try:
        return compile_expression(expression, SNAP)
    except ExpressionError as error:
        told = f"{expression!r} does not compile; libpcap says: {error}"
        if "unknown host" in told:
            # It asks the resolver of this machine.
            told += " (it knows no names of the lab: give an address, as netlab status has it)"
        raise click.BadParameter(told, param_hint="--filter") from error


def _run(request: "CaptureRequest", *, live: bool) -> "Captured":
    from netlab.capture.recording import Listener
    from netlab.capture.session import capture as capture_packets
    from netlab.cli.interrupts import Interrupts

    # A terminal that shows the packets has no room for a line that counts them.
    counts = sys.stderr.isatty() and not (live and sys.stdout.isatty())
    with Interrupts() as interrupts:
        listener = Listener(
            is_over=lambda: interrupts.came,
            begun=lambda tally: _begun(tally, request),
            say=_say,
            progress=_progress if counts else lambda _: None,
        )
        try:
            return capture_packets(request, listener, _print if live else None)
        finally:
            if counts:
                print(end="\r\x1b[K", file=sys.stderr)


def _print(lines: str) -> None:
    from netlab.capture.files import ReaderGoneError
    from netlab.errors import HostError

    try:
        sys.stdout.write(lines)
        sys.stdout.flush()
    except OSError as error:
        # Python would try to flush the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError from error
        raise HostError(f"cannot write to standard output: {error.strerror}") from error


def _say(sentence: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{clear}{as_typed(sentence)}", file=sys.stderr, flush=True)


def _progress(tally: "Tally") -> None:
    print(end=f"\r\x1b[K{_counted(tally)}", file=sys.stderr, flush=True)


def _counted(tally: "Tally") -> str:
    return (
        f"{_many(tally.frames, 'frame')} of {_many(tally.packets, 'packet')} at"
        f" {_many(tally.interfaces, 'interface')} in {tally.seconds:.1f} s,"
        f" {tally.dropped:,} dropped"
    )


def _begun(tally: "Tally", request: "CaptureRequest") -> None:
    from netlab.capture.session import tcpdump_lines

    commands = tcpdump_lines(request.choice, request.expression)
    for command in commands[:_TOLD_COMMANDS]:
        _say(f"by tcpdump: {command}")
    if len(commands) > _TOLD_COMMANDS:
        _say(f"            and {len(commands) - _TOLD_COMMANDS} more like these")
    places = f"{_many(tally.interfaces, 'interface')} of {_many(tally.hosts, 'host')}"
    _say(f"capturing at {places}; Ctrl-C ends it")


def _summary(captured: "Captured", request: "CaptureRequest") -> str:
    words = [_counted(captured.tally)]
    if request.file and request.file != "-":
        words.append(request.file)
    if request.directory:
        words.append(f"{captured.files_in_directory} files in {request.directory}")
    if not captured.tally.frames:
        words.append("no packet fitted the filter" if request.expression else "no packet came by")
    return "; ".join(words)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
