"""Server-side apply: who owns what, what conflicts, and what goes."""

from typing import Any

import pytest

from netlab.kube.field_paths import decode, encode, spell
from netlab.kube.managed_fields import Manager, after_update, ownership_of
from netlab.kube.objects import Object
from netlab.kube.server_side_apply import apply
from netlab.kube.status import StatusError

NOW = 1_800_000_000.0


def deployment(**spec: object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    }


def service(*ports: Object, **labels: str) -> Object:
    metadata: Object = {"name": "web", "namespace": "default"}
    if labels:
        metadata["labels"] = labels
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"ports": list(ports)},
    }


def applier(name: str = "one", version: str = "v1") -> Manager:
    return Manager(name=name, operation="Apply", api_version=version)


def updater(name: str, version: str = "v1") -> Manager:
    return Manager(name=name, operation="Update", api_version=version)


def fields(obj: Object, name: str) -> dict[str, Any]:
    (found,) = (one for one in obj["metadata"]["managedFields"] if one["manager"] == name)
    return found["fieldsV1"]


HTTP: Object = {"port": 80, "protocol": "TCP", "name": "http"}
HTTPS: Object = {"port": 443, "protocol": "TCP", "name": "https"}


def created(config: Object, manager: Manager) -> Object:
    empty = {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}
    return apply(empty, config, manager, NOW, force=False)


def test_an_applier_owns_what_it_says_and_nothing_else():
    obj = created(service(HTTP, app="web"), applier())
    assert fields(obj, "one") == {
        "f:metadata": {"f:labels": {"f:app": {}}},
        "f:spec": {
            "f:ports": {
                'k:{"port":80,"protocol":"TCP"}': {
                    ".": {},
                    "f:name": {},
                    "f:port": {},
                    "f:protocol": {},
                }
            }
        },
    }


def test_a_port_without_a_protocol_is_the_one_with_tcp():
    obj = created(service({"port": 80}), applier())
    assert 'k:{"port":80,"protocol":"TCP"}' in fields(obj, "one")["f:spec"]["f:ports"]


def test_two_appliers_of_different_fields_do_not_meet():
    obj = created(service(HTTP), applier())
    obj = apply(obj, service(HTTPS, tier="front"), applier("two"), NOW, force=False)
    assert [port["port"] for port in obj["spec"]["ports"]] == [80, 443]
    assert obj["metadata"]["labels"] == {"tier": "front"}


def test_the_same_value_can_have_two_owners():
    obj = created(service(HTTP), applier())
    obj = apply(obj, service(HTTP), applier("two"), NOW, force=False)
    assert fields(obj, "one") == fields(obj, "two")


