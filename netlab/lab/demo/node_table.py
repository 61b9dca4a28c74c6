"""What kube-proxy's nftables table on a node says of one Service port."""

from typing import Final

from netlab.client.cluster import ServicePort
from netlab.netfilter.nftables.table import Element, Table

NODE_PORTS: Final = "no-endpoint-nodeports"
"""The map of NodePorts that lead nowhere."""
_MASQUERADES: Final = "jump mark-for-masquerade"


def follows(table: Table, node: str, service: ServicePort) -> bool:
    """Tell whether the table of ``node`` is that of the Service as it is now."""
    rules = {chain.name: [rule.words for rule in chain.rules] for chain in table.chains}
    targets = {words.partition("dnat to ")[2] for chain in rules.values() for words in chain}
    address = f"{service.cluster_ip} . tcp . {service.port}"
    if _entry(table, "service-ips", address) is None:
        return False
    if not all(str(backend) in targets for backend in service.backends):
        return False
    if service.node_port is None:
        return True
    entry = _entry(table, "service-nodeports", _key(service))
    local = service.policy == "Local"
    drops = bool(drop_entry(table, service))
    return (
        entry is not None
        and (_MASQUERADES in rules.get(entry.verdict.removeprefix("goto "), ())) == (not local)
        and drops == (local and not service.has_backend_on(node))
    )


def drop_entry(table: Table, service: ServicePort) -> str:
    """Return the entry by which packets for the NodePort are dropped; empty when there is none."""
    entry = _entry(table, NODE_PORTS, _key(service))
    if entry is None or entry.verdict != "drop":
        return ""
    return f'{entry.key} comment "{entry.comment}" : {entry.verdict}'


def _key(service: ServicePort) -> str:
    return f"tcp . {service.node_port}"


def _entry(table: Table, map_name: str, key: str) -> Element | None:
    entries = (one for named in table.sets if named.name == map_name for one in named.elements)
    return next((one for one in entries if one.key == key), None)
