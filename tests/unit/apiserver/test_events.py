from dataclasses import replace

from netlab.apiserver.events import Recorder
from netlab.apiserver.store import Store
from netlab.controllers.event_ttl import MAX_ALIKE, MAX_EVENTS, step
from netlab.kube.events import Record

NOW = 1_800_000_000.0


def record(message: str, uid: str = "u1") -> Record:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default", "uid": uid},
    }
    return Record(object=obj, reason="SuccessfulCreate", message=message, component="replicaset")


def told(store: Store) -> list[tuple[str, int]]:
    return sorted((one["message"], one["count"]) for one in store.list_("events"))


def test_what_happens_again_is_counted(store: Store):
    recorder = Recorder(store)
    for seconds in range(3):
        recorder.record(record("Created pod: "), NOW + seconds, suffix="a")
    assert told(store) == [("Created pod: a", 3)]


def test_more_than_ten_alike_are_combined_and_then_cut(store: Store):
    recorder = Recorder(store)
    for number in range(1000):
        recorder.record(record("Created pod: "), NOW, suffix=f"web-{number:03}")
    events = told(store)
    assert len(events) == 11
    assert events[0] == ("(combined from similar events): Created pod: web-024", 15)
    assert events[1] == ("Created pod: web-000", 1)


def test_another_object_is_told_of_all_the_same(store: Store):
    recorder = Recorder(store)
    for number in range(100):
        recorder.record(record(f"{number}"), NOW)
    assert recorder.record(record("other", "u2"), NOW) is not None
    assert recorder.record(replace(record("bad"), type="Warning"), NOW) is not None
    assert recorder.record(record("0"), NOW) is None
    assert recorder.record(record("0"), NOW + 301) is not None


def test_old_events_go_and_so_do_too_many(store: Store):
    recorder = Recorder(store)
    for number in range(3):
        recorder.record(record(f"{number}", uid=f"u{number}"), NOW + number)
    events = store.list_("events")
    assert step(events, NOW + 2).changes == []
    assert step(events, NOW + 2).wake_at == NOW + 3600
    assert len(step(events, NOW + 3601).changes) == 2
    many = [
        {
            **events[0],
            "metadata": {"name": f"e{n}"},
            "reason": f"r{n % 100}",
            "lastTimestamp": "2027-01-15T08:00:00Z",
        }
        for n in range(MAX_EVENTS + 5)
    ]
    assert len(step(many, NOW).changes) == 5
    alike = [{**one, "reason": "FailedScheduling"} for one in many[: MAX_ALIKE + 3]]
    assert len(step([*alike, *many[-5:]], NOW).changes) == 3