def test_another_value_is_a_conflict_that_names_owner_and_field():
    obj = created(deployment(replicas=3), applier(version="apps/v1"))
    with pytest.raises(StatusError) as refusal:
        apply(obj, deployment(replicas=5), applier("two", "apps/v1"), NOW, force=False)
    assert (refusal.value.code, refusal.value.reason) == (409, "Conflict")
    assert str(refusal.value) == (
        'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    )
    (cause,) = refusal.value.causes
    assert (cause.reason, cause.field) == ("FieldManagerConflict", ".spec.replicas")


def test_several_conflicts_are_told_by_owner():
    obj = created(service(HTTP, app="web", tier="front"), applier())
    with pytest.raises(StatusError) as refusal:
        apply(obj, service(app="x", tier="y"), applier("two"), NOW, force=False)
    assert str(refusal.value) == (
        'Apply failed with 2 conflicts: conflicts with "one":\n'
        "- .metadata.labels.app\n- .metadata.labels.tier"
    )


def test_force_takes_the_field_over():
    obj = created(deployment(replicas=3), applier(version="apps/v1"))
    obj = apply(obj, deployment(replicas=5), applier("two", "apps/v1"), NOW, force=True)
    assert obj["spec"]["replicas"] == 5
    assert [one["manager"] for one in obj["metadata"]["managedFields"]] == ["two"]


def test_what_is_no_longer_said_goes_unless_another_owns_it():
    obj = created(service(HTTP, HTTPS, app="web", tier="front"), applier())
    obj = apply(obj, service(HTTPS), applier("two"), NOW, force=False)
    obj = apply(obj, service(app="web"), applier(), NOW, force=False)
    assert obj["metadata"]["labels"] == {"app": "web"}
    assert obj["spec"]["ports"] == [HTTPS]


def test_a_structure_goes_with_its_defaults_when_it_is_no_longer_said():
    obj = created(deployment(replicas=1, strategy={"type": "Recreate"}), applier(version="apps/v1"))
    obj["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": 1}
    obj = apply(obj, deployment(replicas=1), applier(version="apps/v1"), NOW, force=False)
    assert "strategy" not in obj["spec"]


def test_keys_that_nobody_owns_stay_in_a_map():
    obj = created(service(HTTP, app="web"), applier())
    obj["metadata"]["labels"]["of-a-controller"] = "1"
    obj = apply(obj, service(HTTP), applier(), NOW, force=False)
    assert obj["metadata"]["labels"] == {"of-a-controller": "1"}


def test_an_update_takes_what_it_changes_from_everybody():
    obj = created(deployment(replicas=3, paused=True), applier(version="apps/v1"))
    scaled = {**obj, "spec": {**obj["spec"], "replicas": 5}}
    new = after_update(obj, scaled, updater("kubectl", "apps/v1"), NOW)
    assert fields(new, "kubectl") == {"f:spec": {"f:replicas": {}}}
    assert fields(new, "one") == {"f:spec": {"f:paused": {}}}
    with pytest.raises(StatusError, match=r'"kubectl" using apps/v1: \.spec\.replicas'):
        apply(new, deployment(replicas=3), applier(version="apps/v1"), NOW, force=False)


def test_an_update_that_changes_nothing_changes_no_owner():
    obj = created(service(HTTP), applier())
    assert after_update(obj, obj, updater("kubectl"), NOW + 60) == obj


def test_a_status_is_owned_by_who_writes_it_as_such():
    obj = created(service(HTTP), applier())
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    new = after_update(obj, {**obj, "status": status}, updater("kubectl"), NOW)
    assert "f:status" not in str(new["metadata"])
    balancer = Manager(name="lb", operation="Update", api_version="v1", subresource="status")
    new = after_update(obj, {**obj, "status": status}, balancer, NOW)
    assert list(fields(new, "lb")) == ["f:status"]


def test_owners_that_a_client_sends_count():
    obj = created(service(HTTP), applier())
    moved = [{**one, "manager": "moved"} for one in obj["metadata"]["managedFields"]]
    sent = {**obj, "metadata": {**obj["metadata"], "managedFields": moved}}
    new = after_update(obj, sent, updater("kubectl"), NOW)
    assert [manager.name for manager in ownership_of(new)] == ["moved"]


PATHS = [
    {("f:a",)},
    {("f:a",), ("f:a", "f:b")},
    {("f:a", 'k:{"name":"x"}'), ("f:a", 'k:{"name":"x"}', "f:c"), ("f:b", 'v:"y"')},
]


@pytest.mark.parametrize("paths", PATHS)
def test_paths_come_back_from_what_objects_hold(paths: set[tuple[str, ...]]):
    assert decode(encode(paths)) == paths


def test_a_path_is_spelt_as_in_a_conflict():
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"x"')
    assert spell(path) == '.spec[containerPort=80,protocol="TCP"][="x"]'


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"manager": "x", "fieldsV1": {"k:not json": {}}}, id="a key that is none"),
        pytest.param({"manager": "x", "fieldsV1": {"odd": {"f:a": {}}}}, id="an odd element"),
        pytest.param({"manager": "x"}, id="no fields"),
        pytest.param({"fieldsV1": {"f:spec": {}}}, id="no manager"),
    ],
)
def test_an_entry_that_means_nothing_owns_nothing(entry: Object):
    obj = service(HTTP)
    obj["metadata"]["managedFields"] = [entry]
    assert all(not owned.fields for owned in ownership_of(obj).values())
