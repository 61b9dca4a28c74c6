"""The hosts of a running lab, for commands that run something in them or watch them."""

import difflib
from ipaddress import ip_address
from typing import Final

from netlab.client.api_client import Client
from netlab.errors import LabError
from netlab.linux import netns_names
from netlab.model.hosts import Host, HostKind
from netlab.model.names import (
    ROUTER,
    NetnsName,
    host_netns,
    is_file_name,
    lab_prefix,
    pod_netns,
)
from netlab.model.rundir import control_socket

_DEPLOYMENTS: Final = frozenset({"deploy", "deployment", "deployments"})


def hosts(lab: str) -> tuple[Host, ...]:
    """Return every host of the lab: of its pods, those that have an address.

    Raises:
        LabError: The lab has no running control plane.
    """
    status = Client(control_socket(lab)).get("/netlab/v1/status")
    return tuple(
        Host(
            name=host["name"],
            kind=HostKind(host["kind"]),
            netns=NetnsName(host["netns"]),
            addresses=tuple(ip_address(address) for address in host["addresses"]),
            node=host["node"],
        )
        for host in status["hosts"]
    )


def names_of_hosts(lab: str) -> list[str]:
    """Return every host of the lab as users type it, sorted, from the kernel alone."""
    return sorted(host_of(lab, name) for name in netns_names.names_of(lab))


def find_netns(lab: str, name: str) -> NetnsName:
    """Return the namespace of the host that users call ``name``, from the kernel alone.

    Args:
        lab: Name.
        name: ``node1``, ``web-1`` or ``namespace/web-1``; a prefix that fits one pod serves too,
            and ``deploy/web`` for the first pod of a Deployment in namespace ``default``.

    Raises:
        LabError: There is no such lab, or no such host in it; the nearest names are in the hint.
    """
    names = netns_names.names_of(lab)
    if not names:
        raise LabError(f"there is no lab {lab}", hint=f"type: sudo netlab up --lab {lab}")
    namespace, _, pod = name.rpartition("/")
    if not is_file_name(f"{namespace}.{pod}"):
        raise _no_host(lab, name, 0)
    if namespace in _DEPLOYMENTS:
        of_deployment = [
            one for one in names if one.startswith(pod_netns(lab, "default", f"{pod}-"))
        ]
        if of_deployment:
            return of_deployment[0]
    as_pod = pod_netns(lab, namespace or "default", pod)
    for candidate in (host_netns(lab, name), as_pod):
        if candidate in names:
            return candidate
    # Nothing at all is a prefix of everything.
    fits = [one for one in names if pod and one.startswith(as_pod)]
    if len(fits) == 1:
        return fits[0]
    raise _no_host(lab, name, len(fits))


def _no_host(lab: str, name: str, fits: int) -> LabError:
    spelt = names_of_hosts(lab)
    near = difflib.get_close_matches(name, spelt, n=3) or spelt[:8]
    return LabError(
        f"{name} fits {fits} pods" if fits else f"lab {lab} has no host {name}",
        hint=f"did you mean {', '.join(near)}?",
    )


def is_pod(lab: str, name: NetnsName) -> bool:
    """Return whether a namespace of the lab is a pod's."""
    host = name.removeprefix(lab_prefix(lab))
    return "." in host and host != ROUTER


def host_of(lab: str, name: NetnsName) -> str:
    """Return a namespace's host as users type it: ``node1``, ``web-1``, ``prod/web-1``."""
    host = name.removeprefix(lab_prefix(lab))
    return host.removeprefix("default.").replace(".", "/", 1)
