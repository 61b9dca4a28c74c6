"""Run the controllers until nothing changes.

Theory of operation
-------------------
A change in the store becomes *work*: the controllers' steps that depend on the object, each with
the object to look at. ``reconcile`` takes the work of the first step that has any, does it, turns
the changes that it makes into new work, and begins again, until there is none. All of it is one
transaction of the store: watchers see the beginning and the end.

Steps are pure and know no store; what they may see is gathered here.
"""

from collections.abc import Callable, Iterable, Mapping

from netlab.apiserver.changes import Change, Create, Delete, Outcome, Remove, Update
from netlab.apiserver.registry.deletion import delete
from netlab.apiserver.store import Event, Store
from netlab.controllers import endpoints as endpoints_controller
from netlab.controllers import endpointslice_mirroring, garbage_collector, pod_addresses
from netlab.controllers import namespace as namespace_controller
from netlab.controllers import replicaset as replicaset_controller
from netlab.controllers.deployment import controller as deployment_controller
from netlab.controllers.deployment import rolling
from netlab.controllers.endpointslice import controller as endpointslice_controller
from netlab.controllers.endpointslice.slices import SERVICE_NAME
from netlab.controllers.work_queue import SCHEDULING, Step, Work, work_after
from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import Key, Object, name_of, spec_of, uid_of
from netlab.kube.resources import RESOURCES, key_of
from netlab.scheduler import schedule_one


