"""The forms of a trace that go to files: ``--svg`` and ``--html``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from netlab.linux.frames import Frame
    from netlab.trace.trace import Trace

Files = Mapping[str, str]
"""The name of the file for each option that was given."""


def files_of(wanted: Mapping[str, str | None], others: Sequence[str]) -> Files:
    """Return the files to write, each looked at already.

    Args:
        wanted: Each option and the file it was given; None where it was not.
        others: Options that were given and print to standard output themselves.

    Raises:
        click.BadParameter: A file cannot be written.
        click.UsageError: Two forms would mix in one file.
    """
    from netlab.cli.output_files import STDOUT, why_not

    files = {option: name for option, name in wanted.items() if name is not None}
    for option, name in files.items():
        reason = why_not(name)
        if reason:
            raise click.BadParameter(f"{name}: {reason}", param_hint=option)
        same = [other for other, also in files.items() if also == name]
        same += others if name == STDOUT else []
        if len(same) > 1:
            where = "standard output" if name == STDOUT else name
            raise click.UsageError(f"only one form can go to {where}: {' and '.join(same)}")
    return files


def take_stdout(files: Files) -> bool:
    """Tell whether one of the files is standard output, which then has its answer."""
    from netlab.cli.output_files import STDOUT

    return STDOUT in files.values()


def write(files: Files, trace: "Trace", frames: "Sequence[Frame]", *, numeric: bool) -> None:
    """Write each file, and say so on standard error; a page carries the frames, too."""
    from netlab.cli.output_files import write_file

    for option, name in files.items():
        said = write_file(name, _text(option, trace, frames, numeric=numeric))
        if said:
            click.echo(said, err=True)


def _text(option: str, trace: "Trace", frames: "Sequence[Frame]", *, numeric: bool) -> str:
    if option == "--svg":
        from netlab.render.trace.svg import render_trace_svg

        return render_trace_svg(trace, numeric=numeric)
    from netlab.cli.page_files import read_page_files
    from netlab.cli.trace_pcapng import pcapng_of
    from netlab.render.trace.page import render_trace_page

    pcapng = pcapng_of(trace, frames) if frames else b""
    return render_trace_page(trace, read_page_files(), numeric=numeric, pcapng=pcapng)
