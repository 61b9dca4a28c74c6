"""Who calls what on a real lab, under both policies."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel

LAB = "testmatrix"
NETLAB = str(Path(sys.executable).with_name("netlab"))

POLICY = '{{"spec":{{"externalTrafficPolicy":"{}"}}}}'


def netlab(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [NETLAB, argv[0], "--lab", LAB, *argv[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    up = netlab("up", "source-ip")
    assert up.returncode == 0, up.stderr
    yield
    netlab("down")


def results(service: str) -> dict[str, list[str]]:
    """Return each caller's results for a Service: addresses the pod saw, or words."""
    document = json.loads(netlab("matrix", "-o", "json").stdout)
    assert document["schema"] == "netlab.matrix/1"
    [found] = [one for one in document["services"] if one["service"] == service]
    return {
        "pod" if row["kind"] == "pod" else row["caller"]: [
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


def test_policy_local():
    patch = netlab("patch", "service", "nodeport", "-p", POLICY.format("Local"))
    assert patch.returncode == 0, patch.stderr
    found = results("default/nodeport")
    assert found["client"][1:] == [CLIENT, "timeout", "timeout"]
    assert found["node1"] == [GATEWAY, GATEWAY, "timeout", "timeout"]
    assert found["node2"] == [NODE2, NODE2, NODE2, "timeout"]


def test_the_table_has_a_section_for_each_service_and_stderr_names_missing_callers():
    shown = netlab("matrix")
    assert shown.returncode == 0, shown.stderr
    assert "Service default/clusterip\n" in shown.stdout
    assert "Service default/nodeport, externalTrafficPolicy:" in shown.stdout
    assert "default/kubernetes" not in shown.stdout
    assert "node2 runs no pod, so no pod of it calls." in shown.stderr
