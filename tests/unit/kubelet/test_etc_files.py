import pytest

from netlab.kube.objects import Object
from netlab.kubelet.etc_files import etc_files, resolv_conf
from netlab.kubelet.sources import CreateContainerConfigError
from netlab.model.topology import Topology

CLUSTER = "search prod.svc.cluster.local svc.cluster.local cluster.local"


def pod(**spec: object) -> Object:
    return {
        "metadata": {"name": "web-1", "namespace": "prod"},
        "spec": {"nodeName": "node1", **spec},
        "status": {"podIPs": [{"ip": "10.244.1.2"}]},
    }


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        pytest.param({}, [CLUSTER, "nameserver 10.0.0.10", "options ndots:5"], id="ClusterFirst"),
        pytest.param({"dnsPolicy": "Default"}, ["nameserver 10.240.0.1"], id="the node's"),
        pytest.param({"hostNetwork": True}, ["nameserver 10.240.0.1"], id="in the node's network"),
        pytest.param(
            {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
            [CLUSTER, "nameserver 10.0.0.10", "options ndots:5"],
            id="in the node's network, the cluster's names",
        ),
        pytest.param(
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["192.0.2.1"],
                    "searches": ["my.dns"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            ["search my.dns", "nameserver 192.0.2.1", "options ndots:2 edns0"],
            id="None, and a configuration",
        ),
        pytest.param(
            {"dnsConfig": {"searches": ["my.dns"], "options": [{"name": "ndots", "value": "1"}]}},
            [f"{CLUSTER} my.dns", "nameserver 10.0.0.10", "options ndots:1"],
            id="a configuration added",
        ),
    ],
)
def test_resolv_conf(topology: Topology, spec: Object, lines: list[str]):
    assert resolv_conf(pod(**spec), topology).decode().splitlines() == lines


def test_a_subdomain_is_part_of_the_name(topology: Topology):
    found = etc_files(pod(hostname="db", subdomain="sql"), topology)
    assert found["hostname"] == b"db\n"
    assert b"10.244.1.2\tdb.sql.prod.svc.cluster.local\tdb\n" in found["hosts"]


def test_aliases_come_last(topology: Topology):
    alias = {"ip": "1.2.3.4", "hostnames": ["foo", "bar"]}
    hosts = etc_files(pod(hostAliases=[alias]), topology)["hosts"].decode()
    assert hosts.endswith("\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n")


@pytest.mark.parametrize(
    "spec",
    [
        {"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a\n6.6.6.6 kubernetes"]}]},
        {"hostAliases": [{"ip": "1.2.3.4\n6.6.6.6 x", "hostnames": ["a"]}]},
        {"dnsConfig": {"nameservers": ["1.1.1.1\nnameserver 6.6.6.6"]}},
        {"dnsConfig": {"searches": ["a b"]}},
        {"subdomain": "a\tb"},
    ],
)
def test_no_value_is_more_than_a_word(topology: Topology, spec: Object):
    with pytest.raises(CreateContainerConfigError):
        etc_files(pod(**spec), topology)


def test_a_pod_in_the_nodes_network_knows_the_nodes(topology: Topology):
    found = etc_files(pod(hostNetwork=True), topology)
    assert found["hostname"] == b"node1\n"
    assert b"10.240.0.3\tnode1\n" in found["hosts"]
