from ipaddress import IPv4Network

import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.service.validation import check_service

NETWORKS = (IPv4Network("10.0.0.0/24"),)
PORTS: list[dict[str, object]] = [{"port": 80}]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"ports": PORTS}, [], id="all right"),
        pytest.param({"ports": PORTS, "clusterIP": "10.0.0.9"}, [], id="a ClusterIP asked for"),
        pytest.param({"clusterIP": "None"}, [], id="a headless one needs no port"),
        pytest.param({}, ["spec.ports"], id="no port"),
        pytest.param({"ports": [{"port": 0}]}, ["spec.ports[0].port"], id="a port out of range"),
        pytest.param(
            {"ports": PORTS, "clusterIP": "10.1.0.9"}, ["spec.clusterIPs"], id="a ClusterIP outside"
        ),
        pytest.param({"ports": PORTS, "type": "Nodeport"}, ["spec.type"], id="a type that is none"),
        pytest.param(
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 29999}]},
            ["spec.ports[0].nodePort"],
            id="a NodePort out of range",
        ),
        pytest.param(
            {"ports": [{"port": 80, "nodePort": 30000}]},
            ["spec.ports[0].nodePort"],
            id="a NodePort without the type for it",
        ),
        pytest.param(
            {"ports": PORTS, "externalTrafficPolicy": "Local"},
            ["spec.externalTrafficPolicy"],
            id="a policy for calls from outside that has none",
        ),
        pytest.param({"type": "ExternalName"}, ["spec.externalName"], id="no external name"),
    ],
)
def test_what_is_wrong_with_a_service(spec: dict[str, object], wrong: list[str]):
    report = Report(Document(value=spec))
    check_service(spec, ("spec",), report, NETWORKS)
    assert [str(problem).partition(": ")[0] for problem in report.problems] == wrong
