"""Give each Service of type LoadBalancer its external address, and take it back.

A Service holds its addresses in its status (or, where the cloud gives host names, in an
annotation). Nothing else is remembered: what no Service holds is free. A Service that asks for
nothing gets the lowest free address of each of its families.

Source: Kubernetes, ``cloud-provider/controllers/service/controller.go``, for events and when an
address is given back; KEP-1860 for ``ipMode``.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from netlab.apiserver.changes import Change, Outcome, Update
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.cloud_config import CLOUD_CONFIG, CloudConfig, cloud_config_of
from netlab.kube.events import Record
from netlab.kube.kinds.service.load_balancer import (
    ADDRESS_ANNOTATION,
    PROXY_PROTOCOL_ANNOTATION,
    PROXY_PROTOCOLS,
    addresses_of,
    class_of,
)
from netlab.kube.objects import (
    Key,
    Object,
    annotations_of,
    is_terminating,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
    with_metadata,
    with_status,
)
from netlab.kube.resources import key_of
from netlab.model.addresses import Address, Family, Network, parse_ip
from netlab.model.topology import LoadBalancerClass

COMPONENT: Final = "service-controller"
DOMAIN: Final = "elb.netlab.test"
"""Below the lab's own in the outside world; see ``netlab.dns.outside_zone``."""
_IP_MODES: Final = {LoadBalancerClass.PASSTHROUGH: "VIP", LoadBalancerClass.PROXY: "Proxy"}
_Holders = Mapping[Address, Object]


class _NoAddressError(Exception):
    """Why a Service has no address."""


def step(service: Object, others: Sequence[Object], cloud: CloudConfig) -> list[Change]:
    """Return what gives a Service its load balancer, or takes it away.

    Args:
        service: As stored.
        others: All other Services.
        cloud: Where addresses come from.
    """
    kind = class_of(service, cloud.default_class)
    if is_terminating(service):
        return []
    if kind is None:
        is_unknown = spec_of(service).get("type") == "LoadBalancer"
        return _unknown_class(service) if is_unknown else _without_balancer(service)
    try:
        _check_ports(service, kind)
        addresses = _choose(service, _holders(others), cloud.pools)
    except _NoAddressError as error:
        message = f"Error syncing load balancer: failed to ensure load balancer: {error}"
        failed = _event(service, "SyncLoadBalancerFailed", message, is_warning=True)
        return [failed, *_changed(service, _given_back(service))]
    return _ensured(service, _with_balancer(service, kind, addresses, cloud))


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Service at ``key``."""
    del now
    service, cloud = objects.get(key), cloud_config_of(objects.get(CLOUD_CONFIG))
    if service is None or cloud is None:
        return Outcome()
    if spec_of(service).get("type") != "LoadBalancer" and not _ingress(service):
        return Outcome()
    others = [one for one in objects.list_("services") if uid_of(one) != uid_of(service)]
    return Outcome(changes=step(service, others, cloud))


def _of_service(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at the Service, and at those that wait for an address when it gives one back."""
    yield changed.key
    before, after = (set(addresses_of(one)) if one else set() for one in changed[1:])
    if before - after:
        for service in objects.list_("services"):
            if spec_of(service).get("type") == "LoadBalancer" and not _ingress(service):
                yield key_of(service)


def _of_config(objects: Objects, changed: Changed) -> Iterator[Key]:
    if changed.key == CLOUD_CONFIG:
        yield from (key_of(service) for service in objects.list_("services"))


CONTROLLER: Final = Controller(
    name="service", watches={"services": _of_service, "configmaps": _of_config}, step=sync
)


def _holders(services: Sequence[Object]) -> _Holders:
    return {
        address: service
        for service in services
        if spec_of(service).get("type") == "LoadBalancer"
        for address in addresses_of(service)
    }


def _check_ports(service: Object, kind: LoadBalancerClass) -> None:
    """Raise when the balancer cannot serve the Service's ports."""
    if kind is not LoadBalancerClass.PROXY:
        return
    for port in items_of(spec_of(service), "ports"):
        protocol = port.get("protocol") or "TCP"
        if protocol != "TCP":
            raise _NoAddressError(f"{kind} serves TCP alone, and port {port['port']} is {protocol}")
        if not port.get("nodePort"):
            raise _NoAddressError(f"{kind} needs node ports, and port {port['port']} has none")
    asked = annotations_of(service).get(PROXY_PROTOCOL_ANNOTATION, "")
    if asked and asked not in PROXY_PROTOCOLS:
        raise _NoAddressError(f"annotation {PROXY_PROTOCOL_ANNOTATION} must be v1 or v2: {asked}")


