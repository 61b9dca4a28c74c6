"""``netlab matrix``: who calls what, and which address the pod saw."""

import shutil
from typing import TYPE_CHECKING

import click

from netlab.cli.options import family_option, lab_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netlab.client.cluster import Cluster
    from netlab.lab.matrix import MatrixRequest
    from netlab.model.addresses import Family
    from netlab.trace.matrix import ServiceMatrix


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json"]),
    default="table",
    show_default=True,
    help="Form of the answer; wide has the deciding rules too, and no limit to its width.",
)
@click.option(
    "--policies",
    is_flag=True,
    help="Try Cluster and Local in turn for each NodePort Service; afterwards all is as before.",
)
@click.option(
    "--callers/--no-callers",
    default=True,
    help="Make a pod to call from on each node whose pods are all of Services, and delete it again."
    "  [default: callers]",
)
@click.option("--svg", metavar="FILE", help="Also a heat map as a picture; - for standard output.")
@click.option("--html", metavar="FILE", help="Also a page of its own; - for standard output.")
@family_option(
    "Call the addresses of this family; without this those of each Service's own first family."
)
@lab_option
def matrix(  # noqa: PLR0913 (one for each option)
    output: str,
    svg: str | None,
    html: str | None,
    lab: str,
    family: "Family | None",
    *,
    policies: bool,
    callers: bool,
) -> None:
    """Call every Service from the clients, the nodes and pods of each node.

    Each Service is called by its ClusterIP and by the NodePort of every node: over TCP by an HTTP
    request, over UDP by a datagram. A cell is the address that the pod saw, or how the call ended.
    A file of - takes the place of the table. Deciding rules are predicted: a walk goes through the
    rules that each kernel holds.

    Example: sudo netlab matrix --policies --html matrix.html
    """
    from netlab.cli.output_files import write_file
    from netlab.cli.trace_forms import files_of, take_stdout
    from netlab.client.address_names import names_by_address
    from netlab.client.api_client import Client
    from netlab.client.cluster import Cluster
    from netlab.client.hosts import hosts
    from netlab.model.rundir import control_socket
    from netlab.render.matrix.page import render_matrix_html
    from netlab.render.matrix.svg import render_matrix_svg

    files = files_of({"--svg": svg, "--html": html}, [] if output == "table" else [f"-o {output}"])
    from netlab.rootless.enter import become_root

    become_root()
    client = Client(control_socket(lab))
    client.let_settle()
    cluster = Cluster(lab=lab, objects=client, read_hosts=lambda: hosts(lab))
    from netlab.lab.matrix import MatrixRequest

    request = MatrixRequest(
        decisions=output != "table" or bool(files), family=family, brings_callers=callers
    )
    found = _read(cluster, request, policies=policies)
    if not take_stdout(files):
        _print(cluster, found, output, family)
    for option, name in files.items():
        is_svg = option == "--svg"
        text = (
            render_matrix_svg(lab, found)
            if is_svg
            else render_matrix_html(lab, found, names_by_address(cluster))
        )
        said = write_file(name, text)
        if said:
            click.echo(said, err=True)


def _read(
    cluster: "Cluster", request: "MatrixRequest", *, policies: bool
) -> "Sequence[ServiceMatrix]":
    from netlab.cli.signals import end_once, say
    from netlab.lab import lock
    from netlab.lab.matrix import read_matrix, try_policies

    if not policies and not request.brings_callers:
        return read_matrix(cluster, say, request)
    # Another one of these would take the policy that is only being tried for the lab's own.
    with lock.held(cluster.lab):
        # Whatever ends this, what it changed is put back, and nothing disturbs that.
        end_once()
        return (try_policies if policies else read_matrix)(cluster, say, request)


def _print(
    cluster: "Cluster", found: "Sequence[ServiceMatrix]", output: str, family: "Family | None"
) -> None:
    from netlab.client.address_names import names_by_address
    from netlab.render.matrix.document import render_matrix_json
    from netlab.render.matrix.table import render_decisions, render_matrix

    names = names_by_address(cluster)
    if output == "json":
        click.echo(render_matrix_json(cluster.lab, found, names))
    elif not found:
        of_family = f" with an {family} address" if family else ""
        click.echo(f"This lab has no Service{of_family} to call.", err=True)
    elif output == "wide":
        click.echo(render_matrix(found, names, None))
        click.echo(render_decisions(found))
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        click.echo(render_matrix(found, names, width))
