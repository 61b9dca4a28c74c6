"""Who calls what where kube-proxy speaks nftables, and what decides each call.

The lab was one of iptables before, so that kube-proxy's table is younger than the CNI's.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kernel.conftest import Lab, wait_for
from tests.kernel.test_matrix import agrees
from tests.kernel.test_paths import traced

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    made.up("source-ip")
    made.up("source-ip-nftables")
    yield made
    made.down()


def matrix(lab: Lab, *options: str) -> dict[str, dict[str, Any]]:
    done = lab.run("matrix", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    assert "Not predicted" not in done.stderr
    return {one["service"]: one for one in json.loads(done.stdout)["services"]}


def test_what_is_predicted_is_what_happens_under_both_policies(lab: Lab):
    found = matrix(lab, "--policies")

    for service in found.values():
        for row in service["rows"]:
            for result in row["results"]:
                assert agrees(result), (service["service"], row["caller"], result)
    client = found["default/nodeport"]["rows"][0]["results"]
    chosen = client[2]["decision"]
    assert chosen["host"] == "node2"
    assert [chain.partition("-")[0] for chain in chosen["chains"]] == ["service", "endpoint"]
    assert chosen["rule"].startswith(f"{chosen['chains'][0]} numgen random mod 1 ")
    assert client[4]["decision"]["words"] == 'nodeport-endpoints-check DROP "default/nodeport"'


def test_many_endpoints_are_all_told_with_their_chances(lab: Lab):
    assert lab.run("scale", "deployment", "source-ip-app", "--replicas=6").returncode == 0
    table = ("nft", "list", "table", "ip", "kube-proxy")
    wait_for(lambda: lab.inside("node1", *table).stdout.count("numgen random mod 6") == 2)
    found = matrix(lab)

    decision = found["default/nodeport"]["rows"][0]["results"][1]["decision"]
    assert decision["words"].endswith(" → 6 endpoints by chance")
    assert [end["chance"] for end in decision["endpoints"]] == [pytest.approx(1 / 6)] * 6


@pytest.mark.parametrize("target", ["tcp://node1:9", "http://nodeport", "icmp://client"])
def test_a_node_that_calls_is_predicted_rule_by_rule(lab: Lab, target: str):
    found = traced(lab, "node1", target)

    assert found.prediction.remarks == ()
    assert found.prediction.differences == ()
