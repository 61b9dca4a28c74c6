"""What ``compile`` and ``predict`` share: which kube-proxy they speak of."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from netlab.model.topology import Address
    from netlab.proxy.view import ProxyMode, ProxyView

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _addresses(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> "tuple[Address, ...]":
    try:
        return tuple(ip_address(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def proxy_options(command: _Command) -> _Command:
    """Add ``-f``, ``--node`` and ``--local-address``."""
    for option in (
        click.option(
            "--local-address",
            "local_addresses",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            help="An address of the node's that its Node object does not list.",
        ),
        click.option("--node", metavar="NAME", required=True, help="The node the rules are for."),
        click.option(
            "-f",
            "--filename",
            "files",
            metavar="FILE",
            multiple=True,
            required=True,
            help="Kubernetes objects, YAML or JSON; - for standard input.",
        ),
    ):
        command = option(command)
    return command


def read_view(
    files: tuple[str, ...],
    node: str,
    local_addresses: "tuple[Address, ...]",
    mode: "ProxyMode | None",
) -> "ProxyView":
    """Return what kube-proxy on ``node`` knows from ``files``; what may surprise goes to stderr.

    Raises:
        SpecError: A file or an object is wrong; the message has every problem.
    """
    from dataclasses import replace

    from netlab.lab.topologies import read_spec
    from netlab.proxy.view import proxy_view
    from netlab.spec.proxy_objects import parse_proxy_objects

    objects = parse_proxy_objects([read_spec(file) for file in files])
    for remark in objects.remarks:
        click.echo(f"Note: {remark}", err=True)
    view = proxy_view(objects, node, mode)
    addresses = dict.fromkeys((*view.node.addresses, *local_addresses))
    return replace(view, node=replace(view.node, addresses=tuple(addresses)))
