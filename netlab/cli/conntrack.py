"""``netlab conntrack``: the connections that a host tracks, and what NAT makes of them."""

import json
import shutil
from typing import TYPE_CHECKING

import click

from netlab.cli.completion import complete_host, complete_service
from netlab.cli.options import lab_option

if TYPE_CHECKING:
    from netlab.lab.conntrack import LabAddresses
    from netlab.model.hosts import Host
    from netlab.render.conntrack import Words
    from netlab.sources.conntrack_entries import Changed
    from netlab.trace.conntrack import Selection


@click.command()
@click.argument("host", shell_complete=complete_host)
@click.option(
    "-p",
    "--protocol",
    type=click.Choice(["tcp", "udp", "icmp", "icmpv6", "sctp"], case_sensitive=False),
    help="Only connections of this protocol.",
)
@click.option(
    "--service",
    default="",
    metavar="NS/NAME",
    shell_complete=complete_service,
    help="Only those that call this Service.",
)
@click.option("--nat", is_flag=True, help="Only those whose addresses are rewritten.")
@click.option("-w", "--watch", is_flag=True, help="Follow them as they come and go: a line each.")
@click.option("-n", "--numeric", is_flag=True, help="Addresses in place of names.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json"]),
    default="table",
    show_default=True,
    help="Form of the answer; with --watch, json is one object a line.",
)
@lab_option
def conntrack(  # noqa: PLR0913 (one for each option)
    host: str,
    protocol: str | None,
    service: str,
    output: str,
    lab: str,
    *,
    nat: bool,
    watch: bool,
    numeric: bool,
) -> None:
    """List the connections that HOST tracks: the caller's tuple, the reply's, and the rewriting.

    HOST is a node, the router, the load balancer, a client or a pod. Replies are put back the other
    way round. An entry without a line of NAT below it rewrites nothing: its replies carry the same
    addresses the other way. --watch runs until Ctrl-C (exit code 130); it hears of connections that
    begin after it, and says so when the kernel lost an event.

    Example: sudo netlab conntrack node2 --nat
    """
    from netlab.lab.conntrack import choose, find_host
    from netlab.render.conntrack import Words
    from netlab.rootless.enter import become_root

    become_root()
    found = find_host(lab, host)
    addresses = _addresses(lab, is_needed=bool(service))
    selection = choose(protocol or "", service, addresses, nat_only=nat)
    words = Words(
        names={} if numeric else addresses.names, service_addresses=addresses.service_addresses
    )
    if watch:
        _watch(lab, found, selection, words, output)
    else:
        _list(lab, found, selection, words, output)


def _addresses(lab: str, *, is_needed: bool) -> "LabAddresses":
    from netlab.errors import LabError
    from netlab.lab.conntrack import LabAddresses, read_lab_addresses

    try:
        return read_lab_addresses(lab)
    except LabError as error:
        if is_needed:
            raise
        click.echo(f"No names for addresses: {error}.", err=True)
        return LabAddresses()


def _list(lab: str, host: "Host", selection: "Selection", words: "Words", output: str) -> None:
    from netlab.lab.conntrack import read_connections
    from netlab.render.conntrack import (
        connections_document,
        render_connections,
        render_connections_wide,
    )

    every = read_connections(host)
    entries = [entry for entry in every if selection.wants(entry, words.service_addresses)]
    if output == "json":
        click.echo(json.dumps(connections_document(lab, host.name, entries, words), indent=2))
    elif entries:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        is_wide = output == "wide"
        click.echo(
            render_connections_wide(entries, words)
            if is_wide
            else render_connections(entries, words, width)
        )
    if not every:
        click.echo(
            f"{host.name} tracks no connection. The kernel tracks only where a rule needs it"
            " (NAT, --ctstate), and forgets a connection some time after its end.",
            err=True,
        )
    elif not entries:
        click.echo(f"None of the {len(every)} entries of {host.name} is asked for.", err=True)


def _watch(lab: str, host: "Host", selection: "Selection", words: "Words", output: str) -> None:
    from netlab.lab.conntrack import watch_connections
    from netlab.render.conntrack import change_document, render_change

    def show(changed: "Changed") -> None:
        if not selection.wants(changed.entry, words.service_addresses):
            return
        if output == "json":
            click.echo(json.dumps(change_document(lab, host.name, changed, words)))
        else:
            click.echo(render_change(changed, words))

    watch_connections(host, show, lambda sentence: click.echo(sentence, err=True))
