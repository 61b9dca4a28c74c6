"""What the control plane says of its lab beyond Kubernetes objects, as plain JSON values."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from netlab import __version__
from netlab.cni.attachment import gateway
from netlab.control_plane.service_calls import calls_of
from netlab.kube.objects import items_of, name_of, namespace_of, spec_of, status_of
from netlab.kubelet.container_spec import placement_of
from netlab.model.addresses import require_ip, router_address
from netlab.model.hosts import Host, HostKind
from netlab.model.names import LB, ROUTER, host_netns, pod_netns
from netlab.netfilter.iptables.render import render
from netlab.netfilter.nftables.render import render as render_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netlab.control_plane.control_plane import ControlPlane
    from netlab.kube.objects import Object
    from netlab.model.addresses import Address, Family
    from netlab.model.packets import AddrPort
    from netlab.netfilter.ruleset_change import NamespaceRules


def status(plane: ControlPlane) -> dict[str, Any]:
    """Return the lab's hosts, its control plane and what is wrong, if anything is."""
    return {
        "lab": plane.lab,
        "version": __version__,
        "topology": plane.topology.name,
        "proxyMode": plane.topology.proxy.mode,
        "message": plane.topology.message,
        "controlPlane": {"pid": os.getpid(), "startedAt": plane.started_at},
        "operations": plane.operations,
        "failure": plane.failure,
        "leftOut": plane.left_out(),
        "refusedRules": {str(key): why for key, why in plane.refusals.items()},
        "closedPorts": plane.proxy_agent.closed_ports(),
        "hosts": [_as_json(host) for host in hosts(plane)],
    }


def rules(wanted: Mapping[Family, NamespaceRules]) -> dict[str, Any]:
    """Return, by family, the text for each of the kernel's tools; null for a table not to be."""
    return {
        family: {
            "iptables": render(own.iptables),
            "nftables": render_table(own.nftables) if own.nftables is not None else None,
        }
        for family, own in wanted.items()
    }


def service_calls(plane: ControlPlane) -> dict[str, Any]:
    """Return the calls that the rules promise to answer, and the addresses that they do not."""
    calls, unpromised = calls_of(plane, hosts(plane))
    return {
        "calls": [
            {
                "netns": one.netns,
                "caller": one.caller,
                "target": _end(one.target),
                "service": one.service,
                "endpoints": one.endpoints,
            }
            for one in calls
        ],
        "unpromised": [
            {"service": one.service, "target": _end(one.target), "why": one.why}
            for one in unpromised
        ],
    }


def hosts(plane: ControlPlane) -> list[Host]:
    """Return every host of the lab: of pods, those that have a node."""
    lab, topology = plane.lab, plane.topology
    found = [
        _host(lab, client.name, HostKind.CLIENT, client.addresses) for client in topology.clients
    ]
    towards = [networks.nodes for networks in topology.networks]
    towards += [networks.clients for networks in topology.networks]
    found.append(_host(lab, ROUTER, HostKind.ROUTER, map(router_address, towards)))
    found.append(_host(lab, LB, HostKind.LB, topology.lb))
    found += [
        _host(lab, node.name, HostKind.NODE, (*node.addresses, *map(gateway, node.pod_cidrs)))
        for node in topology.nodes
    ]
    return found + [_pod(lab, pod) for pod in plane.store.list_("pods") if placement_of(pod)]


def _host(lab: str, name: str, kind: HostKind, addresses: Iterable[Address]) -> Host:
    return Host(name=name, kind=kind, netns=host_netns(lab, name), addresses=tuple(addresses))


def _pod(lab: str, pod: Object) -> Host:
    namespace, name = namespace_of(pod), name_of(pod)
    return Host(
        name=name if namespace == "default" else f"{namespace}/{name}",
        kind=HostKind.POD,
        netns=pod_netns(lab, namespace, name),
        addresses=tuple(require_ip(one["ip"]) for one in items_of(status_of(pod), "podIPs")),
        node=spec_of(pod)["nodeName"],
    )


def _as_json(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "kind": host.kind,
        "netns": host.netns,
        "addresses": [str(address) for address in host.addresses],
        "node": host.node,
    }


def _end(end: AddrPort) -> dict[str, Any]:
    return {"address": str(end.address), "port": end.port}
