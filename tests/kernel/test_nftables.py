"""kube-proxy's nftables tables in a real kernel: they load, hold, and send packets where they say.

::

    near (pods) ──┐
    outside ──────┼── node ── far (endpoints)
"""

import contextlib
import secrets
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.linux import netns
from netlab.linux.nft import list_table, load, save
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.render import render
from netlab.netfilter.nftables.sync import (
    full_sync,
    partial_sync,
    removal_text,
    waiting_chains,
    without,
)
from netlab.netfilter.nftables.table import TABLE, Table

pytestmark = pytest.mark.kernel

TIMEOUT_S = 0.3
GATEWAYS = {
    Family.IPV4: {"near": "100.64.1.1", "far": "100.64.2.1", "outside": "100.64.3.1"},
    Family.IPV6: {"near": "fd64:1::1", "far": "fd64:2::1", "outside": "fd64:3::1"},
}
KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


class World:
    """A node between three networks, and sockets in each."""

    def __init__(self, family: Family, local: list[str]) -> None:
        self.family = family
        self.local = [address for address in local if family.holds(ip_address(address))]
        token = secrets.token_hex(3)
        self.names = {
            key: NetnsName(f"nft-{token}-{key}") for key in ("node", "near", "far", "outside")
        }
        self.node = self.names["node"]
        self.servers: dict[int, tuple[str, socket.socket]] = {}

    def build(self) -> None:
        for name in self.names.values():
            netns.create(name)
            self._settle(name)
        for key in GATEWAYS[self.family]:
            self._wire(key)
        self._ip("node", "route", "replace", "default", "dev", "outside")
        for address in self.local:
            if not ip_address(address).is_loopback:
                self._ip("node", "addr", "replace", address, "dev", "lo")

    def remove(self) -> None:
        for _, server in self.servers.values():
            server.close()
        for name in self.names.values():
            netns.delete(name)

    def put(self, key: str, address: str) -> None:
        """Give ``ruleset`` an address, and the node the way to it."""
        self._ip(key, "addr", "replace", address, "dev", "node", *self._nodad())
        self._ip("node", "route", "replace", address, "dev", key)

    def serve(self, protocol: str, endpoint: str) -> None:
        """Listen on an endpoint's address and port."""
        host, _, port = endpoint.rpartition(":")
        host = host.strip("[]")
        self.put("far", host)
        server = self._socket("far", protocol, host, int(port))
        if protocol == "TCP":
            server.listen(64)
        self.servers[server.fileno()] = (endpoint, server)

    def call(self, key: str, protocol: str, source: str, to: tuple[str, int]):
        """Return the verdict on one packet, who got it, and the source that one saw."""
        with contextlib.closing(self._socket(key, protocol, source, 0)) as client:
            client.settimeout(TIMEOUT_S)
            try:
                client.connect(to)
                if protocol == "UDP":
                    client.send(b"?")
                    return self._receive(client)
            except ConnectionRefusedError:
                return "REJECT", "", ""
            except TimeoutError:
                return "DROP", "", ""
            return self._receive(client)

    def _receive(self, client: socket.socket):
        ready = select.select([*self.servers, client.fileno()], [], [], TIMEOUT_S)[0]
        for endpoint, server in (self.servers[fd] for fd in ready if fd in self.servers):
            if server.type == socket.SOCK_DGRAM:
                return "ENDPOINTS", endpoint, server.recvfrom(16)[1][0]
            accepted, peer = server.accept()
            accepted.close()
            return "ENDPOINTS", endpoint, peer[0]
        if ready:
            client.recv(16)
        return "DROP", "", ""

    def _socket(self, key: str, protocol: str, host: str, port: int):
        kind = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
        with netns.inside(self.names[key]):
            made = socket.socket(kind, KINDS[protocol])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        return made

    def _wire(self, key: str) -> None:
        gateway = GATEWAYS[self.family][key]
        node, name = self.node, self.names[key]
        self._run(
            "ip", "-n", node, "link", "add", key,
            "type", "veth", "peer", "name", "node", "netns", name,
        )  # fmt: skip
        for at, link in (("node", key), (key, "node")):
            self._ip(at, "link", "set", link, "up")
        self._ip("node", "addr", "add", gateway, "dev", key, *self._nodad())
        self._ip(key, "route", "add", gateway, "dev", "node")
        self._ip(key, "route", "add", "default", "via", gateway, "onlink", "dev", "node")

    def _settle(self, name: NetnsName) -> None:
        self._run("ip", "-n", name, "link", "set", "lo", "up")
        forward = int(name == self.node)
        settings = (
            f"net.ipv4.ip_forward={forward}",
            f"net.ipv6.conf.all.forwarding={forward}",
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0",
            # Addresses are of use at once.
            "net.ipv6.conf.default.accept_dad=0",
            "net.ipv6.conf.default.dad_transmits=0",
            # Many refusals a second go to one sender here.
            "net.ipv4.icmp_ratemask=0",
            "net.ipv4.icmp_msgs_per_sec=100000",
            "net.ipv6.icmp.ratelimit=0",
        )
        for setting in settings:
            path, _, value = setting.partition("=")
            with netns.inside(name), contextlib.suppress(FileNotFoundError, PermissionError):
                Path("/proc/sys", *path.split(".")).write_text(value)

    def _nodad(self) -> tuple[str, ...]:
        return ("nodad",) if self.family is Family.IPV6 else ()

    def _ip(self, key: str, *argv: str) -> None:
        self._run("ip", "-6" if self.family is Family.IPV6 else "-4", "-n", self.names[key], *argv)

    def _run(self, *argv: str) -> None:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (argv, done.stderr)


