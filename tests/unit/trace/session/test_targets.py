"""What a trace's URL means in a lab."""

from ipaddress import ip_address

import pytest

from netlab.errors import LabError, SpecError
from netlab.kube.kinds.service.view import service_of
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.trace.session.targets import Names, Target, find_caller, find_target, with_payload


def host(name: str, *addresses: str) -> Host:
    return Host(
        name=name,
        kind=HostKind.NODE,
        netns=NetnsName(f"netlab-x-{name}"),
        addresses=tuple(map(ip_address, addresses)),
    )


HOSTS = (
    host("node1", "10.240.0.3", "fd00:10:240::3", "10.244.1.1", "fd00:10:244:1::1"),
    host("web-abc", "10.244.1.2", "fd00:10:244:1::2"),
    host("web-xyz", "10.244.2.2"),
)
SERVICES = [
    {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "clusterIP": "10.0.0.5",
            "clusterIPs": ["10.0.0.5", "fd00:10:96::5"],
            "ports": [{"port": 81}],
        },
    },
    {
        "metadata": {"name": "api", "namespace": "prod"},
        "spec": {"clusterIP": "10.0.0.6", "ports": [{"port": 1}, {"port": 2}]},
    },
    {
        "metadata": {"name": "alias", "namespace": "default"},
        "spec": {"type": "ExternalName", "externalName": "db.example.org"},
    },
    {"metadata": {"name": "peers", "namespace": "default"}, "spec": {"clusterIP": "None"}},
]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("alias", "an ExternalName Service, a DNS alias for db.example.org: kube-proxy has no"),
        ("peers", "peers is headless: DNS gives its pods' addresses"),
    ],
)
def test_a_service_that_is_a_name_of_dns_alone_says_so(name: str, said: str):
    with pytest.raises(LabError, match=said):
        find(f"http://{name}")


def find(text: str, family: Family | None = None) -> Target:
    names = Names(hosts=HOSTS, services=[*map(service_of, SERVICES)], asker="client", family=family)
    return find_target(text, names)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("http://node1", "10.240.0.3:80", id="a node and the port of its scheme"),
        pytest.param("node1:30080", "10.240.0.3:30080", id="http when there is no scheme"),
        pytest.param("tcp://web", "10.0.0.5:81", id="a Service and its one port"),
        pytest.param("http://api.prod:2", "10.0.0.6:2", id="a Service of a namespace"),
        pytest.param("http://web.default.svc.cluster.local", "10.0.0.5:80", id="a full name"),
        pytest.param("svc/web", "10.0.0.5:80", id="a Service as traces call it"),
        pytest.param("tcp://svc/prod/api:2", "10.0.0.6:2", id="the same of a namespace"),
        pytest.param("udp://192.0.2.7:53", "192.0.2.7:53", id="an address"),
        pytest.param("http://[fd00::7]:81/x", "[fd00::7]:81", id="an IPv6 address"),
        pytest.param("tcp://[fd00::7]:81", "[fd00::7]:81", id="an IPv6 address and a scheme"),
        pytest.param("icmp://node1", "10.240.0.3:0", id="no port for icmp"),
        pytest.param("http://web-abc:8080", "10.244.1.2:8080", id="a pod"),
        pytest.param("http://web-x:8080", "10.244.2.2:8080", id="the beginning of a pod's name"),
    ],
)
def test_a_target_is_found(text: str, address: str):
    assert str(find(text).address) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("ftp://node1", "http://", id="another scheme"),
        pytest.param("http://", "is no target", id="no host"),
        pytest.param("http://node1:99999", "Port out of range", id="a port too high"),
        pytest.param("http://[::1", "Invalid IPv6 URL", id="a bracket that is not closed"),
        pytest.param("tcp://node1", "names no port", id="no port"),
        pytest.param("tcp://api.prod", "names no port", id="a Service with two ports"),
    ],
)
def test_what_is_no_target_is_refused(text: str, said: str):
    with pytest.raises(SpecError, match=said):
        find(text)


def test_a_name_nobody_has_says_who_was_asked_and_what_is_near():
    with pytest.raises(LabError, match="client asked for node11, and neither a host") as failure:
        find("http://node11")
    assert "node1" in failure.value.hint


def test_services_are_near_names_too():
    with pytest.raises(LabError) as failure:
        find("http://ap.prod")
    assert failure.value.hint == "did you mean api.prod?"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("http://node1", "[fd00:10:240::3]:80", id="a node's own, not its gateway's"),
        pytest.param("tcp://web", "[fd00:10:96::5]:81", id="a Service's second ClusterIP"),
        pytest.param("tcp://svc/web", "[fd00:10:96::5]:81", id="the same by its short name"),
        pytest.param("http://web-a:8080", "[fd00:10:244:1::2]:8080", id="a pod"),
        pytest.param("http://[fd00::7]:81", "[fd00::7]:81", id="an address of it"),
    ],
)
def test_a_family_chooses_among_the_addresses_of_a_name(text: str, address: str):
    assert str(find(text, Family.IPV6).address) == address


@pytest.mark.parametrize(
    ("text", "has"),
    [("http://web-xyz", "10.244.2.2"), ("http://api.prod:1", "10.0.0.6"), ("10.0.0.9", "10.0.0.9")],
)
def test_what_has_no_address_of_the_family_says_what_it_has(text: str, has: str):
    with pytest.raises(LabError, match="has no IPv6 address") as failure:
        find(text, Family.IPV6)
    assert failure.value.hint == f"it has {has}"


@pytest.mark.parametrize(
    ("text", "protocol"),
    [
        ("icmp://10.240.0.3", "icmp"),
        ("icmp://[fd00:10:240::3]", "icmpv6"),
        ("https://[fd00:10:240::3]", "tcp"),
    ],
)
def test_a_ping_of_ipv6_has_a_protocol_of_its_own(text: str, protocol: str):
    assert find(text).protocol == protocol


def test_a_size_is_for_datagrams():
    target = find("udp://node1:53")

    assert with_payload(target, 3000).payload == 3000
    with pytest.raises(SpecError, match="--size is for udp:// and icmp://"):
        with_payload(find("tcp://node1:53"), 3000)


def test_a_caller_may_be_called_by_the_beginning_of_its_name():
    assert find_caller("web-a", "x", HOSTS).name == "web-abc"


@pytest.mark.parametrize(
    ("name", "said"),
    [("web", "web fits 2 hosts"), ("nodel", "has no host nodel"), ("", "has no host ''")],
)
def test_an_unclear_caller_is_refused_with_the_near_ones(name: str, said: str):
    with pytest.raises(LabError, match=said) as failure:
        find_caller(name, "x", HOSTS)
    assert failure.value.hint.startswith("did you mean ")
