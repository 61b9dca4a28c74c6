"""The state of a lab as its user needs it: what is there, what is wrong, what to type."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from netlab import __version__
from netlab.client.api_client import Client
from netlab.client.control_plane_process import starting_control_plane
from netlab.client.hosts import host_of, hosts, is_pod
from netlab.errors import LabError
from netlab.kube.conditions import condition
from netlab.kube.kinds.service.load_balancer import external_ips
from netlab.kube.kinds.service.view import (
    EndpointSlice,
    ServicePort,
    endpoint_slice_of,
    service_of,
)
from netlab.kube.objects import (
    Object,
    name_of,
    namespace_of,
    owners_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.kube.resources import RESOURCES
from netlab.lab.down import known_labs
from netlab.lab.experiment_marks import put_back
from netlab.lab.not_netlabs import read_foreign
from netlab.linux import netns_names, processes
from netlab.linux.usage import usage, usage_by_netns
from netlab.model import rundir
from netlab.model.packets import AddrPort
from netlab.model.status import HostStatus, LabStatus, ServiceStatus, Usage
from netlab.render.pod_notes import stand_in_lines, waiting_lines
from netlab.rootless.home import runtime_directory

_SCALED: Final = ("deployments", "statefulsets", "replicasets")


def read_status(lab: str) -> LabStatus:
    """Return the state of ``lab``.

    Raises:
        LabError: There is no trace of such a lab.
    """
    names = netns_names.names_of(lab)
    client = Client(rundir.control_socket(lab))
    control_plane = usage(processes.control_plane(lab))
    try:
        report: dict[str, Any] = client.get("/netlab/v1/status")
    except LabError:
        return _without_control_plane(lab, len(names), control_plane)
    if report.get("version") != __version__:
        return _of_another_version(lab, report, control_plane)
    problems = [report["failure"]] if report["failure"] else []
    problems += [f"{name} is left out: {why}" for name, why in report["leftOut"].items()]
    problems += [f"{name} refused its rules: {why}" for name, why in report["refusedRules"].items()]
    problems += report["closedPorts"]
    gone = sorted({host["netns"] for host in report["hosts"]} - set(names))
    problems += [f"namespace {name} is gone" for name in gone]
    used = usage_by_netns(names)
    pods = client.list_(RESOURCES["pods"].path())
    foreign = () if problems else tuple(read_foreign(lab, client, hosts(lab)))
    return LabStatus(
        lab=lab,
        state="degraded" if problems else "up",
        topology=report["topology"],
        proxy_mode=report.get("proxyMode", ""),
        hosts=tuple(_host(host, used.get(host["netns"], Usage())) for host in report["hosts"]),
        services=tuple(_services(client)),
        control_plane=control_plane,
        problems=tuple(problems),
        progress=tuple(_progress(client, pods)),
        stand_ins=tuple(stand_in_lines(pods)),
        foreign=foreign,
        advice=_up_again(lab) if problems else "",
    )


def _progress(client: Client, pods: Sequence[Object]) -> Iterator[str]:
    """Yield how far workloads and pods are that do not run yet, and what holds them up."""
    found = [one for name in _SCALED for one in client.list_(RESOURCES[name].path())]
    why = {uid: failure for one in found if (failure := _failure(one)) for uid in _uids(one)}
    for obj in found:
        if not owners_of(obj):
            yield from progress_of(obj, why.get(uid_of(obj), ""))
    yield from waiting_lines(pods)


def _failure(obj: Object) -> str:
    message: str = (condition(obj, "ReplicaFailure") or {}).get("message", "")
    return message


def _uids(obj: Object) -> list[str]:
    """Return the object's uid and those of its owners."""
    return [uid_of(obj), *(one["uid"] for one in owners_of(obj))]


def progress_of(obj: Object, why: str = "") -> Iterator[str]:
    """Yield a line about a workload that has not all its replicas yet."""
    wanted, ready = spec_of(obj).get("replicas", 1), status_of(obj).get("readyReplicas", 0)
    there = status_of(obj).get("replicas", 0)
    if wanted == ready == there:
        return
    name = f"{obj['kind']} {namespace_of(obj)}/{name_of(obj)}"
    held = f"; {why}" if why else ""
    yield f"{name}: {ready:,} of {wanted:,} replicas are ready, {there:,} are there{held}"


def put_back_left(lab: str) -> list[str]:
    """Put back what an experiment of ``lab`` left that was killed, and say so, a line each."""
    # Who does not answer has nothing put back: its next ``up`` does that.
    with suppress(LabError):
        return put_back(Client(rundir.control_socket(lab)))
    return []


def read_all() -> list[LabStatus]:
    """Return the state of every lab that left a trace on this machine."""
    found = []
    for lab in known_labs():
        # One may go while the others are looked at.
        with suppress(LabError):
            found.append(read_status(lab))
    return found


