"""``netlab matrix``: who calls what, and which address the pod saw."""

import shutil

import click

from netlab.cli.options import lab_option


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json"]),
    default="table",
    help="Form of the answer; wide has no limit to its width.",
)
@lab_option
def matrix(output: str, lab: str) -> None:
    """Call every Service from the clients, the nodes and a pod of each node.

    Each Service is called by its ClusterIP and by the NodePort of every node. A cell is the
    address that the pod saw, or how the call ended.

    Example: sudo netlab matrix
    """
    from netlab.api.client import Client
    from netlab.kernel.rundir import control_socket
    from netlab.lab.cluster import Cluster
    from netlab.lab.host import require_root
    from netlab.lab.hosts import hosts
    from netlab.lab.matrix import read_matrix
    from netlab.render.matrix import render_matrix, render_matrix_json

    require_root()
    cluster = Cluster(lab=lab, objects=Client(control_socket(lab)), read_hosts=lambda: hosts(lab))
    matrices = read_matrix(cluster, lambda line: click.echo(line, err=True))
    names = cluster.names()
    if output == "json":
        click.echo(render_matrix_json(lab, matrices, names))
    elif not matrices:
        click.echo("This lab has no Service to call.", err=True)
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        click.echo(render_matrix(matrices, names, None if output == "wide" else width))
