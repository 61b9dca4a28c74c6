"""A pod as the rest of the lab sees it: where it is, and whether it answers."""

from dataclasses import dataclass

from netlab.kube.fields import Object, addresses, flag, part, parts, text
from netlab.model.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, as far as the network can tell."""

    namespace: str
    name: str
    node_name: str = ""
    """Empty while it has none."""
    addresses: tuple[Address, ...] = ()
    """One of each family; empty before it has one."""
    is_ready: bool = False
    is_on_host: bool = False
    """Whether it shares its node's network."""
    owner: str = ""
    """The name of what controls it."""


def pod_of(obj: Object) -> Pod:
    """Return the view of a Pod object."""
    metadata, spec, status = part(obj, "metadata"), part(obj, "spec"), part(obj, "status")
    owners = (
        text(one, "name") for one in parts(metadata, "ownerReferences") if one.get("controller")
    )
    conditions = {text(one, "type"): text(one, "status") for one in parts(status, "conditions")}
    return Pod(
        namespace=text(metadata, "namespace", "default"),
        name=text(metadata, "name"),
        node_name=text(spec, "nodeName"),
        addresses=addresses(text(one, "ip") for one in parts(status, "podIPs")),
        is_ready=conditions.get("Ready") == "True",
        is_on_host=flag(spec, "hostNetwork", default=False),
        owner=next(owners, ""),
    )
