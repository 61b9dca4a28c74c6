"""The matrix as tables and as JSON."""

import json
from ipaddress import ip_address

from netlab.path.matrix import MatrixRow, ServiceMatrix, Target
from netlab.path.observations import AddrPort
from netlab.path.outcomes import Outcome, Result
from netlab.render.matrix import render_matrix, render_matrix_json

TARGETS = tuple(
    Target(name=name, address=AddrPort(ip_address(address), port))
    for name, address, port in (
        ("ClusterIP", "10.0.55.247", 80),
        ("node1", "10.240.0.3", 31704),
        ("node2", "10.240.0.4", 31704),
    )
)
NAMES = {
    ip_address("198.51.100.79"): "client",
    ip_address("10.244.1.1"): "node1 gateway",
    ip_address("10.244.1.2"): "web-1",
}


def row(caller: str, kind: str, *results: str, node: str = "") -> MatrixRow:
    """Return a row; a result is an address the pod saw, or how the call ended."""
    outcomes = [
        Outcome(caller=caller, target=target.address, result=Result(result))
        if result.isalpha()
        else Outcome(
            caller=caller,
            target=target.address,
            result=Result.ANSWERED,
            client_address=ip_address(result),
        )
        for target, result in zip(TARGETS, results, strict=True)
    ]
    return MatrixRow(caller=caller, kind=kind, node=node, outcomes=tuple(outcomes))


MATRIX = ServiceMatrix(
    service="default/nodeport",
    policy="Local",
    targets=TARGETS,
    rows=(
        row("client", "client", "unreachable", "198.51.100.79", "timeout"),
        row("node1", "node", "10.244.1.1", "10.244.1.1", "timeout"),
        row("web-1", "pod", "10.244.1.1", "10.244.1.1", "answered", node="node1"),
    ),
)

WIDE = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP                    node1                        node2
                 10.0.55.247:80               10.240.0.3:31704             10.240.0.4:31704
client           unreachable                  198.51.100.79 (client)       timeout
node1            10.244.1.1 (node1 gateway)   10.244.1.1 (node1 gateway)   timeout
web-1 on node1   10.244.1.1 (node1 gateway)   10.244.1.1 (node1 gateway)   answered
"""

AT_80 = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP        node1              node2
                 10.0.55.247:80   10.240.0.3:31704   10.240.0.4:31704
client           unreachable      198.51.100.79      timeout
node1            10.244.1.1       10.244.1.1         timeout
web-1 on node1   10.244.1.1       10.244.1.1         answered

10.244.1.1     node1 gateway
198.51.100.79  client
"""

AT_60 = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP        node1
                 10.0.55.247:80   10.240.0.3:31704
client           unreachable      198.51.100.79
node1            10.244.1.1       10.244.1.1
web-1 on node1   10.244.1.1       10.244.1.1

CALLER           node2
                 10.240.0.4:31704
client           timeout
node1            timeout
web-1 on node1   answered

10.244.1.1     node1 gateway
198.51.100.79  client
"""


def test_names_stand_beside_addresses_where_they_fit():
    assert render_matrix([MATRIX], NAMES, None) == WIDE
    assert render_matrix([MATRIX], NAMES, 200) == WIDE


def test_at_80_columns_names_are_in_a_legend():
    assert render_matrix([MATRIX], NAMES, 80) == AT_80


def test_a_table_that_is_too_wide_goes_on_below():
    assert render_matrix([MATRIX], NAMES, 60) == AT_60


def test_json_has_its_schema_and_every_result():
    document = json.loads(render_matrix_json("blue", [MATRIX], NAMES))
    assert (document["schema"], document["lab"]) == ("netlab.matrix/1", "blue")
    [service] = document["services"]
    assert service["external_traffic_policy"] == "Local"
    assert service["rows"][0]["results"][1] == {
        "target": "10.240.0.3:31704",
        "result": "answered",
        "client_address": "198.51.100.79",
        "client_name": "client",
    }
    assert [r["result"] for r in service["rows"][2]["results"]] == ["answered"] * 3
    assert service["rows"][2]["results"][2]["client_address"] is None
