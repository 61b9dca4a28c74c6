"""What ``compile`` and ``predict`` share: which kube-proxy they speak of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from netlab.cli.completion import complete_file
from netlab.cli.options import recursive_option, strict_option

if TYPE_CHECKING:
    from netlab.kubeproxy.view import ProxyView
    from netlab.model.addresses import Address


def _addresses(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> "tuple[Address, ...]":
    try:
        return tuple(ip_address(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which kube-proxy a command was asked about."""

    files: tuple[str, ...]
    node: str
    local_addresses: "tuple[Address, ...]"
    mode: str | None
    """Instead of the configuration's."""
    is_recursive: bool
    """Whether files of folders in folders are read, too."""
    is_strict: bool
    """Whether objects that kube-proxy does not read are refused."""


def proxy_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what says which kube-proxy is meant; it comes as ``asked``."""

    @wraps(command)
    def with_asked(
        *,
        files: tuple[str, ...],
        node: str,
        local_addresses: "tuple[Address, ...]",
        mode: str | None,
        is_recursive: bool,
        is_strict: bool,
        **others: object,
    ) -> None:
        asked = Asked(
            files=files,
            node=node,
            local_addresses=local_addresses,
            mode=mode,
            is_recursive=is_recursive,
            is_strict=is_strict,
        )
        command(asked=asked, **others)

    for option in (
        click.option(
            "--proxy-mode",
            "mode",
            type=click.Choice(["iptables", "nftables"]),
            help="Instead of the configuration's; iptables where neither says.",
        ),
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
            shell_complete=complete_file,
            help="Kubernetes objects, YAML or JSON, or a folder of such; - for standard input.",
        ),
        recursive_option,
        strict_option("Refuse objects that kube-proxy does not read; else they are left out."),
    ):
        with_asked = option(with_asked)
    return with_asked


def read_view(asked: Asked) -> "ProxyView":
    """Return what that kube-proxy knows; what may surprise goes to stderr.

    Raises:
        SpecError: A file or an object is wrong; the message has every problem.
    """
    import gc
    from dataclasses import replace

    from netlab.cli.manifest_files import read_files
    from netlab.documents.yaml_text import ONE_CLUSTER
    from netlab.kube.proxy_objects import parse_proxy_objects
    from netlab.kubeproxy.view import proxy_view
    from netlab.model.kube_proxy import ProxyMode

    # What is read is no garbage; to look through a large cluster again and again for some doubles
    # the time.
    gc.set_threshold(1_000_000)
    files = read_files(asked.files, is_recursive=asked.is_recursive, limits=ONE_CLUSTER)
    objects = parse_proxy_objects(files, is_strict=asked.is_strict)
    for remark in objects.remarks:
        click.echo(f"Note: {remark}", err=True)
    view = proxy_view(objects, asked.node, ProxyMode(asked.mode) if asked.mode else None)
    addresses = dict.fromkeys((*view.node.addresses, *asked.local_addresses))
    return replace(view, node=replace(view.node, addresses=tuple(addresses)))
