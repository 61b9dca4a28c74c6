"""The cluster's zone, question by question, against the specification's examples."""

from typing import Any

import pytest

from netlab.dns.cluster_zone import ClusterZone
from netlab.dns.objects import endpoint_slice_of, service_of
from netlab.dns.records import Rcode, Record, Soa, Srv, Type

OBJECTS: list[dict[str, Any]] = [
    {
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "kubernetes"},
        "spec": {
            "type": "ClusterIP",
            "clusterIPs": ["10.0.0.1", "fd00:10::1"],
            "ports": [
                {"name": "https", "port": 443},
                {"name": "dns", "protocol": "UDP", "port": 53},
            ],
        },
    },
    {
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "unnamed"},
        "spec": {"clusterIP": "10.0.0.80", "ports": [{"port": 80}]},
    },
    {
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "pets"},
        "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80}]},
    },
    {
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": "default",
            "name": "pets-1",
            "labels": {"kubernetes.io/service-name": "pets"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [
            {"addresses": ["10.244.1.2"], "hostname": "my-pet", "conditions": {"ready": True}},
            {"addresses": ["10.244.2.2"], "conditions": {}},
            {"addresses": ["10.244.3.2"], "conditions": {"ready": False}},
        ],
    },
    {
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "nobody"},
        "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80}]},
    },
    {
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "elsewhere"},
        "spec": {"type": "ExternalName", "externalName": "WWW.example.com."},
    },
    {
        "kind": "Service",
        "metadata": {"namespace": "kube-system", "name": "kube-dns"},
        "spec": {"clusterIP": "10.0.0.10", "ports": [{"name": "dns", "port": 53}]},
    },
]
CLUSTER = "svc.cluster.local"


@pytest.fixture
def zone() -> ClusterZone:
    zone = ClusterZone(serial=7)
    for name in ("default", "kube-system", "empty"):
        zone.set_namespace(name, exists=True)
    for obj in OBJECTS:
        key = obj["metadata"]["namespace"], obj["metadata"]["name"]
        if obj["kind"] == "Service":
            zone.set_service(key, service_of(obj))
        else:
            zone.set_slice(key, endpoint_slice_of(obj))
    return zone


def data(records: tuple[Record, ...]) -> list[object]:
    return [record.data for record in records]


@pytest.mark.parametrize(
    ("name", "qtype", "found"),
    [
        (f"kubernetes.default.{CLUSTER}", Type.A, ["10.0.0.1"]),
        (f"kubernetes.default.{CLUSTER}", Type.AAAA, ["fd00:10::1"]),
        (
            f"_https._tcp.kubernetes.default.{CLUSTER}",
            Type.SRV,
            [Srv(0, 100, 443, f"kubernetes.default.{CLUSTER}")],
        ),
        (
            f"kubernetes.default.{CLUSTER}",
            Type.SRV,
            [
                Srv(0, 50, 443, f"kubernetes.default.{CLUSTER}"),
                Srv(0, 50, 53, f"kubernetes.default.{CLUSTER}"),
            ],
        ),
        ("1.0.0.10.in-addr.arpa", Type.PTR, [f"kubernetes.default.{CLUSTER}"]),
        (
            "1.0.0.0." + "0." * 20 + "0.1.0.0.0.d.f.ip6.arpa",
            Type.PTR,
            None,
        ),
        (f"pets.default.{CLUSTER}", Type.A, ["10.244.1.2", "10.244.2.2"]),
        (f"my-pet.pets.default.{CLUSTER}", Type.A, ["10.244.1.2"]),
        (f"10-244-2-2.pets.default.{CLUSTER}", Type.A, ["10.244.2.2"]),
        (
            f"_http._tcp.pets.default.{CLUSTER}",
            Type.SRV,
            [
                Srv(0, 50, 8080, f"my-pet.pets.default.{CLUSTER}"),
                Srv(0, 50, 8080, f"10-244-2-2.pets.default.{CLUSTER}"),
            ],
        ),
        ("2.1.244.10.in-addr.arpa", Type.PTR, [f"my-pet.pets.default.{CLUSTER}"]),
        (f"elsewhere.default.{CLUSTER}", Type.CNAME, ["www.example.com"]),
        (f"elsewhere.default.{CLUSTER}", Type.A, ["www.example.com"]),
        ("10-244-9-9.default.pod.cluster.local", Type.A, ["10.244.9.9"]),
        ("fd00--2.default.pod.cluster.local", Type.AAAA, ["fd00::2"]),
        ("dns-version.cluster.local", Type.TXT, ["1.1.0"]),
        ("cluster.local", Type.NS, ["ns.dns.cluster.local"]),
        ("ns.dns.cluster.local", Type.A, ["10.0.0.10"]),
    ],
)
def test_a_name_has_the_records_of_the_specification(
    zone: ClusterZone, name: str, qtype: Type, found: list[object] | None
):
    answer = zone.answer(name, qtype)
    if found is None:
        assert answer is None
    else:
        assert answer is not None
        assert answer.rcode is Rcode.NOERROR
        assert data(answer.answers) == found


