"""Who calls what on a real lab, under both policies."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import netlab.render as forms
from netlab.client.hosts import hosts
from netlab.model.addresses import Family
from netlab.model.hosts import Host
from netlab.model.packets import AddrPort
from netlab.trace.host_rules import ListedRules
from netlab.trace.session.decisions import Decisions
from netlab.trace.session.path_prediction import list_rules
from tests.kernel.conftest import wait_for

pytestmark = pytest.mark.kernel

LAB = "testmatrix"
NETLAB = str(Path(sys.executable).with_name("netlab"))

SCHEMA = json.loads((Path(forms.__file__).parent / "matrix.schema.json").read_text())
UDP_AND_EMPTY = """
apiVersion: v1
kind: Service
metadata: {name: datagrams}
spec:
  type: NodePort
  selector: {app: source-ip-app}
  ports: [{port: 53, protocol: UDP, targetPort: 9}]
---
apiVersion: v1
kind: Pod
metadata: {name: datagram-server, labels: {app: datagram-server}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 0
  containers:
    - name: server
      image: python
      command:
        - python3
        - -c
        - |
          import socket
          s = socket.socket(type=socket.SOCK_DGRAM)
          s.bind(("", 5353))
          while True:
              s.sendto(b"client_address=%s" % (peer := s.recvfrom(99)[1])[0].encode(), peer)
---
apiVersion: v1
kind: Service
metadata: {name: answering}
spec:
  type: NodePort
  selector: {app: datagram-server}
  ports: [{port: 53, protocol: UDP, targetPort: 5353}]
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {type: NodePort, externalTrafficPolicy: Local, selector: {app: nobody}, ports: [{port: 80}]}
"""

POLICY = '{{"spec":{{"externalTrafficPolicy":"{}"}}}}'


def netlab(*argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [NETLAB, argv[0], "--lab", LAB, *argv[1:]]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    up = netlab("up", "source-ip")
    assert up.returncode == 0, up.stderr
    yield
    netlab("down")


def policy_of(service: str) -> str:
    found = json.loads(netlab("get", "service", service, "-o", "json").stdout)
    return found["spec"]["externalTrafficPolicy"]


@pytest.fixture
def cluster_policy() -> None:
    assert netlab("patch", "service", "nodeport", "-p", POLICY.format("Cluster")).returncode == 0


def results(service: str) -> dict[str, list[str]]:
    """Return each caller's results for a Service: addresses the pod saw, or words."""
    document = json.loads(netlab("matrix", "-o", "json").stdout)
    assert document["schema"] == "netlab.matrix/1"
    [found] = [one for one in document["services"] if one["service"] == service]
    return {
        "pod" if row["caller"].startswith("source-ip-app") else row["caller"]: [
            result["client_address"] or result["result"] for result in row["results"]
        ]
        for row in found["rows"]
    }


# Columns: ClusterIP, node1, node2, node3. The pod, on node1, calls itself: always by SNAT.
GATEWAY, NODE2, NODE3, CLIENT = "10.244.1.1", "10.240.0.4", "10.240.0.5", "198.51.100.79"


def test_policy_cluster():
    found = results("default/nodeport")
    assert found["client"][1:] == [GATEWAY, NODE2, NODE3]
    assert found["node1"] == [GATEWAY, GATEWAY, NODE2, NODE3]
    assert found["node2"] == [NODE2, GATEWAY, NODE2, NODE3]
    assert found["pod"] == [GATEWAY, GATEWAY, NODE2, NODE3]
    # Pods that stand behind no Service are brought: they keep their address to a ClusterIP.
    assert found["caller-node2"][0].startswith("10.244.2.")
    assert found["caller-node2"][1:] == [GATEWAY, NODE2, NODE3]


def test_policy_local():
    patch = netlab("patch", "service", "nodeport", "-p", POLICY.format("Local"))
    assert patch.returncode == 0, patch.stderr
    found = results("default/nodeport")
    assert found["client"][1:] == [CLIENT, "timeout", "timeout"]
    assert found["node1"] == [GATEWAY, GATEWAY, "timeout", "timeout"]
    assert found["node2"] == [NODE2, NODE2, NODE2, "timeout"]


def test_the_table_has_a_section_for_each_service_and_stderr_names_missing_callers():
    shown = netlab("matrix", "--no-callers")
    assert shown.returncode == 0, shown.stderr
    assert "caller-node" not in shown.stdout
    assert "Service default/clusterip\n" in shown.stdout
    assert "Service default/nodeport, externalTrafficPolicy:" in shown.stdout
    assert "default/kubernetes" not in shown.stdout
    assert "node2 has no pod that could call." in shown.stderr


@pytest.mark.usefixtures("cluster_policy")
def test_table_and_page_say_source_kept_only_where_it_was(tmp_path: Path):
    page = tmp_path / "m.html"
    shown = netlab("matrix", "--html", str(page))
    assert shown.returncode == 0, shown.stderr

    told = r'title="(\S+)[^"]* → ClusterIP [^:]+:80: ([^"]+?)[.] Rules'
    cells = dict(re.findall(told, page.read_text()))
    assert cells["caller-node2"] == "source kept, the pod saw 10.244.2.2"
    assert cells["node1"] == "hidden by node1, the pod saw 10.244.1.1"
    assert cells["node2"] == "source kept, the pod saw 10.240.0.4"
    table = shown.stdout.partition("Service default/nodeport")[0]
    assert re.search(r"^node1 +10.244.1.1 node1\(gateway\)$", table, re.MULTILINE)
    assert re.search(r"^caller-node2 on node2 +10.244.2.2$", table, re.MULTILINE)
    assert netlab("get", "pods").stdout.count("caller-node") == 0


def matrix(*options: str) -> dict[str, dict[str, Any]]:
    """Return the matrix of each Service; the document is one of its schema's."""
    done = netlab("matrix", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    return {one["service"]: one for one in document["services"]}


@pytest.fixture
def more_services() -> Iterator[None]:
    assert netlab("apply", "-f", "-", text=UDP_AND_EMPTY).returncode == 0
    wait_for(is_answering)
    yield
    assert netlab("delete", "service", "datagrams", "answering", "empty").returncode == 0
    assert netlab("delete", "pod", "datagram-server").returncode == 0


def is_answering() -> bool:
    """Tell whether the pod's program has its socket, and the Service its endpoint."""
    sockets = netlab("exec", "datagram-server", "--", "cat", "/proc/net/udp").stdout
    slices = json.loads(netlab("get", "endpointslices", "-o", "json").stdout)["items"]
    ready = [
        one["metadata"]["labels"]["kubernetes.io/service-name"]
        for one in slices
        if any(end["conditions"]["ready"] for end in one["endpoints"] or [])
    ]
    return ":14E9" in sockets and "answering" in ready


@pytest.mark.usefixtures("cluster_policy", "more_services")
def test_both_policies_are_tried_and_what_is_predicted_is_what_happens():
    found = matrix("--policies")

    nodeport = found["default/nodeport"]
    assert [target["external_traffic_policy"] for target in nodeport["targets"]] == [
        None, *["Cluster"] * 3, *["Local"] * 3
    ]  # fmt: skip
    client = nodeport["rows"][0]["results"]
    assert [one["hidden_by"] for one in client[1:4]] == ["node1", "node2", "node3"]
    assert client[4]["source"] == "kept"
    assert client[5]["decision"]["words"] == (
        'KUBE-EXTERNAL-SERVICES DROP "default/nodeport has no local endpoints"'
    )
    # The reply of a pod on node1 to another there does not come by node2.
    server = next(row for row in nodeport["rows"] if row["caller"] == "datagram-server")
    assert [result["decision"]["stray"] for result in server["results"][4:]] == [0, 1, 1]
    for service in found.values():
        for row in service["rows"]:
            for result in row["results"]:
                assert agrees(result), (service["service"], row["caller"], result)
    assert (policy_of("nodeport"), policy_of("datagrams")) == ("Cluster", "Cluster")
    assert policy_of("empty") == "Local"


def agrees(result: dict[str, Any]) -> bool:
    """Tell whether what was seen of a call is what the rules' walk says."""
    decision = result["decision"]
    match decision["end"]:
        case "delivered":
            # The pod of the tutorial has no socket for datagrams.
            ends = {"timeout"} if decision["stray"] == 1 else {"answered", "refused"}
            return result["result"] in ends
        case "dropped":
            return result["result"] == "timeout"
        case "rejected":
            return result["result"] == "refused"
        case _:
            # A router says so five times in a row, and then once a second.
            return result["result"] in {"unreachable", "timeout"}


@pytest.mark.usefixtures("more_services")
def test_datagrams_are_answered_or_refused_by_whom_the_walk_says():
    found = matrix()

    for row in found["default/datagrams"]["rows"][1:]:
        first = row["results"][0]
        assert first["result"] == "refused"
        assert first["decision"]["chains"][0].startswith("KUBE-SVC-")
        assert first["decision"]["endpoints"][0]["address"].endswith(":9")
    assert found["default/datagrams"]["protocol"] == "UDP"
    client = found["default/answering"]["rows"][0]["results"]
    assert [one["hidden_by"] for one in client[1:]] == ["node1", "node2", "node3"]
    refused = found["default/empty"]["rows"][0]["results"][1]
    assert refused["decision"]["words"].endswith(' REJECT "default/empty has no endpoints"')


@pytest.mark.usefixtures("cluster_policy")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_what_was_tried_is_put_back_when_it_ends_in_the_middle(number: signal.Signals, code: int):
    command = [NETLAB, "matrix", "--lab", LAB, "--policies"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        while "Service nodeport to Local" not in running.stderr.readline():
            pass
        # What is said is done after it.
        wait_for(lambda: policy_of("nodeport") == "Local")
        # However slow the machine is, it is in the middle when the others come.
        running.send_signal(signal.SIGSTOP)
        busy = netlab("matrix", "--policies")
        running.send_signal(number)
        running.send_signal(number)
        running.send_signal(signal.SIGCONT)
        _, stderr = running.communicate(timeout=10)

    assert running.returncode == code, stderr
    assert "set externalTrafficPolicy of Service nodeport to Cluster" in stderr
    assert policy_of("nodeport") == "Cluster"
    assert busy.returncode == 6
    assert "is busy" in busy.stderr


@pytest.mark.usefixtures("cluster_policy")
@pytest.mark.parametrize(
    ("argv", "turning"),
    [
        (["matrix", "--policies"], "Service nodeport to Local"),
        (["demo", "nodeport-local"], "Service nodeport to Local"),
    ],
    ids=["matrix", "demo"],
)
def test_a_policy_is_put_back_even_by_who_is_killed(argv: list[str], turning: str):
    with subprocess.Popen(
        [NETLAB, *argv, "--lab", LAB], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        while turning not in running.stderr.readline():
            pass
        wait_for(lambda: policy_of("nodeport") == "Local")
        running.kill()
    wait_for(lambda: policy_of("nodeport") == "Cluster")


def test_pictures_go_to_files_or_in_place_of_the_table(tmp_path: Path):
    picture, page = tmp_path / "m.svg", tmp_path / "m.html"
    done = netlab("matrix", "--svg", str(picture), "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Service default/clusterip\n")
    assert picture.read_text().startswith("<svg ")
    assert page.read_text().startswith("<!doctype html>")

    printed = netlab("matrix", "--svg", "-").stdout
    assert printed.startswith("<svg ")
    assert "Service default/clusterip\n" not in printed


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        pytest.param(("--svg", "-", "--html", "-"), "only one form can", id="two pictures"),
        pytest.param(("--svg", "-", "-o", "json"), "only one form can", id="picture and JSON"),
        pytest.param(("--svg", "/nowhere/m.svg"), "No such file", id="no directory"),
        pytest.param(("--html", "/run"), "Is a directory", id="a directory"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_any_call(argv: tuple[str, ...], said: str):
    done = netlab("matrix", *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_wide_lists_the_deciding_rules():
    shown = netlab("matrix", "-o", "wide").stdout
    assert "Deciding rules, predicted by a walk through the rules that each kernel holds" in shown
    assert " → KUBE-SEP-" in shown


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param(
            ListedRules(),
            "node2 has neither chain KUBE-SERVICES of iptables nor table kube-proxy of nftables",
            id="no rules of kube-proxy's",
        ),
        pytest.param(
            ListedRules(iptables="-- no rules"), "the rules of node2 cannot be read", id="no rules"
        ),
        pytest.param(
            ListedRules(tables=("inet guard", "mine")),
            "node2 has rules in inet guard, mine, which netlab cannot predict",
            id="somebody else's",
        ),
    ],
)
def test_nothing_is_predicted_of_calls_that_meet_unknown_rules(rules: ListedRules, said: str):
    found = {host.name: host for host in hosts(LAB)}

    def read(host: Host, family: Family) -> ListedRules:
        own = list_rules(host, family)
        if host.name != "node2":
            return own
        return replace(own, tables=rules.tables) if rules.tables else rules

    with Decisions(list(found.values()), read) as decisions:
        beside = decisions.decide(found["client"], node_port(found["node1"]), "tcp")
        assert decisions.remarks == []
        there = decisions.decide(found["client"], node_port(found["node2"]), "tcp")

    assert there is None
    assert beside is not None
    assert [remark.partition(":")[0] for remark in decisions.remarks] == [said]


def node_port(node: Host) -> AddrPort:
    service = json.loads(netlab("get", "service", "nodeport", "-o", "json").stdout)
    return AddrPort(node.addresses[0], service["spec"]["ports"][0]["nodePort"])
