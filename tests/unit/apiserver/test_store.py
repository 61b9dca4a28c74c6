"""The store: versions, refusals, transactions, history, the file."""

import random  # noqa: TID251 seeded, so that tests repeat
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from netlab.apiserver import store as store_module
from netlab.apiserver.bootstrap import bootstrap, fill_in_defaults
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, with_metadata, with_spec
from netlab.kube.status import StatusError

NOW = 1_800_000_000.0


def new_store(path: Path | None = None):
    return Store(path, clock=lambda: NOW, random=random.Random(1))  # noqa: S311


def pod(name: str = "web", **metadata: object):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"containers": []},
    }


def deployment(replicas: int = 1):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas},
    }


def test_a_new_object_has_uid_time_and_version():
    metadata = new_store().create(pod())["metadata"]
    assert metadata["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert metadata["resourceVersion"] == "1"
    assert len(metadata["uid"]) == 36


def test_a_generated_name_has_five_letters_without_vowels():
    store = new_store()
    manifest = with_metadata(pod(), name="", generateName="web-")
    names = {store.create(manifest)["metadata"]["name"] for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("web-") and len(name) == 9 for name in names)
    assert not set("aeiou013") & set("".join(name[4:] for name in names))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda s, _: s.create(pod()), "AlreadyExists", id="a name that is taken"),
        pytest.param(lambda s, _: s.update(pod("other")), "NotFound", id="one that is not there"),
        pytest.param(
            lambda s, p: s.update(with_metadata(p, resourceVersion="0")),
            "Conflict",
            id="a state made from an older one",
        ),
        pytest.param(
            lambda s, p: s.update(with_metadata(p, uid="x")), "Conflict", id="another one's uid"
        ),
    ],
)
def test_refuses(change: Callable[[Store, Object], object], reason: str):
    store = new_store()
    stored = store.create(pod())
    with pytest.raises(StatusError) as refusal:
        change(store, stored)
    assert refusal.value.reason == reason
    assert store.get(Key("pods", "default", "web")) == stored


def test_an_equal_state_is_no_change():
    store = new_store()
    stored = store.create(pod())
    assert store.update(dict(stored)) is stored
    assert store.version == 1


def test_generation_grows_with_the_spec_only():
    store = new_store()
    first = store.create(deployment())
    told = store.update({**first, "status": {"replicas": 1}})
    scaled = store.update(with_spec(told, replicas=2))
    generations = [one["metadata"]["generation"] for one in (first, told, scaled)]
    assert generations == [1, 1, 2]


def test_a_failed_transaction_leaves_no_trace(tmp_path: Path):
    store = new_store(tmp_path / "store.db")
    kept = store.create(pod(labels={"app": "web"}))
    events = []
    store.subscribe(events.append)

    def fail():
        with store.transaction():
            store.create(pod("new"))
            store.update(with_metadata(kept, labels={"app": "other"}))
            store.remove(Key("pods", "default", "web"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert events == []
    assert store.list_("pods") == [kept]
    assert store.select("pods", "default", {"app": "web"}) == [kept]
    assert store.version == 1
    store.close()
    assert new_store(tmp_path / "store.db").list_("pods") == [kept]


def test_subscribers_hear_of_each_change_after_the_commit():
    store = new_store()
    heard = []
    unsubscribe = store.subscribe(lambda event: heard.append((event.type, event.version)))
    with store.transaction():
        stored = store.create(pod())
        store.update(with_metadata(stored, labels={"a": "b"}))
        store.remove(Key("pods", "default", "web"))
        assert heard == []
    unsubscribe()
    store.create(pod())
    assert heard == [("ADDED", 1), ("MODIFIED", 2), ("DELETED", 3)]


def test_a_reopened_file_has_the_same_objects_and_goes_on_counting(tmp_path: Path):
    store = new_store(tmp_path / "store.db")
    bootstrap(store, [ip_network("10.0.0.0/16")])
    store.create(pod(labels={"app": "web"}))
    before = {kind: store.list_(kind) for kind in ("pods", "services", "namespaces")}
    version = store.version
    store.close()
    again = new_store(tmp_path / "store.db")
    assert {kind: again.list_(kind) for kind in before} == before
    assert len(again.select("pods", "default", {"app": "web"})) == 1
    assert again.version == version
    with pytest.raises(StatusError) as refusal:
        again.events_since(version - 1)
    assert (refusal.value.code, refusal.value.reason) == (410, "Expired")
    again.close()


def test_history_forgets_the_oldest_events(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store_module, "HISTORY_EVENTS", 3)
    store = new_store()
    for place in range(5):
        store.create(pod(f"web-{place}"))
    assert [event.version for event in store.events_since(3)] == [4, 5]
    with pytest.raises(StatusError, match="too old resource version"):
        store.events_since(1)


def test_bootstrap_twice_is_once():
    store = new_store()
    bootstrap(store, [ip_network("10.0.0.0/16")])
    version = store.version
    bootstrap(store, [ip_network("10.0.0.0/16")])
    assert store.version == version
    service = store.require(Key("services", "default", "kubernetes"))
    assert service["spec"]["clusterIP"] == "10.0.0.1"


def test_a_default_that_a_file_does_not_know_is_filled_in_once(tmp_path: Path):
    store = new_store(tmp_path / "store.db")
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    for manifest in ({**deployment(), "spec": spec}, pod()):
        store.create(manifest)
    store.close()
    store = new_store(tmp_path / "store.db")
    fill_in_defaults(store)
    assert store.require(Key("deployments", "default", "web"))["spec"]["revisionHistoryLimit"] == 10
    version = store.version
    fill_in_defaults(store)
    assert store.version == version
