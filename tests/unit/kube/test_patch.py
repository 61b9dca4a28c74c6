"""Strategic merge patches, each case with the answer of `kubectl patch --local`."""

from typing import Any

import pytest

from netlab.kube.patch import STRATEGIC_MERGE_PATCH, apply_patch
from netlab.kube.status import StatusError

PORTS = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}, {"port": 82, "name": "c"}]


def service(ports: list[Any]) -> dict[str, Any]:
    spec = {"type": "NodePort", "selector": {"app": "web"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("patch", "ports"),
    [
        pytest.param(
            {"ports": [{"port": 81, "targetPort": 9}]},
            [80, 81, 82],
            id="a known port stays where it is",
        ),
        pytest.param({"ports": [{"port": 90}]}, [90, 80, 81, 82], id="a new port comes first"),
        pytest.param(
            {"ports": [{"port": 81, "$patch": "delete"}]}, [80, 82], id="delete takes one away"
        ),
        pytest.param({"ports": [{"$patch": "replace"}, {"port": 90}]}, [90], id="replace all"),
        pytest.param(
            {"ports": [{"port": 90}], "$setElementOrder/ports": [{"port": 82}, {"port": 90}]},
            [80, 81, 82, 90],
            id="an order holds for what it lists",
        ),
        pytest.param(
            {"$setElementOrder/ports": [{"port": 82}, {"port": 80}]},
            [81, 82, 80],
            id="an order alone moves only what it lists",
        ),
        pytest.param({"ports": None}, None, id="null removes the list"),
    ],
)
def test_ports_merge_by_number(patch: dict[str, Any], ports: list[int] | None):
    before = service(PORTS)
    after = apply_patch(before, {"spec": patch}, STRATEGIC_MERGE_PATCH)
    found = after["spec"].get("ports")
    assert (found and [port["port"] for port in found]) == ports
    assert before == service(PORTS)


def test_a_merged_item_keeps_its_other_fields():
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 9}]}}
    after = apply_patch(service(PORTS), patch, STRATEGIC_MERGE_PATCH)
    assert after["spec"]["ports"][0] == {"port": 80, "name": "a", "targetPort": 9}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"ports": [{"name": "a"}]}}, id="an item without its key"),
        pytest.param(
            {"spec": {"ports": [{"port": 80}], "$setElementOrder/ports": [{"port": 81}]}},
            id="an order that leaves out an item",
        ),
        pytest.param([], id="a list"),
    ],
)
def test_refuses(patch: object):
    with pytest.raises(StatusError):
        apply_patch(service(PORTS), patch, STRATEGIC_MERGE_PATCH)
