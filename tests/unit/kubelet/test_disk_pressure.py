from pathlib import Path

from netlab.apiserver.store import Store
from netlab.kube.conditions import condition, is_true
from netlab.kube.objects import Key, Object
from netlab.kubelet.disk_pressure import is_nearly_full, tell

NODE: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}, "status": {}}
RUN = Path("/run/netlab/x")


def test_a_node_tells_once_that_logs_have_no_room(store: Store):
    store.create(NODE)
    assert tell(store, RUN, 0.0, is_full=False) == []
    [event] = tell(store, RUN, 1.0, is_full=True)
    assert event.reason == "NodeHasDiskPressure"
    node = store.require(Key("nodes", "", "node1"))
    found = condition(node, "DiskPressure")
    assert found
    assert (
        found["message"] == "/run/netlab/x is nearly full: lines of containers' logs are left out"
    )
    assert tell(store, RUN, 2.0, is_full=True) == []
    [event] = tell(store, RUN, 3.0, is_full=False)
    assert event.reason == "NodeHasNoDiskPressure"
    assert not is_true(store.require(Key("nodes", "", "node1")), "DiskPressure")


def test_an_ordinary_directory_has_room(tmp_path: Path):
    assert not is_nearly_full(tmp_path)
