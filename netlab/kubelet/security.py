"""Whom a container's processes run as, and what they may do: from ``securityContext``.

A lab gives the capabilities that containers have by default, and those that act on the pod's own
network and processes only. What would lead out of the pod is refused.
"""

from dataclasses import dataclass
from typing import Any, Final

from netlab.kube.objects import Object, spec_of
from netlab.kubelet.runtime.capabilities import CONTAINER_DEFAULT, CONTAINER_MASK
from netlab.kubelet.sources import CreateContainerConfigError

GIVEN: Final = {
    **CONTAINER_DEFAULT,
    "CAP_NET_BROADCAST": 11,
    "CAP_NET_ADMIN": 12,
    "CAP_IPC_LOCK": 14,
    "CAP_SYS_PTRACE": 19,
}
"""linux/capability.h"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom processes run as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    capabilities: int
    """Bits, by their number."""


def credentials(pod: Object, container: Object) -> Credentials:
    """Return whom a container's processes run as.

    Raises:
        CreateContainerConfigError: It asks for what a lab does not give.
    """
    of_pod: dict[str, Any] = spec_of(pod).get("securityContext") or {}
    own: dict[str, Any] = container.get("securityContext") or {}
    both = {**of_pod, **{field: value for field, value in own.items() if value is not None}}
    uid, gid = int(both.get("runAsUser") or 0), int(both.get("runAsGroup") or 0)
    if both.get("runAsNonRoot") and uid == 0:
        raise CreateContainerConfigError(
            "container has runAsNonRoot and image will run as root "
            f'(pod: "{_name(pod)}", container: {container["name"]})'
        )
    if own.get("privileged"):
        raise CreateContainerConfigError(
            "privileged containers are not run: they would be root on this machine; a lab gives "
            f"the capabilities {_names()}"
        )
    groups = [*(of_pod.get("supplementalGroups") or ())]
    if of_pod.get("fsGroup") is not None:
        groups.append(of_pod["fsGroup"])
    mask = _mask(own.get("capabilities") or {})
    return Credentials(uid=uid, gid=gid, groups=tuple(groups), capabilities=mask)


def _mask(wanted: dict[str, Any]) -> int:
    dropped = [_full(name) for name in wanted.get("drop") or ()]
    added = [_full(name) for name in wanted.get("add") or ()]
    mask = 0 if "CAP_ALL" in dropped else CONTAINER_MASK
    for name in dropped:
        mask &= ~(1 << GIVEN.get(name, 63))
    for name in added:
        if name == "CAP_ALL":
            mask |= sum(1 << number for number in GIVEN.values())
        elif name in GIVEN:
            mask |= 1 << GIVEN[name]
        else:
            raise CreateContainerConfigError(
                f"capability {name} is not given: it would reach beyond the pod; a lab gives "
                f"{_names()}"
            )
    return mask


def _full(name: object) -> str:
    text = str(name).upper()
    return text if text.startswith("CAP_") else f"CAP_{text}"


def _names() -> str:
    return ", ".join(sorted(name.removeprefix("CAP_") for name in GIVEN))


def _name(pod: Object) -> str:
    metadata = pod.get("metadata") or {}
    return f"{metadata.get('name')}_{metadata.get('namespace')}({metadata.get('uid')})"
