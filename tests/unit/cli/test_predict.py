import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from netlab.cli.predict import predict
from netlab.errors import SpecError
from netlab.trace.flows import OBJECT_EXAMPLE, flow_of

GOLDEN = Path(__file__).parents[2] / "golden/kubeproxy"
CASES = json.loads((GOLDEN / "kube-proxy-facts.json").read_text("utf-8"))["cases"]
BASE = GOLDEN / "objects/case-40.yaml"


def run(*argv: str, file: Path = BASE, text: str = ""):
    return CliRunner().invoke(predict, ["-f", str(file), "--node", "test-node", *argv], input=text)


def answer(*argv: str, file: Path = BASE, text: str = ""):
    result = run(*argv, "-o", "json", file=file, text=text)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['name']}")
def test_facts_come_out_of_files(case: dict[str, Any]):
    flows = json.dumps({"flows": case["flows"]})
    got = answer("--flows", "-", file=GOLDEN / f"objects/{case['id']}.yaml", text=flows)
    assert (got["schema"], got["node"]) == ("netlab.predict/1", "test-node")
    for found, fact in zip(got["flows"], case["flows"], strict=True):
        for key in ("verdict", "masquerade"):
            assert found[key] == fact[key]
        assert sorted(found["endpoints"]) == sorted(fact["endpoints"])
        assert found["label"] == f"{fact['id']} {fact['name']}"
        shares = {f"1/{len(fact['endpoints'])}" if len(fact["endpoints"]) > 1 else "1"}
        assert set(found["chances"].values()) == (shares if fact["endpoints"] else set())


def test_one_flow_is_answered_by_itself_with_its_rules():
    got = answer("client 203.0.113.2 -> 192.168.0.2:3002/tcp")
    assert (got["flow"], got["verdict"]) == (
        "client 203.0.113.2 -> 192.168.0.2:3002/tcp",
        "ENDPOINTS",
    )
    [outcome] = got["outcomes"]
    assert [rule["chain"][:9] for rule in outcome["rules"]][:6] == [
        "PREROUTIN",
        "KUBE-SERV",
        "KUBE-NODE",
        "KUBE-EXT-",
        "KUBE-SVL-",
        "KUBE-SEP-",
    ]
    assert {rule["table"] for rule in outcome["rules"]} == {"nat", "filter"}


SENTENCES = {
    "pod 10.0.0.2 -> 172.30.0.41:80/tcp": "It goes to one of 2 endpoints, and keeps its source.",
    "client 203.0.113.2 -> 192.168.0.2:3002": "It goes to 10.180.0.2:80, and keeps its source.",
    "localhost -> 127.0.0.1:3001/tcp": (
        "It goes to one of 2 endpoints, masqueraded: its source becomes an address of the node."
    ),
    "10.180.0.1 -> 172.30.0.41:80/tcp": (
        "It goes to one of 2 endpoints, masqueraded on the way to some."
    ),
    "pod 10.0.0.2 -> 172.30.0.41:81/tcp": (
        "No rule of kube-proxy's is for it: it follows the routes, and keeps its source."
    ),
}


@pytest.mark.parametrize(("flow", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_a_sentence_says_what_happens(flow: str, sentence: str):
    assert sentence in run(flow).stdout.splitlines()


def test_a_table_has_a_line_for_each_endpoint():
    lines = run("10.180.0.1 -> 172.30.0.41:80").stdout.splitlines()
    assert "10.180.0.1:80   1/2      masqueraded" in lines
    assert "10.180.1.1:80   1/2      kept" in lines


FORM = "[pod|node|client|localhost] SOURCE -> DESTINATION:PORT/PROTOCOL"
UNREADABLE = {
    "hello": "'hello' is no flow",
    "pod 10.0.0.2 -> 172.30.0.41": "is no flow",
    "pod -> 172.30.0.41:80/tcp": "no source",
    "10.0.0.256 -> 172.30.0.41:80/tcp": "'10.0.0.256' is no source address",
    "10.0.0.2 -> web:80/tcp": "'web' is no destination address",
    "10.0.0.2 -> [::1]:80/tcp": "different address families",
    "10.0.0.2 -> 172.30.0.41:0/tcp": "port 0 is not between 1 and 65535",
    "10.0.0.2 -> 172.30.0.41:80/icmp": "protocol 'ICMP' is none of TCP, UDP, SCTP",
    "host 10.0.0.2 -> 172.30.0.41:80/tcp": "origin 'host' is none of pod, node",
}


@pytest.mark.parametrize(("flow", "told"), UNREADABLE.items(), ids=UNREADABLE)
def test_an_unreadable_flow_shows_the_form(flow: str, told: str):
    result = run(flow)
    assert result.exit_code == 2
    assert told in result.stderr
    assert FORM in result.stderr


def test_every_unreadable_flow_of_a_file_is_told_by_its_number():
    text = '["10.0.0.2 -> 172.30.0.41:80", {"sourceIP": "10.0.0.2"}, "hello"]'
    result = run("--flows", "-", text=text)
    assert result.exit_code == 2
    assert "<stdin>: flow 2: a flow without destIP, destPort." in result.stderr
    assert "<stdin>: flow 3: 'hello' is no flow." in result.stderr
    assert OBJECT_EXAMPLE in result.stderr


def test_the_form_of_a_flow_in_json_is_one():
    assert flow_of(json.loads(OBJECT_EXAMPLE)) == flow_of("10.0.0.2 -> 172.30.0.41:80/tcp")


@pytest.mark.parametrize("text", ["{", "7", '{"flow": []}'])
def test_a_file_that_holds_no_flows_is_a_bad_file(text: str):
    assert isinstance(run("--flows", "-", text=text).exception, SpecError)


@pytest.mark.parametrize("argv", [(), ("10.0.0.2 -> 172.30.0.41:80", "--flows", "-")])
def test_either_one_flow_or_many(argv: tuple[str, ...]):
    assert run(*argv).exit_code == 2


def test_pods_come_by_the_interface_that_tells_them(tmp_path: Path):
    text = BASE.read_text("utf-8").replace(
        "clusterCIDR: 10.0.0.0/8,fd00:10::/64",
        "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}",
    )
    file = tmp_path / "objects.yaml"
    file.write_text(text)
    pod, client = (
        answer(f"{who} 10.0.0.2 -> 172.30.0.41:80", file=file) for who in ("pod", "client")
    )
    assert (pod["masquerade"], client["masquerade"]) == (False, True)


def test_rules_of_nftables_mode_are_walked_where_the_configuration_says_so(tmp_path: Path):
    file = tmp_path / "objects.yaml"
    text = BASE.read_text("utf-8")
    file.write_text(
        text.replace("kind: KubeProxyConfiguration", "kind: KubeProxyConfiguration\nmode: nftables")
    )
    flow = "10.0.0.2 -> 172.30.0.41:80"
    got = answer(flow, file=file)
    assert got["verdict"] == "ENDPOINTS"
    assert {rule["table"] for one in got["outcomes"] for rule in one["rules"]} == {"kube-proxy"}
    assert answer(flow, "--proxy-mode", "nftables") == got
    other = answer(flow, "--proxy-mode", "iptables", file=file)
    assert (other["chances"], other["masquerade"]) == (got["chances"], got["masquerade"])
    assert {rule["table"] for one in other["outcomes"] for rule in one["rules"]} == {
        "nat",
        "filter",
    }