class Reconciler:
    """The controllers of one store; it looks at everything once, then at what changes.

    Args:
        store: Whose objects it keeps true. One reconciler to a store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._work: dict[Step, dict[Work, None]] = {step: {} for step in Step}
        self._alarms: dict[Work, float] = {}
        self._is_running = False
        self._steps: Mapping[Step, Callable[[Key, float], Outcome]] = {
            Step.GARBAGE: self._garbage,
            Step.NAMESPACE: self._namespace,
            Step.SCHEDULING: self._schedule,
            Step.ADDRESSING: self._address,
            Step.REPLICASET: self._replicaset,
            Step.DEPLOYMENT: self._deployment,
            Step.BACKENDS: self._backends,
            Step.MIRROR: self._mirror,
        }
        store.subscribe(self._told)
        self._look_at_everything()

    def reconcile(self, now: float) -> float | None:
        """Bring all objects to where the controllers want them.

        Args:
            now: Wall clock seconds.

        Returns:
            When time alone will make more work, in wall clock seconds; None for never.
        """
        for work in [work for work, at in self._alarms.items() if at <= now]:
            del self._alarms[work]
            self._work[work.step][work] = None
        self._is_running = True
        try:
            with self._store.transaction():
                while (batch := self._next_batch()) is not None:
                    for work in batch:
                        self._do(work, now)
        except BaseException:
            # The store has undone the changes, so the work that is done is to be done again.
            self._look_at_everything()
            raise
        finally:
            self._is_running = False
        return min(self._alarms.values(), default=None)

    def _look_at_everything(self) -> None:
        for resource in RESOURCES:
            for obj in self._store.list_(resource):
                self._note(key_of(obj), None, obj)
        self._work[Step.SCHEDULING][SCHEDULING] = None

    def _told(self, event: Event) -> None:
        if not self._is_running:
            gone = event.type == "DELETED"
            self._note(event.key, event.previous, None if gone else event.object)

    def _note(self, key: Key, old: Object | None, new: Object | None) -> None:
        for work in work_after(self._store, key, old, new):
            self._work[work.step][work] = None

    def _next_batch(self) -> Iterable[Work] | None:
        for step, found in self._work.items():
            if found:
                self._work[step] = {}
                return found
        return None

    def _do(self, work: Work, now: float) -> None:
        self._alarms.pop(work, None)
        outcome = self._steps[work.step](work.key, now)
        if outcome.wake_at is not None:
            self._alarms[work] = outcome.wake_at
        for change in outcome.changes:
            self._carry_out(change, now)

    def _carry_out(self, change: Change, now: float) -> None:
        match change:
            case Create(object=obj):
                complete = with_defaults(obj)
                if not name_of(obj) or self._store.get(key_of(obj)) is None:
                    new = self._store.create(complete)
                    self._note(key_of(new), None, new)
            case Update(object=obj):
                old = self._store.require(key_of(obj))
                self._note(key_of(obj), old, self._store.update(obj))
            case Delete(key=key):
                found = self._store.get(key)
                if found is not None:
                    delete(self._store, key, now)
                    self._note(key, found, self._store.get(key))
            case Remove(key=key):
                self._note(key, self._store.remove(key), None)

    def _garbage(self, key: Key, _now: float) -> Outcome:
        obj = self._store.get(key)
        if obj is None:
            return Outcome()
        return Outcome(changes=garbage_collector.step(obj, self._exists))

    def _namespace(self, key: Key, _now: float) -> Outcome:
        namespace = self._store.get(key)
        if namespace is None:
            return Outcome()
        return Outcome(changes=namespace_controller.step(namespace, self._contents(key.name)))

    def _schedule(self, _key: Key, now: float) -> Outcome:
        unbound = self._at(self._store.index.unbound())
        if not unbound:
            return Outcome()
        nodes = self._store.list_("nodes")
        bound = [pod for pod in self._store.list_("pods") if spec_of(pod).get("nodeName")]
        return Outcome(changes=schedule_one.step(unbound, nodes, bound, now))

    def _address(self, key: Key, _now: float) -> Outcome:
        node = self._store.get(key)
        if node is None:
            return Outcome()
        return Outcome(
            changes=pod_addresses.step(node, self._at(self._store.index.on_node(key.name)))
        )

    def _replicaset(self, key: Key, now: float) -> Outcome:
        replicaset = self._store.get(key)
        if replicaset is None:
            return Outcome()
        labels = spec_of(replicaset)["selector"].get("matchLabels") or {}
        owned = self._store.owned(uid_of(replicaset), "pods")
        matching = self._store.select("pods", key.namespace, labels)
        pods = {key_of(pod): pod for pod in (*owned, *matching)}
        return replicaset_controller.step(replicaset, list(pods.values()), now)

    def _deployment(self, key: Key, now: float) -> Outcome:
        deployment = self._store.get(key)
        if deployment is None:
            return Outcome()
        mine = self._store.owned(uid_of(deployment), "replicasets")
        pods: list[Object] = []
        if rolling.is_recreate(deployment):
            owned = (pod for one in mine for pod in self._store.owned(uid_of(one), "pods"))
            pods = [pod for pod in owned if not is_finished(pod)]
        return deployment_controller.step(deployment, mine, pods, now)

    def _backends(self, key: Key, _now: float) -> Outcome:
        service = self._store.get(key)
        present = self._store.get(Key("endpoints", key.namespace, key.name))
        if service is None:
            return Outcome(changes=endpoints_controller.step(None, (), present))
        selector = spec_of(service).get("selector") or {}
        pods = self._store.select("pods", key.namespace, selector)
        sliced = endpointslice_controller.step(
            service, pods, self._nodes_of(pods), self._slices(key)
        )
        return Outcome(changes=(*sliced, *endpoints_controller.step(service, pods, present)))

    def _mirror(self, key: Key, _now: float) -> Outcome:
        service = self._store.get(Key("services", key.namespace, key.name))
        return Outcome(
            changes=endpointslice_mirroring.step(self._store.get(key), service, self._slices(key))
        )

    def _exists(self, uid: str) -> bool:
        return self._store.index.holder(uid) is not None

    def _nodes_of(self, pods: Iterable[Object]) -> dict[str, Object]:
        names = {spec_of(pod).get("nodeName", "") for pod in pods}
        found = {name: self._store.get(Key("nodes", "", name)) for name in names}
        return {name: node for name, node in found.items() if node is not None}

    def _slices(self, key: Key) -> list[Object]:
        return self._store.select("endpointslices", key.namespace, {SERVICE_NAME: key.name})

    def _contents(self, namespace: str) -> list[Object]:
        return [
            obj
            for resource in RESOURCES.values()
            if resource.namespaced
            for obj in self._store.list_(resource.plural, namespace)
        ]

    def _at(self, keys: Iterable[Key]) -> list[Object]:
        return [self._store.require(key) for key in keys]
