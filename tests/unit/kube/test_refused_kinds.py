"""Every kind refuses what Kubernetes' validation refuses, and nothing else: see the tables."""

import copy

import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.table import KINDS, kind_of
from netlab.kube.manifests import check_object
from netlab.kube.objects import Object
from tests.unit.kube.accepted_kinds import ACCEPTED
from tests.unit.kube.refused_kinds import METADATA, REFUSED, RIGHT
from tests.unit.kube.refused_statuses import REFUSED_STATUSES, RIGHT_STATUSES


def changed(kind: str, path: str, value: object) -> Object:
    obj = copy.deepcopy(RIGHT[kind])
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at = obj
    for part in parents:
        at = at[part] if isinstance(part, int) else at.setdefault(part, {})
    at[last] = copy.deepcopy(value)
    return obj


def status_problems(kind: str, status: object) -> list[str]:
    obj = {**RIGHT[kind], "status": status}
    report = Report(Document(value=obj))
    found = kind_of(kind)
    assert found is not None
    found.validate_status(obj, report)
    return [*map(str, report.problems)]


def test_the_table_has_every_kind():
    assert set(RIGHT) == {kind.resource.kind for kind in KINDS}


def test_the_table_is_as_long_as_it_should_be():
    refused = sum(map(len, REFUSED.values())) + len(REFUSED_STATUSES) + len(METADATA) * len(RIGHT)
    assert refused > 400
    assert sum(map(len, ACCEPTED.values())) + len(RIGHT_STATUSES) + len(RIGHT) > 150


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_right_is_accepted(kind: str):
    assert [*map(str, check_object(RIGHT[kind]))] == []


@pytest.mark.parametrize(
    ("kind", "path", "value", "why"),
    [(kind, *case) for kind, cases in REFUSED.items() for case in cases],
)
def test_what_kubernetes_refuses_is_refused_in_its_words(
    kind: str, path: str, value: object, why: str
):
    problems = [*map(str, check_object(changed(kind, path, value)))]
    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize(("path", "value", "why"), METADATA)
def test_metadata_is_checked_in_every_kind(kind: str, path: str, value: object, why: str):
    problems = [*map(str, check_object(changed(kind, path, value)))]
    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [(kind, *case) for kind, cases in ACCEPTED.items() for case in cases],
)
def test_what_kubernetes_accepts_is_accepted(kind: str, path: str, value: object):
    assert [*map(str, check_object(changed(kind, path, value)))] == []


@pytest.mark.parametrize(("kind", "status", "why"), REFUSED_STATUSES)
def test_a_status_that_cannot_be_is_refused(kind: str, status: object, why: str):
    problems = status_problems(kind, status)
    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(("kind", "status"), RIGHT_STATUSES)
def test_a_status_that_can_be_is_accepted(kind: str, status: object):
    assert status_problems(kind, status) == []