@pytest.fixture
def build() -> Iterator[Callable[..., World]]:
    """Return a builder of worlds, which go with the test."""
    worlds: list[World] = []

    def make(family: Family = Family.IPV4, local: tuple[str, ...] = ("192.168.0.2",)) -> World:
        world = World(family, list(local))
        worlds.append(world)
        world.build()
        return world

    yield make
    for world in worlds:
        world.remove()


def names_of(table: Table) -> set[str]:
    return {one.name for one in (*table.chains, *table.sets)}


def refusal(world: World, text: str) -> str:
    key = NetnsFamily(world.node, world.family)
    return load({key: text}).get(key, "")


def hold(world: World, text: str) -> None:
    assert refusal(world, text) == ""


def held(world: World) -> Table:
    """Return the table in the kernel; one without a name when there is none."""
    listing = list_table([world.node], world.family, TABLE)[world.node]
    return parse_listing(listing).table if listing else Table(family=world.family)


POD, OUTSIDER = "10.244.1.9", "198.51.100.79"
ENDPOINTS = ("10.244.1.2:8080", "10.244.2.2:8080")
CLUSTER_IP, VIP = "10.0.0.80", "203.0.113.10"


def web(pods: tuple[str, ...] = ENDPOINTS, family: Family = Family.IPV4, **spec: object):
    """Compile for a node with one Service and endpoints, the first of them its own."""
    defaults = {"clusterIP": CLUSTER_IP, "ports": [{"port": 80, "targetPort": 8080}]}
    status = {"loadBalancer": {"ingress": [{"ip": VIP}]}}
    service = {"metadata": {"name": "web"}, "spec": {**defaults, **spec}, "status": status}
    piece = {
        "metadata": {"name": "web-x", "labels": {SERVICE_NAME_LABEL: "web"}},
        "ports": [{"port": 8080}],
        "endpoints": [
            {"addresses": [pod.partition(":")[0]], "nodeName": f"node{number}"}
            for number, pod in enumerate(pods, 1)
        ],
    }
    return compile_table(
        ProxyNode(name="node1", addresses=(ip_address("192.168.0.2"),)),
        [service_of(service)],
        [endpoint_slice_of(piece)],
        ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),)),
        family,
        [ip_network("10.0.0.0/16")],
    )


@pytest.fixture
def world(build: Callable[..., World]) -> World:
    made = build()
    for endpoint in ENDPOINTS:
        made.serve("TCP", endpoint)
    made.put("near", POD)
    made.put("outside", OUTSIDER)
    return made


def ask(world: World, source: str = POD, to: tuple[str, int] = (CLUSTER_IP, 80)):
    return world.call("near" if source == POD else "outside", "TCP", source, to)[:2]


def test_a_client_stays_with_its_endpoint_through_reloads(world: World):
    table = web(sessionAffinity="ClientIP")
    hold(world, render(table))
    first = ask(world)
    answers = set()
    for _ in range(6):
        hold(world, render(table))
        answers |= {ask(world), ask(world)}
    assert answers == {first}


def test_source_ranges_keep_others_out(world: World):
    spec = {"type": "LoadBalancer", "loadBalancerSourceRanges": ["198.51.100.0/24"]}
    hold(world, render(web(**spec)))
    assert ask(world, OUTSIDER, (VIP, 80))[0] == "ENDPOINTS"
    assert ask(world, POD, (VIP, 80))[0] == "DROP"


def test_an_unallocated_cluster_ip_is_dropped(world: World):
    hold(world, render(web()))
    assert ask(world, POD, ("10.0.7.7", 80))[0] == "DROP"