def _choose(service: Object, holders: _Holders, pools: Mapping[Family, Network]) -> list[Address]:
    """Return an address of each of the Service's families; those that it holds already stay."""
    spec, held = spec_of(service), addresses_of(service)
    families = [Family(one) for one in spec.get("ipFamilies") or () if one in set(Family)]
    asked = parse_ip(spec.get("loadBalancerIP"))
    chosen = []
    for family in families or list(pools)[:1]:
        pool = pools.get(family)
        if pool is None:
            raise _NoAddressError(f"the cloud has no addresses of {family}")
        if asked is not None and family.holds(asked):
            _check_asked(asked, pool, holders)
            chosen.append(asked)
            continue
        own = [one for one in held if family.holds(one) and one in pool and one not in holders]
        chosen.append(own[0] if own else _free(pool, holders))
    return chosen


def _check_asked(asked: Address, pool: Network, holders: _Holders) -> None:
    if asked not in pool:
        raise _NoAddressError(f"loadBalancerIP {asked} is not in the pool {pool}")
    if asked in holders:
        raise _NoAddressError(f"loadBalancerIP {asked} is held by Service {_name(holders[asked])}")


def _free(pool: Network, holders: _Holders) -> Address:
    # The first and the last address of an IPv4 network are no host's.
    first = int(pool[0]) + int(pool.num_addresses > 2)
    last = int(pool[-1]) - int(pool.num_addresses > 2 and pool.version == 4)
    for number in range(first, min(last, first + len(holders)) + 1):
        address = ip_address(number)
        if address not in holders:
            return address
    count = sum(1 for address in holders if address in pool)
    raise _NoAddressError(f"no address of the pool {pool} is free; Services hold all {count}")


def _with_balancer(
    service: Object, kind: LoadBalancerClass, addresses: Sequence[Address], cloud: CloudConfig
) -> Object:
    texts = [str(address) for address in addresses]
    annotations = {
        name: text for name, text in annotations_of(service).items() if name != ADDRESS_ANNOTATION
    }
    # The rules of nodes must know the address of packets that are forwarded as they are.
    if cloud.gives_hostnames and kind is LoadBalancerClass.PROXY:
        ingress = [{"hostname": f"{name_of(service)}.{namespace_of(service)}.{DOMAIN}"}]
        annotations[ADDRESS_ANNOTATION] = ",".join(texts)
    else:
        ingress = [{"ip": text, "ipMode": _IP_MODES[kind]} for text in texts]
    return _annotated(with_status(service, loadBalancer={"ingress": ingress}), annotations)


def _given_back(service: Object) -> Object:
    annotations = {
        name: text for name, text in annotations_of(service).items() if name != ADDRESS_ANNOTATION
    }
    return _annotated(with_status(service, loadBalancer={}), annotations)


def _annotated(service: Object, annotations: Mapping[str, str]) -> Object:
    if annotations == annotations_of(service):
        return service
    return with_metadata(service, annotations=annotations)


def _ensured(service: Object, wanted: Object) -> list[Change]:
    if wanted == service:
        return []
    return [
        _event(service, "EnsuringLoadBalancer", "Ensuring load balancer"),
        Update(object=wanted),
        _event(service, "EnsuredLoadBalancer", "Ensured load balancer"),
    ]


def _without_balancer(service: Object) -> list[Change]:
    if not _ingress(service):
        return []
    return [
        _event(service, "DeletingLoadBalancer", "Deleting load balancer"),
        Update(object=_given_back(service)),
        _event(service, "DeletedLoadBalancer", "Deleted load balancer"),
    ]


def _unknown_class(service: Object) -> list[Change]:
    """Tell that nobody in the lab serves a class; what somebody wrote into the status stays."""
    if _ingress(service):
        return []
    known = " and ".join(LoadBalancerClass)
    asked = spec_of(service).get("loadBalancerClass")
    message = f"no load balancer of the lab is of class {asked}; it has {known}"
    return [_event(service, "UnknownLoadBalancerClass", message, is_warning=True)]


def _changed(service: Object, wanted: Object) -> list[Change]:
    return [] if wanted == service else [Update(object=wanted)]


def _ingress(service: Object) -> list[Object]:
    return items_of(status_of(service).get("loadBalancer") or {}, "ingress")


def _name(service: Object) -> str:
    return f"{namespace_of(service)}/{name_of(service)}"


def _event(service: Object, reason: str, message: str, *, is_warning: bool = False) -> Record:
    return Record(
        object=service,
        reason=reason,
        message=message,
        component=COMPONENT,
        type="Warning" if is_warning else "Normal",
    )
