"""Names in a lab: in pods by the cluster's DNS, for clients by the outside world's."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: named}
spec:
  nodes: 2
  dns: {replicas: 2}
  loadBalancer: {class: netlab/proxy, hostnames: true}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec:
  hostname: first
  subdomain: pets
  containers: [{name: echo, image: "registry.k8s.io/echoserver:1.4"}]
---
apiVersion: v1
kind: Pod
metadata: {name: caller}
spec: {containers: [{name: c, image: busybox, command: [sleep, infinity]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: pets}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{name: http, port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: client.netlab.test}
"""
CLUSTER = "svc.cluster.local"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    for program, package in (("dig", "bind9-dnsutils"), ("haproxy", "haproxy")):
        if shutil.which(program, path="/usr/bin:/usr/sbin") is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    path = tmp_path_factory.mktemp("named") / "topology.yaml"
    path.write_text(TOPOLOGY)
    lab = make_lab()
    lab.up(str(path))
    wait_for(lambda: dig(lab, "caller", f"kubernetes.default.{CLUSTER}"), 30)
    yield lab
    lab.down()


def dig(lab: Lab, host: str, *argv: str) -> str:
    """Return what dig finds, without what it says when nobody answers."""
    lines = lab.inside(host, "dig", "+short", "+time=1", "+tries=2", *argv).stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(";"))


def test_the_servers_are_pods_behind_a_service(lab: Lab):
    pods = lab.get("pods", "-n", "kube-system")["items"]
    names = [pod["metadata"]["name"] for pod in pods]
    assert len([name for name in names if name.startswith("coredns-")]) == 2
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    service = lab.get("service", "kube-dns", "-n", "kube-system")
    assert service["spec"]["clusterIP"] == "10.0.0.10"


@pytest.mark.parametrize("protocol", ["+notcp", "+tcp"])
def test_a_service_is_found_by_name_and_back(lab: Lab, protocol: str):
    address = lab.get("service", "web")["spec"]["clusterIP"]
    assert dig(lab, "caller", protocol, f"web.default.{CLUSTER}") == address
    assert dig(lab, "caller", protocol, "-x", address) == f"web.default.{CLUSTER}."
    srv = dig(lab, "caller", protocol, f"_http._tcp.web.default.{CLUSTER}", "SRV")
    assert srv == f"0 100 80 web.default.{CLUSTER}."


def test_short_names_are_found_as_in_any_pod(lab: Lab):
    address = lab.get("service", "web")["spec"]["clusterIP"]
    for name in ("web", "web.default", f"web.default.{CLUSTER}"):
        found = lab.inside("caller", "getent", "hosts", name).stdout.split()
        assert found == [address, f"web.default.{CLUSTER}"]
    looked_up = lab.inside("caller", "busybox", "nslookup", f"web.default.{CLUSTER}").stdout
    assert re.search(rf"Name:\s+web\.default\.{CLUSTER}\nAddress(?: 1)?: {address}", looked_up)
    assert "client_address=" in lab.fetch("caller", "http://web/")


def test_a_headless_services_pods_have_names(lab: Lab):
    pod = lab.get("pod", "web-1")["status"]["podIP"]
    assert dig(lab, "caller", f"pets.default.{CLUSTER}") == pod
    assert dig(lab, "caller", f"first.pets.default.{CLUSTER}") == pod
    assert dig(lab, "caller", f"{pod.replace('.', '-')}.default.pod.cluster.local") == pod


def test_an_external_name_leads_out_of_the_cluster(lab: Lab):
    found = dig(lab, "caller", f"elsewhere.default.{CLUSTER}").split()
    assert found == ["client.netlab.test.", "198.51.100.79"]


def test_a_name_that_is_not_there_does_not_exist(lab: Lab):
    for name in (f"no.default.{CLUSTER}", "www.example.com"):
        assert "status: NXDOMAIN" in lab.inside("caller", "dig", name).stdout


def test_a_new_service_has_a_name_and_a_deleted_one_has_none(lab: Lab):
    manifest = TOPOLOGY.split("---\n")[4].replace("pets", "late")
    assert lab.run("apply", "-f", "-", text=manifest).returncode == 0
    wait_for(lambda: dig(lab, "caller", f"late.default.{CLUSTER}"))
    assert lab.run("delete", "service", "late").returncode == 0
    wait_for(lambda: not dig(lab, "caller", f"late.default.{CLUSTER}"))


def test_one_server_of_two_is_enough(lab: Lab):
    pods = [pod["metadata"]["name"] for pod in lab.get("pods", "-n", "kube-system")["items"]]
    done = lab.run("delete", "pod", pods[0], "-n", "kube-system", "--no-wait")
    assert done.returncode == 0, done.stderr
    assert dig(lab, "caller", f"kubernetes.default.{CLUSTER}") == "10.0.0.1"


def test_clients_find_balancers_by_their_host_names(lab: Lab):
    ingress = lab.get("service", "web")["status"]["loadBalancer"]["ingress"]
    assert ingress == [{"hostname": "web.default.elb.netlab.test"}]
    wait_for(lambda: lab.fetch("client", "http://web.default.elb.netlab.test/"))
    address = dig(lab, "client", "web.default.elb.netlab.test")
    assert dig(lab, "client", "-x", address) == "web.default.elb.netlab.test."


@pytest.mark.parametrize("host", ["client", "node1", "caller"])
def test_the_outside_world_has_names_for_everybody(lab: Lab, host: str):
    found = lab.inside(host, "getent", "hosts", "client.netlab.test").stdout.split()
    assert found == ["198.51.100.79", "client.netlab.test"]
    assert dig(lab, host, "+tcp", "node2.netlab.test") == "192.0.2.4"
