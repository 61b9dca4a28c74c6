import random  # noqa: TID251 seeded, so that tests repeat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from netlab.cli.compile import compile_
from netlab.errors import SpecError

CASES = Path(__file__).parents[2] / "golden/kubeproxy/objects"
CONFIGURATION = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
NODE = """apiVersion: v1
kind: Node
metadata: {name: node1, labels: {topology.kubernetes.io/zone: east}}
spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24, "fd00:244:1::/64"]}
status:
  addresses:
  - {type: Hostname, address: node1}
  - {type: ExternalIP, address: 192.0.2.3}
  - {type: InternalIP, address: 10.240.0.3}
  - {type: InternalIP, address: "fd00:240::3"}
"""
SERVICE_CIDR = """apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.0.0.0/16, "fd00::/108"]}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  clusterIPs: [10.0.0.80, "fd00::80"]
  clusterIP: 10.0.0.80
  ports: [{port: 80, nodePort: 31700}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.244.1.2], nodeName: node1}]
"""


def run(*argv: str, text: str):
    return CliRunner().invoke(compile_, ["-f", "-", "--node", "node1", *argv], input=text)


def rules(*parts: str, argv: tuple[str, ...] = ()):
    result = run(*argv, text="\n---\n".join(parts))
    assert result.exit_code == 0, result.exception
    return result.stdout


def complaint(result: Result):
    assert isinstance(result.exception, SpecError)
    assert result.stdout == ""
    return str(result.exception)


@pytest.mark.parametrize("file", sorted(CASES.iterdir()), ids=lambda file: file.stem)
def test_order_of_objects_and_files_does_not_matter(file: Path, tmp_path: Path):
    documents = file.read_text("utf-8").split("\n---\n")
    argv = ["--node", "test-node", "-f"]
    straight = CliRunner().invoke(compile_, [*argv, str(file)]).stdout
    random.Random(8).shuffle(documents)  # noqa: S311  # noqa: S311 (an order, no secret)
    halves = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for half, part in zip(halves, (documents[1::2], documents[::2]), strict=True):
        half.write_text("\n---\n".join(part))

    mixed = CliRunner().invoke(compile_, [*argv, str(halves[0]), "-f", str(halves[1])])

    assert mixed.stdout == straight
    assert straight.startswith("*mangle\n")


def test_reads_what_kubectl_prints_as_one_list():
    parts = yaml.safe_load_all("\n---\n".join([NODE, SERVICE]))
    whole = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": list(parts)})
    assert rules(whole) == rules(NODE, SERVICE)


DETECTORS = {
    "no configuration detects nothing": ("", None),
    "ClusterCIDR without a CIDR detects nothing": ("detectLocalMode: ClusterCIDR", None),
    "the CIDR of the family counts": (
        "clusterCIDR: fd00:244::/48,10.244.0.0/16",
        "! -s 10.244.0.0/16",
    ),
    "NodeCIDR takes the node's own": ("detectLocalMode: NodeCIDR", "! -s 10.244.1.0/24"),
    "a bridge is one interface": (
        "detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}",
        "! -i cni0",
    ),
    "a prefix stands for many": (
        "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}",
        "! -i cali+",
    ),
}


@pytest.mark.parametrize(("fields", "match"), DETECTORS.values(), ids=DETECTORS)
def test_configuration_says_who_is_a_pod(fields: str, match: str | None):
    text = rules(NODE, SERVICE, CONFIGURATION + fields)
    marks = [
        line for line in text.splitlines() if "-A KUBE-SVC-" in line and "KUBE-MARK-MASQ" in line
    ]
    assert [match in line for line in marks] == ([True] if match else [])


