"""Which Services a change of an object concerns."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
)
from netlab.kubeproxy.service_map import Name, ServiceEndpoints, ServiceMap
from netlab.model.addresses import Family

WEB, API = Name("ns", "web"), Name("ns", "api")
SERVICE = Service(
    namespace="ns",
    name="web",
    cluster_ips=(ip_address("10.0.0.1"),),
    ports=(ServicePort(port=80, target_port=8080),),
)
PODS = tuple(Endpoint(addresses=(ip_address(f"10.244.0.{n}"),)) for n in (1, 2, 3))
SLICE = EndpointSlice(
    namespace="ns",
    name="web-1",
    service_name="web",
    ports=(EndpointPort(port=8080),),
    endpoints=PODS,
)
SLICE_NAME = Name("ns", "web-1")


@pytest.fixture
def known() -> ServiceMap:
    services = ServiceMap.of([SERVICE], [SLICE])
    services.take_changes()
    return services


def test_all_that_is_new_has_changed_once():
    services = ServiceMap.of([SERVICE, replace(SERVICE, name="api")], [SLICE])
    assert services.take_changes() == [API, WEB]
    assert services.take_changes() == []


def test_the_same_again_is_no_change(known: ServiceMap):
    known.set_service(WEB, replace(SERVICE))
    known.set_slice(SLICE_NAME, replace(SLICE))
    assert known.take_changes() == []


def test_a_slice_changes_its_service(known: ServiceMap):
    known.set_slice(SLICE_NAME, replace(SLICE, endpoints=PODS[:1]))
    assert known.take_changes() == [WEB]
    assert known.count_endpoints(Family.IPV4) == 1


def test_a_slice_that_goes_over_changes_the_service_it_leaves_too(known: ServiceMap):
    known.set_slice(SLICE_NAME, replace(SLICE, service_name="api"))
    assert known.take_changes() == [API, WEB]
    assert known.get(WEB) == ServiceEndpoints(SERVICE)


def test_what_is_gone_is_not_there(known: ServiceMap):
    known.set_slice(SLICE_NAME, None)
    known.set_service(WEB, None)
    assert known.take_changes() == [WEB]
    assert known.get(WEB) is None
    assert known.names() == []
    assert known.count_endpoints(Family.IPV4) == 0


def test_slices_may_come_before_their_service_and_have_an_order():
    services = ServiceMap()
    for name in ("web-2", "web-1"):
        services.set_slice(Name("ns", name), replace(SLICE, name=name))
    services.set_service(WEB, SERVICE)
    served = services.get(WEB)
    assert served is not None
    assert [piece.name for piece in served.slices] == ["web-1", "web-2"]


def test_endpoints_are_counted_by_family(known: ServiceMap):
    pods = (Endpoint(addresses=(ip_address("fd00::1"),)),)
    six = replace(SLICE, name="six", address_type="IPv6", endpoints=pods)
    known.set_slice(Name("ns", "six"), six)
    assert known.count_endpoints(Family.IPV6) == 0
    known.set_service(WEB, replace(SERVICE, cluster_ips=(ip_address("fd00::80"),)))
    assert (known.count_endpoints(Family.IPV4), known.count_endpoints(Family.IPV6)) == (0, 1)


def test_endpoints_are_counted_once_for_each_port_of_a_service(known: ServiceMap):
    ports = (
        EndpointPort(port=8080),
        EndpointPort(name="admin", port=9090),
        EndpointPort(name="other", port=7070),
    )
    known.set_slice(SLICE_NAME, replace(SLICE, ports=ports))
    assert known.count_endpoints(Family.IPV4) == 3
    admin = ServicePort(name="admin", port=90, target_port=9090)
    known.set_service(WEB, replace(SERVICE, ports=(*SERVICE.ports, admin)))
    assert known.count_endpoints(Family.IPV4) == 6
    known.set_slice(Name("ns", "again"), replace(SLICE, name="again"))
    assert known.count_endpoints(Family.IPV4) == 6


@pytest.mark.parametrize("change", [{"is_skipped": True}, {"cluster_ips": ()}])
def test_endpoints_of_services_without_rules_do_not_count(
    known: ServiceMap, change: dict[str, object]
):
    assert known.count_endpoints(Family.IPV4) == 3
    known.set_service(WEB, replace(SERVICE, **change))
    assert known.count_endpoints(Family.IPV4) == 0
