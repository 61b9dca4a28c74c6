"""Every kind of the API, in the order in which objects are to be created."""

from typing import Final

from netlab.kube.kinds import (
    clusterrole,
    clusterrolebinding,
    configmap,
    controllerrevision,
    cronjob,
    daemonset,
    endpoints,
    endpointslice,
    event,
    horizontalpodautoscaler,
    ingress,
    ingressclass,
    job,
    lease,
    limitrange,
    namespace,
    networkpolicy,
    node,
    persistentvolumeclaim,
    poddisruptionbudget,
    priorityclass,
    replicaset,
    resourcequota,
    role,
    rolebinding,
    secret,
    service_cidr,
    serviceaccount,
    statefulset,
    storageclass,
)
from netlab.kube.kinds.deployment import kind as deployment
from netlab.kube.kinds.kind import Kind
from netlab.kube.kinds.pod import kind as pod
from netlab.kube.kinds.service import kind as service

KINDS: Final[tuple[Kind, ...]] = (
    namespace.KIND,
    node.KIND,
    serviceaccount.KIND,
    secret.KIND,
    configmap.KIND,
    persistentvolumeclaim.KIND,
    resourcequota.KIND,
    limitrange.KIND,
    pod.KIND,
    service.KIND,
    endpoints.KIND,
    event.KIND,
    daemonset.KIND,
    deployment.KIND,
    replicaset.KIND,
    statefulset.KIND,
    controllerrevision.KIND,
    horizontalpodautoscaler.KIND,
    job.KIND,
    cronjob.KIND,
    lease.KIND,
    endpointslice.KIND,
    ingress.KIND,
    ingressclass.KIND,
    networkpolicy.KIND,
    service_cidr.KIND,
    poddisruptionbudget.KIND,
    role.KIND,
    clusterrole.KIND,
    rolebinding.KIND,
    clusterrolebinding.KIND,
    priorityclass.KIND,
    storageclass.KIND,
)

_BY_NAME: Final = {kind.resource.kind: kind for kind in KINDS}


def kind_of(name: str) -> Kind | None:
    """Return the kind of this name, such as ``Service``, or None."""
    return _BY_NAME.get(name)