FIELDS = {
    "masqueradeAll marks pods too": (
        "iptables: {masqueradeAll: true}",
        '"default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    ),
    "masqueradeBit makes another mark": (
        "iptables: {masqueradeBit: 3}",
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x8/0x8",
    ),
    "localhostNodePorts keeps NodePorts off loopback": (
        "iptables: {localhostNodePorts: false}",
        "! -d 127.0.0.0/8 ",
    ),
    "nodePortAddresses names the addresses": (
        "nodePortAddresses: [10.240.0.0/24]",
        "-A KUBE-SERVICES -d 10.240.0.3/32 ",
    ),
    "primary is the node's own address": (
        "nodePortAddresses: [primary]",
        "-A KUBE-SERVICES -d 10.240.0.3/32 ",
    ),
}


@pytest.mark.parametrize(("field", "words"), FIELDS.values(), ids=FIELDS)
def test_field_changes_the_rules(field: str, words: str):
    assert words in rules(NODE, SERVICE, CONFIGURATION + field)
    assert words not in rules(NODE, SERVICE, CONFIGURATION)


def test_family_is_that_of_the_nodes_first_address_or_as_told():
    assert "-d 10.0.0.80/32" in rules(NODE, SERVICE)
    assert "-d fd00::80/128" in rules(NODE, SERVICE, argv=("--family", "ipv6"))


def test_mode_comes_from_the_configuration_or_the_command_line():
    of_file = rules(NODE, SERVICE, CONFIGURATION + "mode: nftables")
    assert of_file == rules(NODE, SERVICE, argv=("--proxy-mode", "nftables"))
    assert "kube-proxy" in of_file.splitlines()[0]
    both = rules(NODE, SERVICE, CONFIGURATION + "mode: nftables", argv=("--proxy-mode", "iptables"))
    assert both == rules(NODE, SERVICE)


def test_where_cluster_ips_come_from_is_for_nftables_mode_to_know():
    drop = "cluster-ips-check ip daddr { 10.0.0.0/16 } drop"
    mode = ("--proxy-mode", "nftables")
    assert drop in rules(NODE, SERVICE, SERVICE_CIDR, argv=mode)
    assert drop not in rules(NODE, SERVICE, argv=mode)
    assert rules(NODE, SERVICE, SERVICE_CIDR) == rules(NODE, SERVICE)


def test_only_addresses_on_the_node_answer_for_node_ports():
    configuration = CONFIGURATION + "nodePortAddresses: [192.0.2.0/24]"
    assert "192.0.2.3" not in rules(NODE, SERVICE, configuration)
    told = ("--local-address", "192.0.2.3")
    assert "-d 192.0.2.3/32" in rules(NODE, SERVICE, configuration, argv=told)


def test_policies_of_built_in_chains_are_left_alone():
    assert ":FORWARD - [0:0]" in rules(NODE, SERVICE).splitlines()


WRONG = {
    "a NodePort above the range": (
        SERVICE.replace("31700", "40000"),
        "spec.ports[0].nodePort: Invalid value: 40000: provided port is not in the valid range",
    ),
    "a field of a section written at the top": (
        f"{CONFIGURATION}masqueradeAll: true",
        "masqueradeAll: unknown field",
    ),
    "a misspelt field": (
        f"{CONFIGURATION}clusterCidr: 10.0.0.0/8",
        'clusterCidr: unknown field (did you mean "clusterCIDR"?)',
    ),
    "a CIDR without a length": (f"{CONFIGURATION}clusterCIDR: 10.0.0.0", "valid CIDR block"),
    "two CIDRs of one family": (
        f"{CONFIGURATION}clusterCIDR: 10.0.0.0/8,11.0.0.0/8",
        "must be one CIDR, or one of each IP family",
    ),
    "a bit that no mark has": (
        f"{CONFIGURATION}iptables: {{masqueradeBit: 32}}",
        "iptables.masqueradeBit: Invalid value: 32: must be within the range [0, 31]",
    ),
    "a bridge without a name": (
        f"{CONFIGURATION}detectLocalMode: BridgeInterface",
        "detectLocal.bridgeInterface: Invalid value",
    ),
    "a mode netlab has not": (f"{CONFIGURATION}mode: ipvs", 'Unsupported value: "ipvs"'),
    "two configurations": (
        f"{CONFIGURATION}---\n{CONFIGURATION}",
        "there are two objects of kind KubeProxyConfiguration",
    ),
    "a node twice, and not the same": (
        NODE.replace("east", "west"),
        'Duplicate value: "node1"',
    ),
    "a ServiceCIDR of another version": (
        SERVICE_CIDR.replace("/v1", "/v2"),
        'no matches for kind "ServiceCIDR" in version "networking.k8s.io/v2"',
    ),
    "a ServiceCIDR that is none": (
        SERVICE_CIDR.replace("fd00::/108", "fd00::"),
        'spec.cidrs[1]: Invalid value: "fd00::": must be a valid CIDR value',
    ),
    "an address that is none": (
        NODE.replace("10.240.0.3", "10.240.0.x"),
        "status.addresses[2].address: Invalid value",
    ),
    "a podCIDR that is none": (
        NODE.replace("podCIDR: 10.244.1.0/24", "podCIDR: 10.244.1.0"),
        "spec.podCIDR: Invalid value",
    ),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_kubernetes_refuses_is_refused(text: str, told: str):
    assert told in complaint(run(text=f"{NODE}---\n{text}"))


def test_every_problem_is_told_with_its_line():
    texts = [f"{CONFIGURATION}mode: ipvs\nclusterCIDR: x", SERVICE.replace("port: 80,", "port: 0,")]
    told = complaint(run(text="\n---\n".join([NODE, *texts]))).splitlines()
    assert [line.split(": ")[1] for line in told] == [
        "mode",
        "clusterCIDR",
        "spec.ports[0].port",
    ]
    assert all(line.split(":")[1].isdigit() for line in told)


def test_a_missing_node_is_told_with_the_nearest():
    result = run(text=NODE.replace("name: node1", "name: node11"))
    assert complaint(result) == "no Node node1 in the files"
    assert result.exception.hint == 'did you mean "node11"?'


def test_a_node_without_an_address_is_no_place_for_rules():
    assert "no IP address" in complaint(
        run(text=NODE.replace("InternalIP", "InternalDNS").replace("ExternalIP", "ExternalDNS"))
    )


def test_a_hostile_name_is_refused():
    text = SERVICE.replace("{name: web}", '{name: "web\\n-A INPUT -j ACCEPT"}')
    assert "metadata.name: Invalid value" in complaint(run(text=f"{NODE}---\n{text}"))


def test_what_may_surprise_goes_to_stderr():
    text = SERVICE.replace("31700", "3001")
    low = run(text=f"{NODE}---\n{text}")
    assert low.exit_code == 0
    assert "nodePort: 3001 is below Kubernetes' default range, 30000-32767" in low.stderr
    bare = "apiVersion: v1\nkind: Service\nmetadata: {name: w}\nspec: {ports: [{port: 80}]}\n"
    assert "Service default/w has no clusterIP yet" in run(text=f"{NODE}---\n{bare}").stderr


def test_a_status_that_kubernetes_would_refuse_is_refused():
    service = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, clusterIP: 10.0.0.80, ports: [{port: 80}]}
status:
  loadBalancer:
    ingress:
    - {ip: 10.0.0, ipMode: Both}
    - {hostname: 10.0.0.1}
    - {hostname: a b, ipMode: VIP}
"""
    told = complaint(run(text=f"{NODE}---\n{service}")).splitlines()
    assert [line.partition("ingress")[2].partition(" (")[0] for line in told] == [
        '[0].ip: Invalid value: "10.0.0": must be a valid IP address,',
        '[0].ipMode: Unsupported value: "Both": supported values: "Proxy", "VIP"',
        '[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
        "[2].ipMode: Forbidden: may not be specified when `ip` is not set",
        (
            '[2].hostname: Invalid value: "a b": a lowercase RFC 1123 subdomain must consist of'
            " lower case alphanumeric characters, '-' or '.', and must start and end with an"
            " alphanumeric character"
        ),
    ]
    other = service.replace("type: LoadBalancer", "type: ClusterIP")
    assert "Forbidden: may only be used when `spec.type`" in complaint(
        run(text=f"{NODE}---\n{other}")
    )
