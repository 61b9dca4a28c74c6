"""What ``netlab rules`` says, held against the counters of known traffic."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab

pytestmark = pytest.mark.kernel

CALLS = 5
NODE_PORT = 30100


@pytest.fixture(scope="module")
def up(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    lab = make_lab()
    lab.up("packet-paths")
    yield lab
    lab.down()


def counted(lab: Lab, host: str) -> dict[tuple[str, str], tuple[str, int]]:
    """Return the sentence and the count of each iptables rule, by table and rule."""
    done = lab.run("rules", host, "-o", "json")
    assert done.returncode == 0, done.stderr
    return {
        (rule["table"], rule["rule"]): (rule["says"], rule["packets"])
        for group in json.loads(done.stdout)["groups"]
        for rule in group["rules"]
        if rule["packets"] is not None
    }


def test_a_sentence_of_table_nat_counts_connections_and_its_neighbours_share_them(up: Lab):
    before = counted(up, "node2")
    for _ in range(CALLS):
        assert "client_address=10.240.0.4" in up.fetch("client", f"http://10.240.0.4:{NODE_PORT}")
    after = counted(up, "node2")

    rises = {key: after[key][1] - before[key][1] for key in after if key in before}
    of_nat = {rule: rise for (table, rule), rise in rises.items() if table == "nat" and rise}
    said = {rule: after["nat", rule][0] for rule in of_nat}
    assert len(of_nat) > 4
    for rule, rise in of_nat.items():
        # Each curl sends some five packets there; a rule of nat sees the first. The load balancer
        # asks the node for its health meanwhile: that meets the rules that lead to all Services.
        others = CALLS - 1 if "KUBE-SVC" not in rule and "KUBE-SEP" not in rule else 0
        is_shared = rule.split()[1] in {"PREROUTING", "POSTROUTING", "KUBE-SERVICES", "OUTPUT"}
        bound = CALLS + (others if is_shared else 0)
        assert rise <= bound, f"{rise} at {rule}: {said[rule]}"
        assert "new connection" in said[rule] or said[rule].startswith("The rest"), said[rule]
    dispatch = [rise for rule, rise in of_nat.items() if f"--dport {NODE_PORT} " in f"{rule} "]
    assert dispatch == [CALLS]


def test_no_sentence_says_every_where_its_neighbours_took_some(up: Lab):
    """A rule that gets what others left counts what they did not."""
    for host in ("node1", "node2", "router"):
        for (table, rule), (says, _) in counted(up, host).items():
            chain = rule.split()[1]
            if chain == "KUBE-POSTROUTING" and "RETURN" not in rule:
                assert says.startswith("A new connection that comes this far"), (table, says)


def test_the_router_compares_with_external_ips_and_sends_nobody_to_an_endpoint(up: Lab):
    said = [says for says, _ in counted(up, "router").values()]
    assert "Every incoming new connection is compared with the nodes' ExternalIPs." in said
    assert not [one for one in said if "is sent to endpoint" in one]
