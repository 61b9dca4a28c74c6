"""Manifests that people bring, each with what a cluster makes of it, in real labs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.kernel.conftest import NEEDS_LOOPBACK, SUDO, Lab, wait_for

MANIFESTS = Path(__file__).parents[1] / "manifests"


def path_of(name: str) -> str:
    return str(MANIFESTS / f"{name}.yaml")


def explained(lab: Lab, caller: str, url: str) -> str:
    """Return what a trace of one call says, without its line breaks."""
    return " ".join(lab.run("trace", caller, url, "--timeout", "0.5").stdout.split())


@pytest.fixture(scope="module")
def two_nodes(make_lab: Callable[[], Lab]) -> Lab:
    """Return a lab of two nodes that objects are applied to."""
    lab = make_lab()
    lab.up("two-nodes")
    return lab


def test_two_ports_of_one_number_stay_two_however_often_a_file_is_applied(lab: Lab):
    file = path_of("dns-over-udp-and-tcp")
    lab.up(file)
    replica_sets = lab.get("rs")["items"]
    ports = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")]

    def same() -> None:
        service, (deployment,) = lab.get("svc", "resolver"), lab.get("deploy")["items"]
        assert [
            (one["name"], one["port"], one["protocol"]) for one in service["spec"]["ports"]
        ] == ports
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert [(one["name"], one["protocol"]) for one in container["ports"]] == [
            ("dns", "UDP"),
            ("dns-tcp", "TCP"),
        ]
        assert [one["metadata"]["uid"] for one in lab.get("rs")["items"]] == [
            one["metadata"]["uid"] for one in replica_sets
        ]

    assert "nothing to do" in lab.up(file)
    same()
    applied = lab.run("apply", "-f", file)
    assert applied.stdout.splitlines() == [
        "deployment.apps/resolver unchanged",
        "service/resolver unchanged",
    ]
    same()
    assert "nothing to do" in lab.up(file)


@NEEDS_LOOPBACK
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_finds_unchanged_what_netlab_applied_and_the_other_way_round(lab: Lab):
    file = path_of("dns-over-udp-and-tcp")
    objects = [
        one for one in yaml.safe_load_all(Path(file).read_text()) if one["kind"] != "Topology"
    ]
    text = yaml.safe_dump_all(objects)
    lab.up(file)
    for _ in range(2):
        done = lab.run("kubectl", "apply", "-f", "-", text=text)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            "deployment.apps/resolver unchanged",
            "service/resolver unchanged",
        ]
    assert "nothing to do" in lab.up(file)


def test_a_drop_under_internal_policy_local_is_what_the_rules_promise(lab: Lab):
    assert "is up and answers" in lab.up(path_of("internal-policy-local"))
    told = explained(lab, "node1", "http://agent")
    assert "WHY internalTrafficPolicy Local" in told
    assert f"TRY {SUDO}netlab trace" not in told


def test_a_port_name_that_nobody_has_is_named_by_up_and_by_trace(lab: Lab):
    up = lab.run("up", path_of("named-port-nobody-has"))
    assert (up.returncode, "no container of its pods has a port named web" in up.stderr) == (
        0,
        True,
    )
    assert "no EndpointSlice of it has a port named sql" in up.stderr
    shop, db = (explained(lab, "node1", url) for url in ("http://shop", "tcp://db:5432"))
    assert "WHY no container of its pods has a port named web, so Service default/shop" in shop
    assert "WHY no EndpointSlice of it has a port named sql, so Service default/db:sql" in db
    assert lab.run("up", path_of("named-port-nobody-has"), "--wait", "all").returncode == 5


def test_a_pod_on_its_nodes_network_listens_on_the_nodes_address(lab: Lab):
    assert "is up and answers" in lab.up(path_of("host-network"))
    assert ":8080 " in lab.inside("node1", "ss", "-ltn").stdout
    for node in ("10.240.0.3", "10.240.0.4"):
        assert "server_version" in lab.fetch("client", f"http://{node}:30171")


def test_a_port_that_a_service_has_not_is_said_to_be_none(lab: Lab):
    assert "is up and answers" in lab.up(path_of("port-nobody-serves"))
    port, protocol = (
        explained(lab, "node1", url) for url in ("http://hosts:8080", "tcp://names:53")
    )
    assert "WHY Service default/hosts has 80/TCP only" in port
    assert (
        "WHY Service default/names has 53/UDP only, so no rule of node1 matched 53/TCP" in protocol
    )


def test_a_vip_sent_to_a_node_without_pods_is_to_be_tried_where_it_is_served(lab: Lab):
    lab.up(path_of("vip-under-policy-local"))
    service = lab.get("svc", "gw")
    (vip,) = (one["ip"] for one in service["status"]["loadBalancer"]["ingress"])
    moved = lab.inside("router", "ip", "route", "replace", vip, "via", "10.240.0.4")
    assert moved.returncode == 0, moved.stderr
    told = explained(lab, "client", f"http://{vip}")
    assert "WHY externalTrafficPolicy Local sends callers from outside only to pods" in told
    again = f"http://node1:{service['spec']['ports'][0]['nodePort']}"
    assert told.split("TRY ")[1].startswith(f"{SUDO}netlab trace --lab {lab.name} client {again} ")
    assert "DELIVERED to web-1" in explained(lab, "client", again)


def test_the_named_port_of_a_sidecar_is_an_endpoint(two_nodes: Lab):
    assert two_nodes.run("apply", "-f", path_of("named-port-of-a-sidecar")).returncode == 0
    selector = ("endpointslices", "-l", "kubernetes.io/service-name=proxied")
    (found,) = wait_for(
        lambda: [one for one in two_nodes.get(*selector)["items"] if one.get("ports")]
    )
    assert [one["port"] for one in found["ports"]] == [8080]
    address = two_nodes.get("svc", "proxied")["spec"]["clusterIP"]
    assert wait_for(lambda: two_nodes.fetch("node1", f"http://{address}"))


def test_a_policy_that_somebody_changed_is_a_difference(two_nodes: Lab):
    two_nodes.inside("node1", "iptables", "-P", "FORWARD", "DROP")
    done = two_nodes.run("rules", "node1", "--diff")
    two_nodes.inside("node1", "iptables", "-P", "FORWARD", "ACCEPT")
    assert done.returncode == 1
    assert "- -P FORWARD ACCEPT\n+ -P FORWARD DROP" in done.stdout


def test_objects_that_nothing_acts_on_stop_no_other(two_nodes: Lab):
    done = two_nodes.run("apply", "-f", path_of("other-kinds"))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "serviceaccount/front created",
        "service/front created",
        "ingress.networking.k8s.io/front created",
    ]
    assert done.stderr == "Warning: Ingress front: stored, and nothing in a lab acts on it\n"


def test_names_that_are_no_address_are_said_to_be_names_of_dns(two_nodes: Lab):
    assert two_nodes.run("apply", "-f", path_of("names-without-cluster-ip")).returncode == 0
    alias, peers = (
        two_nodes.run("trace", "node1", f"http://{name}") for name in ("alias", "peers")
    )
    assert "alias is an ExternalName Service, a DNS alias for db.example.org" in alias.stderr
    assert "kube-proxy has no rules for it" in alias.stderr
    assert "peers is headless: DNS gives its pods' addresses" in peers.stderr


def test_a_status_in_a_manifest_is_ignored_each_time_and_said_to_be(two_nodes: Lab, tmp_path: Path):
    first = Path(path_of("status-in-manifest"))
    second = tmp_path / "second.yaml"
    second.write_text(first.read_text().replace("203.0.113.78", "203.0.113.79"))
    for file in (first, second, first):
        done = two_nodes.run("apply", "-f", str(file))
        assert "Warning: Service gw: status.loadBalancer.ingress: no manifest sets" in done.stderr
        given = wait_for(lambda: two_nodes.get("svc", "gw")["status"]["loadBalancer"])
        assert [one["ip"] for one in given["ingress"]] == ["203.0.113.1"]
