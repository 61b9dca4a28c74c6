"""kube-proxy's nftables tables in a real kernel: they load, hold, and send packets where they say.

::

    near (pods) ──┐
    outside ──────┼── node ── far (endpoints)
"""

import contextlib
import json
import secrets
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from netlab.kernel import netns
from netlab.kernel.nftables import Holdings, load, read_holdings, save
from netlab.model.names import NetnsName
from netlab.model.packets import Family
from netlab.model.services import SERVICE_NAME_LABEL, ProxyNode, endpoint_slice_of, service_of
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.nftables.compile import compile_table
from netlab.proxy.nftables.render import render
from netlab.proxy.nftables.sync import full_sync, partial_sync, removal_text
from netlab.proxy.nftables.table import Table, ip

pytestmark = pytest.mark.kernel

Facts = dict[str, Any]

FACTS = json.loads(
    (Path(__file__).parents[1] / "golden/proxy/kube-proxy-facts.json").read_text("utf-8")
)
TIMEOUT_S = 0.3
TRIES = 40
"""Of two endpoints one is missed so often once in 2**39 runs."""
GATEWAYS = {
    Family.IPV4: {"near": "100.64.1.1", "far": "100.64.2.1", "outside": "100.64.3.1"},
    Family.IPV6: {"near": "fd64:1::1", "far": "fd64:2::1", "outside": "fd64:3::1"},
}
KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}
QUIET = {
    "flow-006", "flow-021", "flow-022", "flow-039", "flow-040",
    "flow-060", "flow-071", "flow-132", "flow-142", "flow-152",
}  # fmt: skip
"""Flows that no endpoint gets in this mode; tests/unit/proxy/nftables/test_flows.py says why."""
REJECTED = {"flow-021", "flow-022"}


class World:
    """A node between three networks, and sockets in each."""

    def __init__(self, family: Family, local: list[str]) -> None:
        self.family = family
        self.local = [address for address in local if family.holds(ip_address(address))]
        token = secrets.token_hex(3)
        self.names = {
            place: NetnsName(f"nft-{token}-{place}") for place in ("node", "near", "far", "outside")
        }
        self.node = self.names["node"]
        self.servers: dict[int, tuple[str, socket.socket]] = {}

    def build(self) -> None:
        for name in self.names.values():
            netns.create(name)
            self._settle(name)
        for place in GATEWAYS[self.family]:
            self._wire(place)
        self._ip("node", "route", "replace", "default", "dev", "outside")
        for address in self.local:
            if not ip_address(address).is_loopback:
                self._ip("node", "addr", "replace", address, "dev", "lo")

    def remove(self) -> None:
        for _, server in self.servers.values():
            server.close()
        for name in self.names.values():
            netns.delete(name)

    def put(self, place: str, address: str) -> None:
        """Give ``place`` an address, and the node the way to it."""
        self._ip(place, "addr", "replace", address, "dev", "node", *self._nodad())
        self._ip("node", "route", "replace", address, "dev", place)

    def serve(self, protocol: str, endpoint: str) -> None:
        """Listen on an endpoint's address and port."""
        host, _, port = endpoint.rpartition(":")
        host = host.strip("[]")
        self.put("far", host)
        server = self._socket("far", protocol, host, int(port))
        if protocol == "TCP":
            server.listen(64)
        self.servers[server.fileno()] = (endpoint, server)

    def call(self, place: str, protocol: str, source: str, to: tuple[str, int]):
        """Return the verdict on one packet, who got it, and the source that one saw."""
        with contextlib.closing(self._socket(place, protocol, source, 0)) as client:
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

    def _socket(self, place: str, protocol: str, host: str, port: int):
        kind = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
        with netns.inside(self.names[place]):
            made = socket.socket(kind, KINDS[protocol])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        return made

    def _wire(self, place: str) -> None:
        gateway = GATEWAYS[self.family][place]
        node, name = self.node, self.names[place]
        self._run(
            "ip", "-n", node, "link", "add", place,
            "type", "veth", "peer", "name", "node", "netns", name,
        )  # fmt: skip
        for at, link in (("node", place), (place, "node")):
            self._ip(at, "link", "set", link, "up")
        self._ip("node", "addr", "add", gateway, "dev", place, *self._nodad())
        self._ip(place, "route", "add", gateway, "dev", "node")
        self._ip(place, "route", "add", "default", "via", gateway, "onlink", "dev", "node")

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

    def _ip(self, place: str, *argv: str) -> None:
        self._run(
            "ip", "-6" if self.family is Family.IPV6 else "-4", "-n", self.names[place], *argv
        )

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


def table_of(case: Facts) -> Table:
    config = case["config"]
    family = Family(config["ipFamily"])
    services, slices = [], []
    for entry in case["services"]:
        ingress = [{"ip": ip} for ip in entry["loadBalancerIngressIPs"]]
        status = {"loadBalancer": {"ingress": ingress}}
        services.append(service_of({"metadata": entry, "spec": entry, "status": status}))
        for number, endpoint in enumerate(entry["endpoints"]):
            metadata = {
                "namespace": entry["namespace"],
                "name": f"{entry['name']}-{number}",
                "labels": {SERVICE_NAME_LABEL: entry["name"]},
            }
            one = {"addresses": [endpoint["ip"]], "nodeName": endpoint["node"]}
            slices.append(
                endpoint_slice_of(
                    {
                        "metadata": metadata,
                        "addressType": family,
                        "ports": endpoint["ports"],
                        "endpoints": [{**one, "conditions": endpoint}],
                    }
                )
            )
    own = dict.fromkeys(ip_address(ip) for ip in (config["nodeIP"], *config["localIPs"]))
    node = ProxyNode(name=config["node"], addresses=tuple(ip for ip in own if not ip.is_loopback))
    configuration = ProxyConfiguration(
        cluster_cidrs=(ip_network(config["clusterCIDR"]), ip_network(config["clusterCIDRv6"])),
        masquerade_all=config["masqueradeAll"],
        node_port_addresses=tuple(ip_network(cidr) for cidr in config["nodePortAddresses"]),
    )
    return compile_table(node, services, slices, configuration, family)


