import json
from pathlib import Path
from typing import Any

import pytest

from netlab.kubeproxy.iptables.names import endpoint_chain, port_hash, service_port_name

Facts = dict[str, Any]

FACTS: Facts = json.loads(
    (Path(__file__).parents[3] / "golden/kubeproxy/kube-proxy-facts.json").read_text("utf-8")
)


@pytest.mark.parametrize(
    "vector",
    FACTS["hashVectors"]["values"],
    ids=lambda vector: f"{vector['servicePortName']} {vector.get('endpoint', '')}",
)
def test_hash_is_kube_proxys(vector: Facts):
    name, protocol = vector["servicePortName"], vector["protocol"]
    if vector["kind"] == "endpoint":
        assert endpoint_chain(name, protocol, vector["endpoint"]) == "KUBE-SEP-" + vector["suffix"]
    else:
        assert port_hash(name, protocol) == vector["suffix"]


@pytest.mark.parametrize(
    ("port", "expected"),
    [("http", "default/web:http"), ("", "default/web")],
    ids=["a port with a name", "a port without a name"],
)
def test_service_port_name(port: str, expected: str):
    assert service_port_name("default", "web", port) == expected
