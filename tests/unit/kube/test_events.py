from dataclasses import replace

from netlab.kube.events import Record, event_name, event_of, repeated
from netlab.kube.objects import Object

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "u1", "resourceVersion": "7"},
}
STARTED = Record(
    object=POD,
    reason="Started",
    message="Started container web",
    component="kubelet",
    host="node1",
    field_path="spec.containers{web}",
)


def test_an_event_names_what_it_happened_to():
    event = event_of(STARTED, 0)
    assert event["involvedObject"] == {
        "kind": "Pod",
        "namespace": "default",
        "name": "web",
        "uid": "u1",
        "apiVersion": "v1",
        "resourceVersion": "7",
        "fieldPath": "spec.containers{web}",
    }
    assert event["source"] == {"component": "kubelet", "host": "node1"}
    assert (event["type"], event["count"]) == ("Normal", 1)


def test_an_event_of_a_node_is_in_the_namespace_default():
    node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}
    assert event_of(replace(STARTED, object=node), 0)["metadata"]["namespace"] == "default"


def test_what_happens_again_is_counted_under_one_name():
    assert event_name(STARTED) == event_name(replace(STARTED))
    assert event_name(STARTED) != event_name(replace(STARTED, message="Started container db"))
    again = repeated(event_of(STARTED, 0), 60)
    assert (again["count"], again["firstTimestamp"], again["lastTimestamp"]) == (
        2,
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:01:00Z",
    )
    assert again["metadata"]["name"] == event_name(STARTED)


def test_a_long_name_still_makes_a_name():
    long = {**POD, "metadata": {**POD["metadata"], "name": "a" * 253}}
    assert len(event_name(replace(STARTED, object=long))) <= 253
