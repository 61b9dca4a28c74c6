"""A lab is not filled with pods that wait, whatever they wait for."""

from netlab.apiserver.store import Store
from netlab.controllers.pod_control import MAX_UNSCHEDULED, room


def test_a_pod_that_waits_for_an_address_counts_as_one_that_waits_for_a_node(store: Store):
    for number, (spec, status) in enumerate(
        (
            ({}, {}),
            ({"nodeName": "node1"}, {"reason": "NoFreeAddress"}),
            ({"nodeName": "node1"}, {"podIPs": [{"ip": "10.244.1.2"}]}),
            ({"nodeName": "node1"}, {"phase": "Failed"}),
        )
    ):
        metadata = {"name": f"p{number}", "namespace": "default"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        store.create({**pod, "spec": {"containers": [], **spec}, "status": status})
    assert room(store) == MAX_UNSCHEDULED - 2
