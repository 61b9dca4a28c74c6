"""``logs``: what the containers of a pod have written."""

import sys
from collections.abc import Iterator
from typing import Any, Final

import click

from netlab.cli.completion import complete_host
from netlab.cli.object_names import namespace_option
from netlab.cli.options import lab_option

_QUERY: Final = {
    "container": "container",
    "follow": "follow",
    "previous": "previous",
    "timestamps": "timestamps",
    "tail": "tailLines",
    "since": "sinceSeconds",
}
"""What the API calls each option."""


@click.command()
@click.argument("pod", shell_complete=complete_host)
@click.option("-c", "--container", default="", help="Of a pod that has several.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more until the container ends.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the present one.")
@click.option("--tail", type=click.IntRange(min=0), help="This many lines from the end.")
@click.option("--since", type=click.IntRange(min=1), help="Of this many seconds.", metavar="S")
@click.option("--timestamps", is_flag=True, help="With the time of each line.")
@namespace_option
@lab_option
def logs(pod: str, lab: str, namespace: str, **options: Any) -> None:  # noqa: ANN401 (click's own)
    """Print what a container of POD has written.

    Example: sudo netlab logs web-1 --tail 20
    """
    from netlab.client.api_client import Client
    from netlab.kube.resources import RESOURCES
    from netlab.model.rundir import control_socket
    from netlab.rootless.enter import become_root

    if "/" in pod:
        namespace, _, pod = pod.partition("/")
    path = f"{RESOURCES['pods'].path(namespace)}/{pod}/log"
    given = {name: value for name, value in options.items() if value not in (None, "")}
    query = {_QUERY[name]: str(value) for name, value in given.items()}
    become_root()
    _copy(Client(control_socket(lab)).stream(path, query))


def _copy(blocks: Iterator[bytes]) -> None:
    for block in blocks:
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