def test_changes_one_after_another_lead_where_one_would(world: World):
    steps = [
        web(),
        web(ENDPOINTS[:1]),
        web((), type="LoadBalancer"),
        web(sessionAffinity="ClientIP", internalTrafficPolicy="Local"),
        web(ENDPOINTS[1:], internalTrafficPolicy="Local"),
        web(),
        web(),
    ]
    verdicts = []
    have = full_sync(steps[0]).holds
    hold(world, render(steps[0]))
    for want in steps:
        change = partial_sync(want, have)
        hold(world, change.text)
        have = change.holds
        assert table_differences(have, held(world)) == []
        verdicts.append(ask(world)[0])
    reached, alone, rejected, own, none_local, *again = verdicts
    assert (reached, alone, rejected) == ("ENDPOINTS", "ENDPOINTS", "REJECT")
    assert (own, none_local, again) == ("ENDPOINTS", "ENDPOINTS", ["ENDPOINTS", "ENDPOINTS"])
    # The kernel lists in the order of making; what it lists must be the same.
    before = sorted(save([world.node])[world.node].splitlines())
    hold(world, removal_text(Family.IPV4) + render(web()))
    assert table_differences(web(), held(world)) == []
    assert sorted(save([world.node])[world.node].splitlines()) == before


def test_a_full_sync_removes_what_it_did_not_lay(world: World):
    hold(world, render(web(sessionAffinity="ClientIP")))
    want = web(ENDPOINTS[:1])
    change = full_sync(want, held(world))
    hold(world, change.text)
    assert names_of(held(world)) > names_of(want)
    hold(world, partial_sync(want, change.holds).text)
    assert table_differences(want, held(world)) == []


@pytest.mark.parametrize(
    "deed",
    [
        "flush table ip kube-proxy",
        "flush chain ip kube-proxy services",
        "flush map ip kube-proxy service-ips",
        "delete element ip kube-proxy cluster-ips { 10.0.0.80 }",
        "add element ip kube-proxy service-ips { 10.0.0.80 . udp . 80 : drop }",
        "add rule ip kube-proxy services counter drop",
        "insert rule ip kube-proxy nat-prerouting ip saddr 10.244.1.9 goto mine",
        "add chain ip kube-proxy early { type filter hook input priority -300 ; policy drop ; }",
        "delete chain ip kube-proxy nat-prerouting",
        """delete chain ip kube-proxy nat-prerouting
        add chain ip kube-proxy nat-prerouting { type nat hook prerouting priority -90 ; }""",
        "delete table ip kube-proxy",
        "",
    ],
    ids=[
        "every rule went",
        "one chain was emptied",
        "a map was emptied",
        "a member went",
        "a member came",
        "a rule came",
        "a rule leads to a chain of another's",
        "a base chain of another's came",
        "a base chain went",
        "a base chain is at another place",
        "the table went",
        "nothing happened",
    ],
)
def test_a_full_sync_undoes_what_others_did_and_no_more(world: World, deed: str):
    want = web(sessionAffinity="ClientIP")
    hold(world, render(want))
    stays_with = ask(world)
    mine = "add chain ip kube-proxy mine\nadd rule ip kube-proxy mine drop\n"
    if "mine" in deed:
        hold(world, mine)
    hold(world, f"{deed}\n")
    listing = list_table([world.node], world.family, TABLE)[world.node]
    have = parse_listing(listing).table if listing else None

    change = full_sync(want, have)
    assert bool(change.text) is bool(deed)
    hold(world, change.text)
    now = held(world)
    assert table_differences(change.holds, now) == []
    assert table_differences(want, without(now, waiting_chains(want, now))) == []
    assert full_sync(want, now).text == ""
    found = ask(world)
    assert found[0] == "ENDPOINTS"
    if have is not None:
        assert found == stays_with


def test_a_full_sync_takes_a_set_of_another_kind_out_of_the_way(world: World):
    hold(world, "add table ip kube-proxy\nadd set ip kube-proxy service-ips { type mark ; }\n")
    hold(world, full_sync(web(), held(world)).text)
    assert table_differences(web(), held(world)) == []
    assert ask(world)[0] == "ENDPOINTS"


def test_a_refused_text_changes_nothing_and_says_where(world: World):
    hold(world, render(web()))
    before = save([world.node])
    bad = render(web(ENDPOINTS[:1])) + "add rule ip kube-proxy services goto nowhere\n"
    assert "goto nowhere" in refusal(world, bad)
    assert save([world.node]) == before


def test_the_table_goes_whether_it_was_there_or_not(world: World):
    for _ in range(2):
        hold(world, removal_text(Family.IPV4))
        assert names_of(held(world)) == set()
    hold(world, render(web()))
    hold(world, removal_text(Family.IPV4))
    assert names_of(held(world)) == set()
    assert "kube-proxy" not in save([world.node])[world.node]
