"""The state of a lab as text."""

from netlab.model.status import HostStatus, LabStatus, ServiceStatus, Usage
from netlab.render.table import table

_PIDS_SHOWN = 4
_ENDPOINTS_SHOWN = 3


def render_status(status: LabStatus, *, is_wide: bool) -> str:
    """Return the lab's state, its hosts and its Services; ``is_wide`` leaves nothing out."""
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
    if status.advice:
        head.append(f"type: {status.advice}")
    parts = ["\n".join(head)]
    if status.hosts:
        parts.append(_hosts(status.hosts, is_wide=is_wide))
    if status.services:
        parts.append(_services(status.services, is_wide=is_wide))
    return "\n\n".join(parts)


def _hosts(hosts: tuple[HostStatus, ...], *, is_wide: bool) -> str:
    return table(
        ["host", "kind", "address", "node", "pids", "cpu", "memory"],
        [
            [
                host.name,
                host.kind,
                ",".join(host.addresses if is_wide else host.addresses[:1]),
                host.node or "-",
                _pids(host.usage, is_wide=is_wide) or "-",
                _cpu(host.usage) if host.usage.pids else "-",
                _memory(host.usage.memory_bytes) if host.usage.pids else "-",
            ]
            for host in hosts
        ],
    )


def _services(services: tuple[ServiceStatus, ...], *, is_wide: bool) -> str:
    rows = []
    for service in services:
        shown = service.endpoints if is_wide else service.endpoints[:_ENDPOINTS_SHOWN]
        more = len(service.endpoints) - len(shown)
        endpoints = ",".join(shown) + (f" + {more} more" if more else "")
        rows.append(
            [
                service.name,
                service.type,
                service.cluster_ip,
                ",".join(service.ports),
                service.policy or "-",
                endpoints,
            ]
        )
    return table(["service", "type", "cluster-ip", "ports", "policy", "endpoints"], rows)


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
