"""``logs``: what the containers of a pod have written."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from netlab.cli.completion import complete_host
from netlab.cli.object_names import namespace_option
from netlab.cli.options import lab_option

if TYPE_CHECKING:
    from netlab.client.api_client import Client

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

    A name that begins that of one pod serves too, and deploy/web for the first pod of Deployment
    web.

    Example: sudo netlab logs web-1 --tail 20
    """
    from netlab.client.api_client import Client
    from netlab.kube.resources import RESOURCES
    from netlab.model.rundir import control_socket
    from netlab.rootless.enter import become_root

    given = {name: value for name, value in options.items() if value not in (None, "")}
    query = {_QUERY[name]: str(value) for name, value in given.items()}
    become_root()
    client = Client(control_socket(lab))
    namespace, name = _named(pod, namespace, client)
    _copy(client.stream(f"{RESOURCES['pods'].path(namespace)}/{name}/log", query))


def _named(pod: str, namespace: str, client: "Client") -> tuple[str, str]:
    """Return the namespace and the name of the pod that is meant."""
    from netlab.kube.objects import name_of
    from netlab.kube.resources import RESOURCES, resource_named

    kind, _, name = pod.rpartition("/")
    is_deployment = resource_named(kind) is RESOURCES["deployments"]
    if kind and resource_named(kind) not in (RESOURCES["pods"], RESOURCES["deployments"]):
        namespace = kind
    pods = [name_of(one) for one in client.list_(RESOURCES["pods"].path(namespace))]
    if is_deployment:
        return namespace, next((one for one in pods if one.startswith(f"{name}-")), name)
    fits = [one for one in pods if one.startswith(name)]
    return namespace, fits[0] if name not in pods and len(fits) == 1 else name


def _copy(blocks: Iterator[bytes]) -> None:
    for block in blocks:
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
