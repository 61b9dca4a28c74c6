"""The state of a lab as text.

What a host or a Service has in a second address family stands on a line of its own, below what it
has in the main one. Where the table is wider than the terminal, columns and endpoints are left out.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from netlab.model.status import Foreign, HostStatus, LabStatus, ServiceStatus, Usage
from netlab.render.commands import commands_for
from netlab.render.printable import printable
from netlab.render.table import table

_PIDS_SHOWN: Final = 4
_ENDPOINTS_SHOWN: Final = 3
_ALL: Final = 1 << 30
_MAY_GO: Final = ((), ("cpu",), ("cpu", "pids"))
"""Columns of hosts that may be left out, the fewest first."""


def render_status(status: LabStatus, *, is_wide: bool, width: int | None = None) -> str:
    """Return the lab's state, its hosts and its Services.

    Args:
        status: The lab.
        is_wide: Leave nothing out.
        width: Of the terminal, in columns; None where there is none to fit into.
    """
    room = _ALL if is_wide or width is None else width
    head = [f"lab {status.lab}: {status.state}"]
    if status.topology:
        used = status.control_plane
        pids = _pids(used, is_wide=True)
        head[0] += f", topology {status.topology}"
        head[0] += f", kube-proxy in {status.proxy_mode} mode" if status.proxy_mode else ""
        head.append(
            f"control plane: pid {pids}, {_cpu(used)} CPU, {_memory(used.memory_bytes)}; "
            f"the whole lab: {_memory(used.memory_bytes + _total(status))}"
        )
    head += [f"problem: {problem}" for problem in status.problems]
    head += [f"progress: {printable(line)}" for line in status.progress]
    head += [f"stand-in: {printable(line)}" for line in status.stand_ins]
    if status.advice:
        head.append(f"type: {status.advice}")
    parts = ["\n".join(head)]
    if status.hosts:
        parts.append(_hosts(status.hosts, room, is_wide=is_wide))
    if status.services:
        parts.append(_services(status.services, room, is_wide=is_wide))
    if status.foreign:
        parts.append("\n".join(foreign_lines(status.lab, status.foreign)))
    return "\n\n".join(parts)


def foreign_lines(lab: str, foreign: Iterable[Foreign]) -> list[str]:
    """Return what somebody else did to the hosts of a lab, each with the command against it."""
    lines = [f"Not netlab's ({commands_for(lab, 'sudo netlab reset')} builds the lab anew):"]
    for one in foreign:
        lines += [f"  {one.host}  {printable(one.what)}", f"      {printable(one.remove)}"]
    return lines


def _hosts(hosts: Sequence[HostStatus], room: int, *, is_wide: bool) -> str:
    rows = [_host(host, is_wide=is_wide) for host in hosts]
    return _fitting(
        (
            table(
                [heading for heading in rows[0] if heading not in left_out],
                [
                    [cell for heading, cell in row.items() if heading not in left_out]
                    for row in rows
                ],
            )
            for left_out in _MAY_GO
        ),
        room,
    )


def _host(host: HostStatus, *, is_wide: bool) -> dict[str, str]:
    used = host.usage
    return {
        "host": host.name,
        "kind": host.kind,
        "address": ",".join(host.addresses) if is_wide else "\n".join(_first(host.addresses)),
        "node": host.node or "-",
        "pids": _pids(used, is_wide=is_wide) or "-",
        "cpu": _cpu(used) if used.pids else "-",
        "memory": _memory(used.memory_bytes) if used.pids else "-",
    }


def _first(addresses: Iterable[str]) -> list[str]:
    """Return the first address of each family, in their order."""
    found: dict[bool, str] = {}
    for address in addresses:
        found.setdefault(_is_ipv6(address), address)
    return list(found.values())


def _is_ipv6(address: str) -> bool:
    return address.count(":") > 1


def _services(services: Sequence[ServiceStatus], room: int, *, is_wide: bool) -> str:
    headings = ["service", "type", "cluster-ip", "external-ip", "ports", "policy", "endpoints"]
    has_external = any(one.external_ips for one in services)
    kept = [at for at, name in enumerate(headings) if has_external or name != "external-ip"]

    def row(cells: Sequence[str]) -> list[str]:
        return [cells[at] for at in kept]

    return _fitting(
        (
            table(row(headings), [row(_service(one, shown, is_wide=is_wide)) for one in services])
            for shown in ([_ALL] if is_wide else range(_ENDPOINTS_SHOWN, -1, -1))
        ),
        room,
    )


def _service(service: ServiceStatus, shown: int, *, is_wide: bool) -> list[str]:
    """Return the cells of a Service; ``shown`` endpoints of a family are named, or 0 counted."""
    addresses: Sequence[str] = service.cluster_ips or [service.cluster_ip]
    if is_wide:
        cluster_ip, endpoints = ",".join(addresses), ",".join(service.endpoints)
    else:
        cluster_ip = "\n".join(addresses)
        endpoints = "\n".join(_endpoints(service.endpoints, _is_ipv6(a), shown) for a in addresses)
    ports = ",".join(service.ports)
    external_ips = ("," if is_wide else "\n").join(service.external_ips) or "-"
    policy = service.policy or "-"
    return [service.name, service.type, cluster_ip, external_ips, ports, policy, endpoints]


def _endpoints(endpoints: Iterable[str], is_ipv6: bool, shown: int) -> str:  # noqa: FBT001
    found = [endpoint for endpoint in endpoints if _is_ipv6(endpoint) == is_ipv6]
    if not found:
        return "<none>"
    if not shown:
        return f"{len(found)} ready"
    more = f" + {len(found) - shown} more" if len(found) > shown else ""
    return ",".join(found[:shown]) + more


def _fitting(tables: Iterable[str], room: int) -> str:
    """Return the first table that is no wider than ``room``, or the last."""
    text = ""
    for text in tables:
        if max(map(len, text.split("\n"))) <= room:
            return text
    return text


def _pids(used: Usage, *, is_wide: bool) -> str:
    shown = used.pids if is_wide else used.pids[:_PIDS_SHOWN]
    more = "..." if len(shown) < len(used.pids) else ""
    return ",".join(map(str, shown)) + more


def _cpu(used: Usage) -> str:
    return f"{used.cpu_s:.2f}s"


def _memory(size: int) -> str:
    return f"{size / (1 << 20):.1f}MiB"


def _total(status: LabStatus) -> int:
    return sum(host.usage.memory_bytes for host in status.hosts)
