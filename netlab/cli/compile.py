"""``netlab compile``: a node's rules as text; no root, no lab."""

import click

from netlab.cli.proxy_options import Asked, proxy_options, read_view

_NO_CLUSTER_CIDR = (
    "the files hold no KubeProxyConfiguration with a clusterCIDR, so no rule tells pods' packets "
    "from others'; kubeadm, k3s and kind write one."
)


@click.command("compile")
@proxy_options
@click.option(
    "--family",
    type=click.Choice(["ipv4", "ipv6"]),
    help="Address family; that of the node's first address where nothing is said.",
)
def compile_(asked: Asked, family: str | None) -> None:
    """Print the rules that kube-proxy would lay on a node.

    FILE holds the Node, Services and EndpointSlices, as kubectl get -o yaml prints them, and may
    hold ServiceCIDRs, which nftables mode looks at, and a KubeProxyConfiguration. The text is for
    iptables-restore --noflush, or for nft -f.

    Example: netlab compile -f objects.yaml --node node1
    """
    from netlab.kubeproxy.text import compile_text
    from netlab.model.addresses import Family
    from netlab.trace.predict import lacks_cluster_cidr

    view = read_view(asked)
    if view.services and lacks_cluster_cidr(view):
        click.echo(f"Note: {_NO_CLUSTER_CIDR}", err=True)
    families = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
    click.echo(compile_text(view, families[family] if family else view.family), nl=False)
