"""Names fit the kernel's limits, and no two things share one."""

import re
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from netlab.model.names import (
    FILE_NAME_BYTES,
    IFNAME_BYTES,
    ROUTER,
    host_netns,
    lab_prefix,
    mac_address,
    pod_ifname,
    pod_netns,
    port_ifname,
)

LABS = st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True)
LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
PODS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?(\.[a-z0-9]{1,8})?", fullmatch=True)
LONG = st.integers(230, 253).map(lambda size: ("pod-" * 64)[: size - 1] + "x")
NEAR = st.sampled_from(["web", "default", "eth", "0", "a.b", "a", "b", "web-1", "w" * 15, "p"])
NAMES = st.tuples(LABELS | NEAR.filter(lambda name: "." not in name), PODS | NEAR | LONG)
OWN = frozenset({"lo", "eth0", "cni0", "cloud0", "internet0"})


@given(st.lists(NAMES, unique=True, min_size=2, max_size=6))
def test_pods_of_a_node_have_interfaces_of_their_own(pods: list[tuple[str, str]]):
    names = [pod_ifname(*pod) for pod in pods]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= IFNAME_BYTES for name in names)
    assert not OWN & set(names)


@given(st.lists(LABELS, unique=True, min_size=2, max_size=6))
def test_hosts_have_ports_of_their_own(hosts: list[str]):
    names = [port_ifname(host) for host in hosts]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= IFNAME_BYTES for name in names)
    assert not OWN & set(names)


@given(LABELS, NAMES)
def test_a_short_name_can_be_read_in_the_interface(host: str, pod: tuple[str, str]):
    if len(host) <= 13:
        assert port_ifname(host) == f"p-{host}"
    if len(pod[1]) <= 10 and "." not in pod[1]:
        assert pod_ifname("default", pod[1]) == f"veth-{pod[1]}"


@given(LABS, st.lists(NAMES, unique=True, min_size=2, max_size=5), LABELS)
def test_no_two_hosts_of_a_lab_share_a_namespace(lab: str, pods: list[tuple[str, str]], host: str):
    assume(host != ROUTER)
    names = [host_netns(lab, host), host_netns(lab, ROUTER)]
    names += [pod_netns(lab, *pod) for pod in pods]
    assert len(set(names)) == len(names)
    assert not any("/" in name for name in names)
    assert all(len(name.encode()) <= FILE_NAME_BYTES for name in names)


@given(st.lists(LABS, unique=True, min_size=2, max_size=4), LABELS, NAMES)
def test_no_lab_takes_a_namespace_of_another(labs: list[str], host: str, pod: tuple[str, str]):
    for one, two in combinations(labs, 2):
        for name in (host_netns(one, host), pod_netns(one, *pod)):
            assert name.startswith(lab_prefix(one))
            assert not name.startswith(lab_prefix(two))


@given(LABELS, LABELS)
def test_mac_addresses_are_local_unicast_and_stay_the_same(netns: str, ifname: str):
    mac = mac_address(netns, ifname)
    assert re.fullmatch(r"02(:[0-9a-f]{2}){5}", mac)
    assert mac == mac_address(netns, ifname)


@given(LABS, LABELS, st.from_regex(r"[a-z0-9]{140,151}", fullmatch=True))
def test_the_name_of_a_namespace_is_a_file_name(lab: str, namespace: str, pod: str):
    assert len(pod_netns(lab, namespace, pod).encode()) <= 255