def holdings_of(table: Table) -> Holdings:
    return Holdings(
        chains=frozenset(chain.name for chain in table.chains),
        sets=frozenset(named.name for named in table.sets),
    )


def hold(world: World, text: str) -> None:
    assert load({world.node: text}) == {}


def held(world: World) -> Holdings:
    return read_holdings([world.node], ip(world.family), "kube-proxy")[world.node]


def place_of(world: World, case: Facts, flow: Facts) -> str:
    source = ip_address(flow["sourceIP"])
    config = case["config"]
    cidr = config["clusterCIDR" if world.family is Family.IPV4 else "clusterCIDRv6"]
    if str(source) in world.local:
        return "node"
    if any(f"{source}:" in endpoint for endpoint, _ in world.servers.values()):
        return "far"
    return "near" if source in ip_network(cidr) else "outside"


def observe(world: World, case: Facts, flow: Facts):
    """Return what became of a flow: verdict, endpoints and whether it was masqueraded."""
    place, source = place_of(world, case, flow), flow["sourceIP"]
    if place in {"near", "outside"}:
        world.put(place, source)
    gateways = set(GATEWAYS[world.family].values())
    verdicts, endpoints, sources = set(), set(), set()
    for _ in range(TRIES if len(flow["endpoints"]) > 1 else 1):
        to = flow["destIP"], flow["destPort"]
        verdict, endpoint, seen = world.call(place, flow["protocol"], source, to)
        verdicts.add(verdict)
        endpoints |= {endpoint} - {""}
        sources |= {seen} - {""}
        if endpoints == set(flow["endpoints"]):
            break
    assert sources <= gateways | {source}
    (verdict,) = verdicts
    return verdict, endpoints, bool(sources & gateways)


def expected(flow: Facts):
    if flow["id"] in QUIET or flow["verdict"] == "NONE":
        return ("REJECT" if flow["id"] in REJECTED else "NONE"), set(), False
    return flow["verdict"], set(flow["endpoints"]), flow["masquerade"]


@pytest.mark.parametrize("case", FACTS["cases"], ids=lambda case: case["name"])
def test_packets_go_where_kube_proxy_sends_them(build: Callable[..., World], case: Facts):
    config = case["config"]
    world = build(Family(config["ipFamily"]), tuple(config["localIPs"]))
    # This kernel may lack SCTP; its text is loaded all the same.
    flows = [flow for flow in case["flows"] if flow["protocol"] in KINDS]
    for protocol, endpoint in {
        (flow["protocol"], endpoint) for flow in flows for endpoint in flow["endpoints"]
    }:
        world.serve(protocol, endpoint)
    table = table_of(case)
    hold(world, render(table))
    hold(world, render(table))

    assert held(world) == holdings_of(table)
    found = {flow["id"]: (flow["name"], *observe(world, case, flow)) for flow in flows}
    wanted = {flow["id"]: (flow["name"], *expected(flow)) for flow in flows}
    for flow_id, (name, verdict, *rest) in wanted.items():
        if verdict == "NONE":
            # The routes decide: the packet may be refused by whoever gets it, or be lost.
            assert found[flow_id][1] in {"REJECT", "DROP"}
            found[flow_id] = (name, verdict, *found[flow_id][2:])
        wanted[flow_id] = (name, verdict, *rest)
    assert found == wanted


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
        assert held(world) == holdings_of(have)
        verdicts.append(ask(world)[0])
    reached, alone, rejected, own, none_local, *again = verdicts
    assert (reached, alone, rejected) == ("ENDPOINTS", "ENDPOINTS", "REJECT")
    assert (own, none_local, again) == ("ENDPOINTS", "ENDPOINTS", ["ENDPOINTS", "ENDPOINTS"])
    # The kernel lists in the order of making; what it lists must be the same.
    before = sorted(save([world.node])[world.node].splitlines())
    hold(world, removal_text(Family.IPV4) + render(web()))
    assert held(world) == holdings_of(web())
    assert sorted(save([world.node])[world.node].splitlines()) == before


def test_a_full_sync_removes_what_it_did_not_lay(world: World):
    hold(world, render(web(sessionAffinity="ClientIP")))
    names = held(world)
    want = web(ENDPOINTS[:1])
    change = full_sync(want, names.chains, names.sets)
    hold(world, change.text)
    hold(world, partial_sync(want, change.holds).text)
    assert held(world) == holdings_of(want)


def test_a_refused_text_changes_nothing_and_says_where(world: World):
    hold(world, render(web()))
    before = save([world.node])
    bad = render(web(ENDPOINTS[:1])) + "add rule ip kube-proxy services goto nowhere\n"
    reasons = load({world.node: bad})
    assert "goto nowhere" in reasons[world.node]
    assert save([world.node]) == before


def test_the_table_goes_whether_it_was_there_or_not(world: World):
    for _ in range(2):
        hold(world, removal_text(Family.IPV4))
        assert held(world) == Holdings()
    hold(world, render(web()))
    hold(world, removal_text(Family.IPV4))
    assert held(world) == Holdings()
    assert "kube-proxy" not in save([world.node])[world.node]
