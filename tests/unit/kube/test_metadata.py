import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.table import kind_of
from netlab.kube.metadata import check_address, check_metadata, check_port_or_name


@pytest.fixture
def report() -> Report:
    return Report(Document(value={}))


def paths(report: Report) -> list[str]:
    return [str(problem).partition(": ")[0] for problem in report.problems]


@pytest.mark.parametrize(
    ("kind", "metadata", "wrong"),
    [
        pytest.param("Pod", {"name": "web.example"}, [], id="a pod may have a dot"),
        pytest.param("Service", {"name": "web.example"}, ["m.name"], id="a Service may not"),
        pytest.param("Service", {"name": "1st"}, ["m.name"], id="nor begin with a digit"),
        pytest.param("Pod", {}, ["m.name"], id="no name"),
        pytest.param("Pod", {"generateName": "web-"}, [], id="a name to be made"),
        pytest.param("Pod", {"name": "a", "namespace": "A"}, ["m.namespace"], id="a bad namespace"),
        pytest.param(
            "Namespace", {"name": "a", "namespace": "b"}, ["m.namespace"], id="one in another"
        ),
        pytest.param(
            "Pod",
            {"name": "a", "labels": {"a b": "x", "app": "-"}},
            ["m.labels.a b", "m.labels.app"],
            id="labels that are none",
        ),
    ],
)
def test_names_and_labels(kind: str, metadata: object, wrong: list[str], report: Report):
    found = kind_of(kind)
    assert found is not None
    namespaced = found.resource.namespaced
    wrong_name = found.wrong_name
    check_metadata(metadata, ("m",), report, wrong_name=wrong_name, namespaced=namespaced)
    assert paths(report) == wrong


@pytest.mark.parametrize(
    ("value", "right"),
    [(80, True), (0, False), (65536, False), ("http", True), ("80", False), ("-", False)],
)
def test_a_port_is_a_number_or_a_name(value: object, right: bool, report: Report):
    check_port_or_name(value, ("p",), report)
    assert (paths(report) == []) is right


@pytest.mark.parametrize(
    ("value", "right"), [("10.0.0.1", True), ("fd00::1", True), ("10.0.0", False), ("web", False)]
)
def test_an_address_is_of_either_family(value: str, right: bool, report: Report):
    check_address(value, ("a",), report)
    assert (paths(report) == []) is right
