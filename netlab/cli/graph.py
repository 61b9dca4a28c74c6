"""``netlab graph``: the lab as a drawing."""

import json
import shutil
from typing import TYPE_CHECKING

import click

from netlab.cli.options import lab_option

if TYPE_CHECKING:
    from netlab.model.graph import LabGraph


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "mermaid", "dot", "svg", "json"]),
    default="text",
    show_default=True,
    help="Form of the drawing; dot is graphviz's language.",
)
@click.option("--all", "every_pod", is_flag=True, help="Draw every pod; else many become one.")
@lab_option
def graph(output: str, lab: str, *, every_pod: bool) -> None:
    """Draw the lab: networks, nodes, pods, addresses, and the Services with their endpoints.

    The drawing goes to standard output; `> lab.svg` behind it makes a file of it. A text drawing
    keeps to the width of the terminal, from 80 to 200 columns.

    Example: sudo netlab graph -o svg
    """
    from netlab.client.api_client import Client
    from netlab.client.graph import read_graph
    from netlab.model.rundir import control_socket
    from netlab.rootless.enter import become_root

    become_root()
    found = read_graph(lab, Client(control_socket(lab)))
    click.echo(_drawn(found, output, every_pod=every_pod), nl=False)


def _drawn(found: "LabGraph", output: str, *, every_pod: bool) -> str:
    match output:
        case "mermaid":
            from netlab.render.graph.mermaid import render_graph_mermaid

            return render_graph_mermaid(found, every_pod=every_pod)
        case "dot":
            from netlab.render.graph.dot import render_graph_dot

            return render_graph_dot(found, every_pod=every_pod)
        case "svg":
            from netlab.render.graph.svg import render_graph_svg

            return render_graph_svg(found, every_pod=every_pod)
        case "json":
            from netlab.render.graph.document import graph_document

            return json.dumps(graph_document(found), indent=2) + "\n"
        case _:
            from netlab.render.graph.text import render_graph_text

            width = max(80, min(200, shutil.get_terminal_size((80, 24)).columns))
            return render_graph_text(found, width, every_pod=every_pod)
