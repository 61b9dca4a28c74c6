"""Pod objects to the containers that the launcher starts."""

from ipaddress import ip_address

from netlab.errors import HostError
from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.kubelet.images import Program, program_of
from netlab.kubelet.runtime.capabilities import CONTAINER_MASK
from netlab.kubelet.runtime.container import Container, Process
from netlab.model.names import pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.rundir import pod_directory
from netlab.model.topology import Topology

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSWD = b"""\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_NSSWITCH = b"passwd: files\ngroup: files\nhosts: files dns\n"
_KUBE_DNS = 10
"""kube-dns is the tenth address of the services network."""


def placement_of(pod: Object) -> PodPlacement | None:
    """Return where a pod lies; None while it has no node or no address."""
    node, addresses = spec_of(pod).get("nodeName"), items_of(status_of(pod), "podIPs")
    if not node or not addresses:
        return None
    return PodPlacement(
        namespace=namespace_of(pod),
        name=name_of(pod),
        node=node,
        addresses=tuple(ip_address(entry["ip"]) for entry in addresses),
    )


def may_run(pod: Object) -> bool:
    """Return whether the pod's containers are to run (again)."""
    finished = status_of(pod).get("phase") in {"Succeeded", "Failed"}
    return not (is_terminating(pod) or finished)


def container_of(
    lab: str, topology: Topology, pod: Object, spec: Object, restart_count: int
) -> Container:
    """Return what to start for one container of a pod.

    Raises:
        HostError: netlab has no program for the image.
    """
    program = _program(spec)
    namespace, name = namespace_of(pod), name_of(pod)
    hostname = hostname_of(pod)
    return Container(
        netns=pod_netns(lab, namespace, name),
        hostname=hostname,
        process=Process(
            argv=program.argv,
            env=container_environment(hostname, spec),
            working_directory=spec.get("workingDir") or "/",
            uid=0,
            gid=0,
            groups=(),
            capabilities=CONTAINER_MASK,
        ),
        built_in=program.built_in,
        directory=container_directory(lab, pod, spec["name"]),
        restart_count=restart_count,
        etc={
            "hostname": f"{hostname}\n".encode(),
            "hosts": _hosts(pod, hostname),
            "resolv.conf": _resolv_conf(topology, namespace),
            "passwd": _PASSWD,
            "group": _GROUP,
            "nsswitch.conf": _NSSWITCH,
            **program.etc,
        },
        mounts=(),
        read_only_root=False,
        stdin=False,
        stdin_once=False,
        tty=False,
        pod_uid=uid_of(pod),
        limits=(0, 0),
    )


def container_directory(lab: str, pod: Object, container: str) -> str:
    """Return the directory, on the host, of a container's streams and logs."""
    return str(pod_directory(lab, uid_of(pod)) / container)


def hostname_of(pod: Object) -> str:
    """Return the name a pod's processes see as the host's."""
    hostname: str = spec_of(pod).get("hostname") or name_of(pod)[:63]
    return hostname


def container_environment(hostname: str, spec: Object) -> dict[str, str]:
    """Return the environment of a container's processes.

    Args:
        hostname: The pod's.
        spec: The container, as the pod has it.
    """
    own = {item["name"]: str(item.get("value", "")) for item in items_of(spec, "env")}
    return {"PATH": _PATH, "HOSTNAME": hostname, "HOME": "/root", **own}


def _program(spec: Object) -> Program:
    command, args = tuple(spec.get("command") or ()), tuple(spec.get("args") or ())
    program = program_of(spec.get("image", ""), command, args)
    if program is None:
        raise HostError(
            f"netlab has no program for image {spec.get('image')}",
            hint="give the container a command: any program under /usr will do",
        )
    return program


def _hosts(pod: Object, hostname: str) -> bytes:
    """Return /etc/hosts as the kubelet writes it."""
    own = "".join(f"{one['ip']}\t{hostname}\n" for one in items_of(status_of(pod), "podIPs"))
    return (
        "# Kubernetes-managed hosts file.\n"
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "fe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\n"
        "fe00::2\tip6-allrouters\n"
        f"{own}"
    ).encode()


def _resolv_conf(topology: Topology, namespace: str) -> bytes:
    """Return /etc/resolv.conf as the kubelet writes it for dnsPolicy ClusterFirst."""
    return (
        f"search {namespace}.svc.cluster.local svc.cluster.local cluster.local\n"
        f"nameserver {topology.networks[0].services[_KUBE_DNS]}\n"
        "options ndots:5\n"
    ).encode()