def _without_control_plane(lab: str, namespaces: int, control_plane: Usage) -> LabStatus:
    again = _up_again(lab)
    if starting_control_plane(lab) is not None:
        return LabStatus(
            lab=lab,
            state="starting",
            control_plane=control_plane,
            problems=("the control plane is starting, and does not answer yet",),
            advice=f"{again} (waits for it), or: sudo netlab down --lab {lab}",
        )
    if namespaces:
        problem = (
            f"the control plane has ended; {namespaces} namespaces and their rules are still there "
            "and carry traffic, but nothing reacts to changes"
        )
        return LabStatus(
            lab=lab,
            state="orphaned",
            hosts=_named_hosts(lab),
            control_plane=control_plane,
            problems=(problem,),
            advice=f"{again} (to revive it), or: sudo netlab down --lab {lab}",
        )
    if rundir.rundir(lab).exists():
        return LabStatus(
            lab=lab,
            state="lost",
            control_plane=control_plane,
            problems=(f"its files are there, but its namespaces are gone{_why_gone()}",),
            advice=f"{again} (to build it again), or: sudo netlab down --lab {lab}",
        )
    raise LabError(
        f"there is no lab {lab}; after a reboot a lab is gone with its namespaces",
        hint=_up_again(lab),
    )


def _named_hosts(lab: str) -> tuple[HostStatus, ...]:
    """Return the hosts of a lab as far as the kernel alone knows them."""
    names = netns_names.names_of(lab)
    used = usage_by_netns(names)
    return tuple(
        HostStatus(
            name=host_of(lab, name),
            kind="pod" if is_pod(lab, name) else "host",
            addresses=(),
            node="",
            usage=used.get(name, Usage()),
        )
        for name in names
    )


def _why_gone() -> str:
    """Return what else is known: an ordinary user's namespaces end with the one that holds them."""
    if runtime_directory() is None:
        return ""
    return ": the process that held them was killed, or the machine was started anew"


def _up_again(lab: str) -> str:
    """Return the command that brings a lab back to the topology it has."""
    return "sudo netlab up" if lab == "default" else f"sudo netlab up --lab {lab}"


def _of_another_version(lab: str, report: dict[str, Any], control_plane: Usage) -> LabStatus:
    version = report.get("version", "unknown")
    return LabStatus(
        lab=lab,
        state="degraded",
        topology=report.get("topology", ""),
        control_plane=control_plane,
        problems=(f"its control plane is of version {version}, this command of {__version__}",),
        advice=f"{_up_again(lab)} (starts the control plane anew; traffic goes on)",
    )


def _host(host: dict[str, Any], used: Usage) -> HostStatus:
    return HostStatus(
        name=host["name"],
        kind=host["kind"],
        addresses=tuple(host["addresses"]),
        node=host["node"] or "",
        usage=used,
    )


def _services(client: Client) -> list[ServiceStatus]:
    endpoints: dict[tuple[str, str], list[AddrPort]] = {}
    for piece in map(endpoint_slice_of, client.list_(RESOURCES["endpointslices"].path())):
        key = piece.namespace, piece.service_name
        endpoints.setdefault(key, []).extend(_endpoints(piece))
    return [
        _service(obj, endpoints.get((namespace_of(obj), name_of(obj)), []))
        for obj in client.list_(RESOURCES["services"].path())
    ]


def _service(obj: Object, endpoints: list[AddrPort]) -> ServiceStatus:
    service = service_of(obj)
    addresses = tuple(map(str, service.cluster_ips))
    first = service.cluster_ips[0].version if addresses else 4
    return ServiceStatus(
        name=_qualified(obj),
        type=service.type,
        cluster_ip=addresses[0] if addresses else ("None" if service.is_headless else ""),
        cluster_ips=addresses,
        external_ips=external_ips(obj),
        ports=tuple(map(_port, service.ports)),
        policy=service.external_traffic_policy if service.is_external else "",
        endpoints=tuple(map(str, sorted(endpoints, key=lambda e: e.address.version != first))),
    )


def _endpoints(piece: EndpointSlice) -> list[AddrPort]:
    return [
        AddrPort(address, port.port)
        for endpoint in piece.endpoints
        if endpoint.ready
        for address in endpoint.addresses
        for port in piece.ports
        if port.port is not None
    ]


def _port(port: ServicePort) -> str:
    node_port = f":{port.node_port}" if port.node_port else ""
    return f"{port.port}{node_port}/{port.protocol}"


def _qualified(obj: Object) -> str:
    is_default = namespace_of(obj) == "default"
    return name_of(obj) if is_default else f"{namespace_of(obj)}/{name_of(obj)}"
