"""POST to a part of a pod: an eviction, or a binding to a node."""

from netlab.apiserver.deletion_options import check_preconditions
from netlab.apiserver.registry.eviction import evict
from netlab.apiserver.request import Answer, Request, not_allowed
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, spec_of, with_spec
from netlab.kube.status import bad_request, conflict, success_status


def create_part(store: Store, request: Request, now: float) -> Answer:
    """Answer POST to a part of an object: an eviction or a binding."""
    target = request.target
    match target.subresource:
        case "eviction":
            pod = store.require(target.key)
            options = request.object().get("deleteOptions") or {}
            if not isinstance(options, dict):
                raise bad_request("deleteOptions must be an object")
            check_preconditions(target.key, pod, options.get("preconditions") or {})
            evict(store, pod, now, options, is_dry_run=request.is_dry_run)
        case "binding":
            _bind(store, request)
        case _:
            raise not_allowed()
    return Answer(body=success_status(), code=201)


def _bind(store: Store, request: Request) -> None:
    pod = store.require(request.target.key)
    target = request.object().get("target")
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise bad_request("target.name: Required value")
    if spec_of(pod).get("nodeName"):
        raise conflict(request.target.key)
    store.require(Key("nodes", "", node))
    if not request.is_dry_run:
        store.update(with_spec(pod, nodeName=node))
