"""The paths of topology packet-paths, where kube-proxy speaks nftables.

What becomes of each call is the same as in iptables mode; the rules on its way are others, and so
are the drawings.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import netlab.render as forms
from netlab.lab.topologies import read_topology
from netlab.trace.packet import Result
from tests.kernel.conftest import Lab, wait_for
from tests.kernel.test_paths import (
    GOLDEN,
    PATHS,
    TWO_ENDPOINTS,
    Case,
    hold_against_golden,
    traced,
)

pytestmark = pytest.mark.kernel

SCHEMA = json.loads((Path(forms.__file__).parent / "trace.schema.json").read_text())


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    text = read_topology("packet-paths")[0].decode()
    file = tmp_path_factory.mktemp("paths") / "packet-paths.yaml"
    file.write_text(text.replace("\nspec:\n", "\nspec:\n  proxy: {mode: nftables}\n", 1))
    made = make_lab()
    made.up(str(file))
    yield made
    made.down()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_path_is_as_drawn_and_as_both_kinds_of_rules_predict(lab: Lab, path: Case):
    hold_against_golden(lab, path, GOLDEN / "ptp-nftables")


def test_each_endpoint_is_predicted_with_its_chance(lab: Lab):
    assert lab.run("apply", "-f", "-", text=TWO_ENDPOINTS).returncode == 0
    try:
        wait_for(lambda: kube_proxy_table(lab).count("numgen random mod 2") == 2)
        found = traced(lab, "caller-1", "http://web-cluster")
    finally:
        assert lab.run("delete", "pod", "web-2").returncode == 0
        wait_for(lambda: "mod 2" not in kube_proxy_table(lab))
        wait_for(lambda: not any(name.endswith("web-2") for name in lab.netns()))

    assert found.prediction.holds()
    chances = {str(end.address): chance for end, chance in found.prediction.endpoints().items()}
    assert list(chances.values()) == [Fraction(1, 2), Fraction(1, 2)]
    assert str(found.request().last_pair().destination.address) in chances


def test_a_rule_of_iptables_is_predicted_after_those_of_kube_proxy(lab: Lab):
    rule = ["FORWARD", "-p", "tcp", "--dport", "8080", "-s", "10.244.1.0/24", "-j", "DROP"]
    assert lab.inside("node1", "iptables", "-I", *rule).returncode == 0
    try:
        found = traced(lab, "caller-1", "http://web-cluster")
    finally:
        lab.inside("node1", "iptables", "-D", *rule)
        lab.inside("node1", "nft", "delete", "table", "ip", "filter")

    assert found.verdict.result is Result.DROPPED
    assert found.prediction.holds()
    taken = found.prediction.paths[found.prediction.taken]
    assert taken.words() == "dropped on node1 by filter FORWARD #1"


def test_a_rule_by_hand_in_kube_proxys_table_is_not_guessed_at(lab: Lab):
    rule = ["rule", "ip", "kube-proxy", "filter-input"]
    added = lab.inside("node1", "nft", "-ea", "add", *rule, "meta length > 9 counter")
    try:
        found = traced(lab, "client", "tcp://node1:9")
    finally:
        handle = added.stdout.strip().rpartition(" handle ")[2]
        assert lab.inside("node1", "nft", "delete", *rule, "handle", handle).returncode == 0

    assert found.prediction.paths == found.prediction.differences == ()
    [remark] = found.prediction.remarks
    assert remark.startswith("no rule of kube-proxy's table: meta length > 9 counter")


@pytest.mark.parametrize("target", ["http://node2:30100", "http://node2:30101", "tcp://empty"])
def test_the_json_form_is_what_its_schema_says(lab: Lab, target: str):
    done = lab.run("trace", "client", target, "--predict", "-o", "json", "--timeout", "0.4")

    document = json.loads(done.stdout)
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert document["prediction"]["holds"]


def kube_proxy_table(lab: Lab) -> str:
    return lab.inside("node1", "nft", "list", "table", "ip", "kube-proxy").stdout
