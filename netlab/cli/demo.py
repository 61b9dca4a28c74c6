"""``netlab demo``: the tutorial's experiments on the running lab."""

import os
import sys
from typing import TYPE_CHECKING

import click

from netlab.cli.completion import complete_demo
from netlab.cli.options import family_option, lab_option
from netlab.cli.signals import end_once, say
from netlab.cli.terminal_width import text_width
from netlab.cli.typed_commands import as_typed

if TYPE_CHECKING:
    from netlab.model.addresses import Family


@click.command()
@click.argument("name", required=False, shell_complete=complete_demo)
@family_option("Call addresses of this family; without this of the Service's own first family.")
@click.option(
    "--draw",
    type=click.IntRange(min=0),
    metavar="N",
    help="Draw the path of step N alone, 0 for none; the other steps are run and judged, too.",
)
@lab_option
def demo(name: str | None, lab: str, family: "Family | None", draw: int | None) -> None:
    """Run an experiment of the tutorial Using Source IP, with the packets that prove it.

    Without a NAME, list the experiments. What an experiment changes it puts back. The exit code
    is 1 when the kernel did not do what the document says.

    Example: sudo netlab demo nodeport
    """
    from netlab.lab.demo.experiments import EXPERIMENTS

    if name is None:
        for known in EXPERIMENTS:
            click.echo(f"{known.name:<22}{known.summary}")
        click.echo(as_typed("Run one: sudo netlab demo nodeport"), err=True)
        return
    chosen = next((known for known in EXPERIMENTS if known.name == name), None)
    if chosen is None:
        names = ", ".join(known.name for known in EXPERIMENTS)
        raise click.BadParameter(f"no experiment {name!r}; there are {names}")
    _run(chosen.name, lab, family, draw)


def _run(name: str, lab: str, family: "Family | None", draw: int | None) -> None:
    from netlab.client.api_client import Client
    from netlab.client.cluster import Cluster
    from netlab.client.hosts import hosts
    from netlab.errors import ExpectationError
    from netlab.lab.demo.experiments import EXPERIMENTS, run_experiment
    from netlab.model.rundir import control_socket
    from netlab.render.demo import render_closing, render_put_back, render_step, render_summary
    from netlab.render.trace.tree import TraceStyle
    from netlab.rootless.enter import become_root
    from netlab.rootless.home import outside

    become_root()
    # Whatever ends the demo, it puts back what it changed.
    end_once()
    cluster = Cluster(lab=lab, objects=Client(control_socket(lab)), read_hosts=lambda: hosts(lab))
    experiment = next(known for known in EXPERIMENTS if known.name == name)
    report = run_experiment(experiment, cluster, say, family)
    style = TraceStyle(width=text_width(), colour=_colour())
    for number, step in enumerate(report.steps, start=1):
        click.echo(as_typed(render_step(number, step, style, is_drawn=draw in {None, number})))
    captures = outside(report.captures)
    click.echo(f"Captures: {captures}/*.pcap", err=True)
    summary = render_summary(report.steps)
    if not report.holds():
        raise ExpectationError(summary, hint=f"look at {captures} with tcpdump -r")
    click.echo(f"{summary}\n")
    put_back = render_put_back(report.put_back, style)
    if put_back:
        click.echo(put_back)
    click.echo(as_typed(render_closing(experiment.closing, style)), nl=False)


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
