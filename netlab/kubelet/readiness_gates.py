"""Keep pods with readiness gates ready, or not, as conditions say that others set.

Source: Kubernetes, ``pkg/kubelet/status/generate.go`` (GeneratePodReadyCondition).
"""

from functools import partial

from netlab.apiserver.store import Store
from netlab.kube.kinds.pod.status import conditions_heeded
from netlab.kube.objects import is_terminating, spec_of
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects


def heed_readiness_gates(store: Store, now: float, unreadable: UnreadableObjects) -> None:
    """Write into the status of pods with gates whether they are ready.

    Args:
        store: Where the pods are.
        now: Wall clock seconds.
        unreadable: Takes the pods that cannot be read.
    """
    for pod in store.list_("pods"):
        if spec_of(pod).get("readinessGates") and not is_terminating(pod):
            read = partial(conditions_heeded, pod, now)
            heeded = unreadable.read_unless_left_out(key_of(pod), read) or pod
            if heeded is not pod:
                store.update(heeded)
