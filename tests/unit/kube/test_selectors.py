"""Selectors that cannot be read, and times of watches."""

import pytest

from netlab.apiserver.watch import is_true
from netlab.kube.field_error import invalid_value
from netlab.kube.objects import Key
from netlab.kube.selectors import label_selector_matches, parse_selectors
from netlab.kube.status import (
    StatusError,
    failure_of_status,
    failure_status,
    invalid,
)


@pytest.mark.parametrize(
    ("labels", "fields"),
    [
        pytest.param("a in b)", "", id="a set without its bracket"),
        pytest.param("a=b=c", "", id="two equals"),
        pytest.param("", "metadata.name", id="a field without a value"),
    ],
)
def test_refuses(labels: str, fields: str):
    with pytest.raises(StatusError) as refusal:
        parse_selectors(labels, fields)
    assert refusal.value.code == 400


@pytest.mark.parametrize("text", ["true", "True", "1", "t"])
def test_true_as_go_reads_it(text: str):
    assert is_true(text)
    assert not is_true("false")


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        pytest.param("In", ["web"], True, id="In"),
        pytest.param("NotIn", ["web"], False, id="NotIn"),
        pytest.param("Exists", [], True, id="Exists"),
        pytest.param("DoesNotExist", [], False, id="DoesNotExist"),
    ],
)
def test_expressions(operator: str, values: list[str], found: bool):
    expression = {"key": "app", "operator": operator, "values": values}
    selector = {"matchLabels": {"tier": "a"}, "matchExpressions": [expression]}
    assert label_selector_matches(selector, {"app": "web", "tier": "a"}) == found


def test_a_refusal_survives_the_wire():
    causes = [invalid_value("spec.a", 1, "bad"), invalid_value("spec.b", "x", "worse")]
    told = invalid(Key("services", "default", "web"), causes)
    heard = failure_of_status(failure_status(told))
    assert str(heard) == (
        'Service "web" is invalid: [spec.a: Invalid value: 1: bad, '
        'spec.b: Invalid value: "x": worse]'
    )
    assert (heard.code, heard.reason, heard.causes) == (422, "Invalid", told.causes)
