import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.deployment.rolling_update import check_strategy


def rolling(**fields: object) -> dict[str, object]:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": fields}}


UNAVAILABLE = "spec.strategy.rollingUpdate.maxUnavailable"
SURGE = "spec.strategy.rollingUpdate.maxSurge"
NO_PERCENT = "a valid percent string must be a numeric string followed by an ending '%'"


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({}, [], id="the defaults"),
        pytest.param(rolling(maxSurge="25%", maxUnavailable=0), [], id="a share and a count"),
        pytest.param(rolling(maxSurge="one"), [(SURGE, NO_PERCENT)], id="a word"),
        pytest.param(rolling(maxSurge="25"), [(SURGE, NO_PERCENT)], id="a count in quotes"),
        pytest.param(rolling(maxSurge="1.5%"), [(SURGE, NO_PERCENT)], id="half a percent"),
        pytest.param(rolling(maxSurge="٣%"), [(SURGE, NO_PERCENT)], id="digits of another script"),
        pytest.param(rolling(maxSurge="inf"), [(SURGE, NO_PERCENT)], id="infinity"),
        pytest.param(
            rolling(maxSurge=-1), [(SURGE, "must be greater than or equal to 0")], id="below none"
        ),
        pytest.param(
            rolling(maxUnavailable="101%"),
            [(UNAVAILABLE, "must not be greater than 100%")],
            id="more than all",
        ),
        pytest.param(
            rolling(maxSurge=0, maxUnavailable="0%"),
            [(UNAVAILABLE, "may not be 0 when `maxSurge` is 0")],
            id="no room to move",
        ),
        pytest.param(
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            [("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is")],
            id="a rolling Recreate",
        ),
        pytest.param(
            {"strategy": {"type": "Slow"}},
            [("spec.strategy.type", 'Unsupported value: "Slow"')],
            id="no strategy",
        ),
        pytest.param(
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            [("spec.progressDeadlineSeconds", "must be greater than minReadySeconds")],
            id="a deadline that cannot be met",
        ),
    ],
)
def test_what_is_wrong_with_a_strategy(spec: dict[str, object], wrong: list[tuple[str, str]]):
    report = Report(Document(value=spec))
    check_strategy(spec, ("spec",), report)
    assert [problem.path for problem in report.problems] == [path for path, _ in wrong]
    for problem, (_, why) in zip(report.problems, wrong, strict=True):
        assert why in problem.message
