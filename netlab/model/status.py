"""The state of a lab: what is there, what it takes, what is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The processes of one namespace, or of the control plane."""

    pids: tuple[int, ...] = ()
    cpu_s: float = 0.0
    """CPU time since they started, in seconds."""
    memory_bytes: int = 0
    """Proportional set size: a page shared by n processes counts one n-th for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host of the lab and what lives in it."""

    name: str
    kind: str
    addresses: tuple[str, ...]
    node: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One Service and where it leads."""

    name: str
    type: str
    cluster_ip: str
    """``None`` of a headless Service, empty where there is none."""
    cluster_ips: tuple[str, ...]
    """One of each of its address families, the main one's first; of a headless Service none."""
    external_ips: tuple[str, ...] = ()
    """Addresses and host names of its load balancer, and its externalIPs; ``<pending>`` where a
    balancer has none yet."""
    ports: tuple[str, ...]
    policy: str
    endpoints: tuple[str, ...]
    """Address and port as a URL has them, those of the first ClusterIP's family first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One thing that a host holds and netlab did not lay, or that is missing of what it laid."""

    host: str
    what: str
    """As the program prints it that makes such things."""
    remove: str
    """The command that takes it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A lab."""

    lab: str
    state: str
    """``up``, ``starting`` (its control plane does not answer yet), ``degraded`` (something is
    wrong), ``orphaned`` (its control plane is gone) or ``lost`` (its namespaces are gone, as after
    a reboot)."""
    topology: str = ""
    proxy_mode: str = ""
    """Of kube-proxy on every node; empty when nobody can tell."""
    hosts: tuple[HostStatus, ...] = ()
    services: tuple[ServiceStatus, ...] = ()
    control_plane: Usage
    problems: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    """How far workloads and pods are that do not run yet, a line each."""
    stand_ins: tuple[str, ...] = ()
    """Images that an echo server stands in for, a line each."""
    foreign: tuple[Foreign, ...] = ()
    """What somebody else did to nodes and router."""
    advice: str = ""
    """What to type; empty when all is well."""
