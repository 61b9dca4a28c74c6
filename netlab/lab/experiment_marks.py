"""What an experiment changes of a lab's objects is written on them, for whoever must put it back.

Theory of operation
-------------------
A command that is killed has a child that puts back what it changed (``Afterwards``), through the
control plane. When that is killed too, nobody is left who knows. So each object that an experiment
makes or changes says so in annotations, written with the change itself: which process did it, and
what it was before. ``up`` and ``status`` look for such objects whose process has ended, remove what
was made and put back what was changed. An experiment that goes on is left alone.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from netlab.client.cluster import Objects
from netlab.kube.objects import Object, annotations_of, metadata_of, name_of, namespace_of, spec_of
from netlab.kube.resources import RESOURCES
from netlab.kube.status import StatusError
from netlab.linux import processes
from netlab.model.processes import ProcessId

MERGE_PATCH: Final = "application/merge-patch+json"

_MADE_BY: Final = "netlab/made-by-experiment"
"""The process, as its pid and start time, on an object that goes with the experiment."""
_CHANGED_BY: Final = "netlab/changed-by-experiment"
_POLICY_BEFORE: Final = "netlab/external-traffic-policy-before"

_RESOURCES: Final = ("deployments", "services", "pods")
"""What experiments make."""


def made(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object that an experiment is to make, so marked."""
    metadata = body["metadata"]
    annotations = {**metadata.get("annotations", {}), _MADE_BY: _this_process()}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def policy_patch(policy: str, before: str) -> Object:
    """Return the patch that gives a Service an externalTrafficPolicy, and says which it had."""
    marks = {_CHANGED_BY: _this_process(), _POLICY_BEFORE: before}
    return {
        "metadata": {"annotations": marks},
        "spec": {"externalTrafficPolicy": policy},
    }


def policy_restored(policy: str) -> Object:
    """Return the patch that gives a Service its own externalTrafficPolicy again."""
    marks = {_CHANGED_BY: None, _POLICY_BEFORE: None}
    return {
        "metadata": {"annotations": marks},
        "spec": {"externalTrafficPolicy": policy},
    }


def put_back(objects: Objects) -> list[str]:
    """Put back what experiments that have ended left, and return what was done, a line each.

    Raises:
        NetlabError: The control plane refuses it, or does not answer.
    """
    done = []
    for resource, obj in _left(objects):
        try:
            done.append(_put_back(objects, resource, obj))
        except StatusError as error:
            # Somebody else did it in this moment.
            if error.reason != "NotFound":
                raise
    return done


def _left(objects: Objects) -> Iterator[tuple[str, Object]]:
    for resource in _RESOURCES:
        for one in objects.get(RESOURCES[resource].path())["items"]:
            marks = annotations_of(one)
            by = marks.get(_MADE_BY) or marks.get(_CHANGED_BY)
            is_going = bool(metadata_of(one).get("deletionTimestamp"))
            if by is not None and not is_going and not _is_alive(by):
                yield resource, one


def _put_back(objects: Objects, resource: str, obj: Object) -> str:
    path = RESOURCES[resource].path(namespace_of(obj), name_of(obj))
    if _MADE_BY in annotations_of(obj):
        objects.delete(path)
        return f"delete {_kind(resource)} {name_of(obj)}, which an experiment has left"
    policy = annotations_of(obj).get(_POLICY_BEFORE, "Cluster")
    if spec_of(obj).get("externalTrafficPolicy") is None:
        # It has become of a type without one meanwhile.
        marks = policy_restored(policy)["metadata"]
        objects.patch(path, {"metadata": marks}, MERGE_PATCH)
        return f"take the marks of an experiment off Service {name_of(obj)}"
    objects.patch(path, policy_restored(policy), MERGE_PATCH)
    return f"put back externalTrafficPolicy {policy} of Service {name_of(obj)}"


def _kind(resource: str) -> str:
    return RESOURCES[resource].kind


def _this_process() -> str:
    this = processes.identity(os.getpid())
    return f"{this.pid}-{this.start_time}"


def _is_alive(text: str) -> bool:
    pid, _, start_time = text.partition("-")
    if not (pid.isdigit() and start_time.isdigit()):
        return False
    return processes.is_alive(ProcessId(pid=int(pid), start_time=int(start_time)))