@pytest.mark.parametrize(
    ("name", "qtype"),
    [
        pytest.param(f"unnamed.default.{CLUSTER}", Type.AAAA, id="no address of the family"),
        pytest.param(f"kubernetes.default.{CLUSTER}", Type.TXT, id="another type"),
        pytest.param(f"kubernetes.default.{CLUSTER}", 65, id="a type that nobody has"),
        pytest.param(f"_tcp.kubernetes.default.{CLUSTER}", Type.SRV, id="between two names"),
        pytest.param(
            f"_https._tcp.kubernetes.default.{CLUSTER}", Type.A, id="a port has no address"
        ),
        pytest.param(f"default.{CLUSTER}", Type.A, id="a namespace"),
        pytest.param(f"empty.{CLUSTER}", Type.A, id="a namespace with nothing in it"),
        pytest.param("default.pod.cluster.local", Type.A, id="a namespace's pods"),
        pytest.param(CLUSTER, Type.A, id="all Services"),
        pytest.param("cluster.local", Type.A, id="the zone itself"),
        pytest.param("10-244-9-9.default.pod.cluster.local", Type.AAAA, id="a pod's other family"),
        pytest.param("1.0.0.10.in-addr.arpa", Type.A, id="a reverse name has no address"),
    ],
)
def test_a_name_that_exists_has_no_data_of_another_type(zone: ClusterZone, name: str, qtype: int):
    answer = zone.answer(name, qtype)
    assert answer is not None
    assert (answer.rcode, answer.answers) == (Rcode.NOERROR, ())
    (soa,) = answer.authority
    assert (soa.name, soa.type) == ("cluster.local", Type.SOA)
    assert isinstance(soa.data, Soa)
    assert soa.data.minimum == soa.ttl == 30


@pytest.mark.parametrize(
    "name",
    [
        f"no-such.default.{CLUSTER}",
        f"kubernetes.no-such.{CLUSTER}",
        f"no-such.{CLUSTER}",
        f"nobody.default.{CLUSTER}",
        f"_http._tcp.kubernetes.default.{CLUSTER}",
        f"_https._udp.kubernetes.default.{CLUSTER}",
        f"_._tcp.unnamed.default.{CLUSTER}",
        f"_udp.unnamed.default.{CLUSTER}",
        f"no-such.pets.default.{CLUSTER}",
        f"a.b.c.pets.default.{CLUSTER}",
        f"10-244-3-2.pets.default.{CLUSTER}",
        f"below.elsewhere.default.{CLUSTER}",
        "10-244-9-9.no-such.pod.cluster.local",
        "web.default.pod.cluster.local",
        "300-1-1-1.default.pod.cluster.local",
        "www.cluster.local",
        "default.svc.svc.cluster.local",
    ],
)
def test_what_is_not_there_does_not_exist(zone: ClusterZone, name: str):
    answer = zone.answer(name, Type.A)
    assert answer is not None
    assert (answer.rcode, answer.answers) == (Rcode.NXDOMAIN, ())
    assert [record.type for record in answer.authority] == [Type.SOA]


@pytest.mark.parametrize(
    "name", ["www.example.com", "local", "", "9.9.244.10.in-addr.arpa", "xcluster.local"]
)
def test_what_is_not_the_clusters_is_anothers_to_say(zone: ClusterZone, name: str):
    assert zone.answer(name, Type.A) is None


def test_srv_records_bring_the_addresses_of_their_targets(zone: ClusterZone):
    answer = zone.answer(f"_https._tcp.kubernetes.default.{CLUSTER}", Type.SRV)
    assert answer is not None
    assert data(answer.additional) == ["10.0.0.1", "fd00:10::1"]


def test_an_endpoint_that_becomes_ready_gets_its_names(zone: ClusterZone):
    before = zone.version
    piece = OBJECTS[3] | {"endpoints": [{"addresses": ["10.244.3.2"]}]}
    zone.set_slice(("default", "pets-1"), endpoint_slice_of(piece))
    answer = zone.answer(f"pets.default.{CLUSTER}", Type.A)
    assert answer is not None
    assert data(answer.answers) == ["10.244.3.2"]
    assert zone.answer("2.1.244.10.in-addr.arpa", Type.PTR) is None
    assert zone.answer("2.3.244.10.in-addr.arpa", Type.PTR) is not None
    assert zone.version != before


def test_a_service_that_is_gone_leaves_no_name(zone: ClusterZone):
    zone.set_service(("default", "kubernetes"), None)
    answer = zone.answer(f"kubernetes.default.{CLUSTER}", Type.A)
    assert answer is not None
    assert answer.rcode is Rcode.NXDOMAIN
    assert zone.answer("1.0.0.10.in-addr.arpa", Type.PTR) is None


def test_a_slice_may_come_before_its_service(zone: ClusterZone):
    zone.set_slice(
        ("default", "early-1"),
        endpoint_slice_of(
            {
                "metadata": {
                    "namespace": "default",
                    "name": "early-1",
                    "labels": {"kubernetes.io/service-name": "early"},
                },
                "addressType": "IPv4",
                "ports": [],
                "endpoints": [{"addresses": ["10.244.1.9"]}],
            }
        ),
    )
    early = {"metadata": {"namespace": "default", "name": "early"}, "spec": {"clusterIP": "None"}}
    zone.set_service(("default", "early"), service_of(early))
    answer = zone.answer(f"early.default.{CLUSTER}", Type.A)
    assert answer is not None
    assert data(answer.answers) == ["10.244.1.9"]
    assert zone.answer("9.1.244.10.in-addr.arpa", Type.PTR) is not None
