import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.pod.validation import check_pod_spec, check_replicated, selects

WEB: dict[str, object] = {"name": "web", "image": "nginx"}


def problems(spec: dict[str, object], nodes: tuple[str, ...] | None = ("node1",)) -> list[str]:
    report = Report(Document(value=spec))
    check_pod_spec(spec, ("spec",), report, nodes)
    return [str(problem).partition(": ")[0] for problem in report.problems]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"containers": [WEB], "nodeName": "node1"}, [], id="all right"),
        pytest.param({}, ["spec.containers"], id="no container"),
        pytest.param({"containers": [{"name": "w"}]}, ["spec.containers[0].image"], id="no image"),
        pytest.param(
            {"containers": [{**WEB, "name": "W_"}]}, ["spec.containers[0].name"], id="a bad name"
        ),
        pytest.param({"containers": [WEB, WEB]}, ["spec.containers[1].name"], id="a name twice"),
        pytest.param(
            {"containers": [WEB], "nodeName": "node9"}, ["spec.nodeName"], id="an unknown node"
        ),
        pytest.param(
            {"containers": [WEB], "restartPolicy": "Sometimes"},
            ["spec.restartPolicy"],
            id="a policy that is none",
        ),
        pytest.param(
            {"containers": [{**WEB, "ports": [{"containerPort": 65536}]}]},
            ["spec.containers[0].ports[0].containerPort"],
            id="a port out of range",
        ),
    ],
)
def test_what_is_wrong_with_a_pod(spec: dict[str, object], wrong: list[str]):
    assert problems(spec) == wrong


def test_without_a_topology_any_node_will_do():
    assert problems({"containers": [WEB], "nodeName": "node9"}, nodes=None) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        pytest.param({}, [], id="all right"),
        pytest.param({"replicas": -1}, ["spec.replicas"], id="fewer than none"),
        pytest.param({"selector": {}}, ["spec.selector"], id="no selector"),
        pytest.param(
            {"selector": {"matchLabels": {"app": "other"}}},
            ["spec.template.metadata.labels"],
            id="a selector that misses its own pods",
        ),
        pytest.param({"template": None}, ["spec.template"], id="no template"),
    ],
)
def test_what_is_wrong_with_a_deployment(change: dict[str, object], wrong: list[str]):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [WEB]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **change}
    report = Report(Document(value=spec))
    check_replicated(spec, ("spec",), report, None)
    assert [str(problem).partition(": ")[0] for problem in report.problems] == wrong


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        ("In", ["web", "api"], True),
        ("In", ["api"], False),
        ("NotIn", ["api"], True),
        ("NotIn", ["web"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_a_selector_with_expressions(operator: str, values: list[str], matches: bool):
    expression = {"key": "app", "operator": operator, "values": values}
    assert selects({"matchExpressions": [expression]}, {"app": "web"}) is matches


def test_a_selector_wants_all_of_its_labels():
    selector = {"matchLabels": {"app": "web", "tier": "front"}}
    assert not selects(selector, {"app": "web"})
    assert selects({}, {"app": "web"})
