"""``netlab trace``: the true path of one connection."""

import os
import sys
from typing import TYPE_CHECKING

import click

from netlab.cli.completion import complete_trace
from netlab.cli.options import (
    family_option,
    lab_option,
    wireshark_profile_option,
    write_wireshark_profile,
)
from netlab.cli.terminal_width import text_width
from netlab.cli.typed_commands import as_typed

if TYPE_CHECKING:
    from netlab.linux.frames import Frame
    from netlab.model.addresses import Family
    from netlab.trace.trace import Trace


@click.command()
@click.argument(
    "words",
    nargs=-1,
    metavar="FROM TARGET | [FROM] --attach WHAT | diff A.json B.json",
    shell_complete=complete_trace,
)
@click.option(
    "--attach",
    metavar="WHAT",
    help="Wait for somebody else's new connection: 'tcp port 30080', 'udp and src host client'.",
)
@click.option("-o", "--output", type=click.Choice(["tree", "json"]), default="tree")
@click.option("--mermaid", is_flag=True, help="A sequence diagram in Mermaid's language.")
@click.option("--svg", metavar="FILE", help="Also write a picture of the path; - is stdout.")
@click.option("--html", metavar="FILE", help="Also write a page with all of it; - is stdout.")
@click.option("--rules", is_flag=True, help="Every rule that was met, with its text.")
@click.option("--all", "everything", is_flag=True, help="Every packet of the connection.")
@click.option("--predict", is_flag=True, help="Also the path that rules and routes predict.")
@click.option(
    "--stable",
    is_flag=True,
    help="Ports and ids counted up, and no times: the same in every run, for documents.",
)
@click.option("--numeric", is_flag=True, help="Addresses in place of names.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="WHAT",
    help="delivered, dropped, 'hop node1', 'no-hop node2', 'src client', 'snat-at node2', "
    "'reason IP_RPFILTER'; the exit code is 1 when it is not so. May be given several times.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=86_400),
    metavar="S",
    help="Seconds to wait for the answer, 1.5 without this; a SYN is sent again after one. With"
    " --attach, to wait for the connection: 60.",
)
@click.option(
    "--size",
    type=click.IntRange(min=0, max=60_000),
    metavar="BYTES",
    help="Bytes to send by udp:// or icmp://; more than the MTU is sent in fragments.",
)
@click.option(
    "--pcap",
    default="",
    metavar="FILE",
    help="Also write the frames to a pcapng file, each with its hop, rules and rewrites.",
)
@click.option(
    "--pcap-dir", default="", metavar="D", help="Also write them to D, a file for each interface."
)
@family_option(
    "Of the address that TARGET's name stands for, or of the connection to wait for; without this"
    " the first that its host or Service has."
)
@wireshark_profile_option
@lab_option
def trace(  # noqa: PLR0913 (one for each option)
    words: tuple[str, ...],
    *,
    output: str,
    attach: str | None,
    expected: tuple[str, ...],
    timeout: float | None,
    size: int | None,
    lab: str,
    svg: str | None,
    html: str | None,
    mermaid: bool,
    rules: bool,
    everything: bool,
    numeric: bool,
    pcap: str,
    pcap_dir: str,
    profile: str,
    predict: bool,
    stable: bool,
    family: "Family | None",
) -> None:
    """Make a connection FROM a host to a TARGET and show the path its packets took.

    FROM is the client, a node or a pod; TARGET is http://, https://, tcp://, udp:// or icmp:// and
    a host, a Service or an address. The exit code is 0 whatever became of the connection, unless
    --expect says otherwise.

    With --attach netlab makes no connection: it waits for one, of FROM or of anybody. `trace diff`
    sets two traces side by side that -o json wrote.

    An IPv6 address stands in brackets: http://[fd00:10:240::4]:30080.

    Example: sudo netlab trace client http://node2:30080
    """
    from netlab.cli import trace_forms
    from netlab.cli.traced import Asked, traced
    from netlab.trace.expect import check, parse_expectations

    if words[:1] == ("diff",):
        if svg or html:
            raise click.UsageError("--svg and --html show one trace, not two")
        click.echo(_diff(words[1:]), nl=False)
        return
    _check_pcap(pcap)
    frames: list[Frame] = []
    expectations = parse_expectations(expected)
    printed = ["-o json"] * (output == "json") + ["--mermaid"] * mermaid
    files = trace_forms.files_of({"--svg": svg, "--html": html}, printed)
    asked = Asked(
        words=words,
        attach=attach,
        timeout_s=timeout,
        payload=size,
        predict=predict,
        family=family,
    )
    found = traced(lab, asked, frames.extend)
    _write_frames(found, frames, pcap, pcap_dir)
    write_wireshark_profile(profile)
    if stable:
        from netlab.trace.stable import stable as stabilised

        found = stabilised(found)
        frames.clear()  # they have times
    form = "mermaid" if mermaid and output == "tree" else output
    if form != "tree" or not trace_forms.take_stdout(files):
        style = {"numeric": numeric, "rules": rules, "everything": everything, "times": not stable}
        click.echo(as_typed(_text(found, form, style)), nl=False)
    trace_forms.write(files, found, frames, numeric=numeric)
    check(found, expectations)


def _text(found: "Trace", form: str, style: dict[str, bool]) -> str:
    if form == "json":
        from netlab.render.trace.document import render_trace_json

        return render_trace_json(found)
    if form == "mermaid":
        from netlab.render.trace.mermaid import render_mermaid

        return render_mermaid(found)
    from netlab.render.trace.tree import TraceStyle, render_trace

    return render_trace(found, TraceStyle(width=text_width(), colour=_colour(), **style))


def _check_pcap(file: str) -> None:
    from netlab.cli.output_files import why_not

    if file == "-":
        raise click.UsageError("--pcap wants a file: standard output is for the trace")
    if file and (reason := why_not(file)):
        raise click.BadParameter(f"{file}: {reason}", param_hint="--pcap")


def _write_frames(traced: "Trace", frames: "list[Frame]", file: str, directory: str) -> None:
    from netlab.cli.trace_pcapng import write_trace

    if file or directory:
        written = write_trace(traced, frames, file, directory)
        written_to = [file] if file else []
        if directory:
            written_to.append(f"{len(written.files) - len(written_to)} files in {directory}")
        click.echo(f"{written.frames} frames: {', '.join(written_to)}", err=True)


def _diff(files: tuple[str, ...]) -> str:
    from netlab.cli.trace_files import read_trace
    from netlab.render.trace.diff import render_trace_diff

    if len(files) != 2:
        raise click.UsageError("give two files, such as: diff cluster.json local.json")
    first, second = (read_trace(name) for name in files)
    return render_trace_diff(first, second, files)


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
