"""Keep pods with readiness gates ready, or not, as conditions say that others set.

Source: Kubernetes, ``pkg/kubelet/status/generate.go`` (GeneratePodReadyCondition).
"""

from netlab.apiserver.store import Store
from netlab.kube.kinds.pod.status import conditions_heeded
from netlab.kube.objects import is_terminating, spec_of


def heed_readiness_gates(store: Store, now: float) -> None:
    """Write into the status of pods with gates whether they are ready.

    Args:
        store: Where the pods are.
        now: Wall clock seconds.
    """
    for pod in store.list_("pods"):
        if spec_of(pod).get("readinessGates") and not is_terminating(pod):
            heeded = conditions_heeded(pod, now)
            if heeded is not pod:
                store.update(heeded)
