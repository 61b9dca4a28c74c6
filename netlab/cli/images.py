"""``images``: what an image name runs."""

import json
from typing import Final

import click

from netlab.cli.options import lab_option
from netlab.cli.terminal_width import line_width

_TITLES: Final = ("NAME", "RUNS", "ON THIS MACHINE")


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
@lab_option
def images(output: str, lab: str) -> None:
    """List the container images that a lab knows, and what runs in their place.

    An image is known by the last part of its name: registry.k8s.io/echoserver:1.4 is echoserver. A
    topology adds others: spec.images has for each name a command, a rootfs (the directory of a root
    file system) or both, and `unknown: echo` has an echo server stand in for every image that is
    not known. Those of a lab that is up are in the list.
    """
    from netlab.lab.images import known_images

    rows = known_images(lab)
    match output:
        case "json":
            click.echo(json.dumps({"schema": "netlab.images/1", "images": rows}, indent=2))
        case "yaml":
            import yaml

            click.echo(yaml.safe_dump({"schema": "netlab.images/1", "images": rows}), nl=False)
        case _:
            from netlab.render.table import table

            cells = [(row["name"], row["runs"], row["available"]) for row in rows]
            click.echo(table(_TITLES, cells, line_width()))
