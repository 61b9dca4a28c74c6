"""The controllers, in the order in which they run.

ReplicaSets come before Deployments, so that a rollout never decides on stale counts.
"""

from typing import Final

from netlab.controllers import (
    cronjob,
    daemonset,
    endpoints,
    endpointslice_mirroring,
    event_ttl,
    garbage_collector,
    job,
    namespace,
    pod_addresses,
    pod_scheduling,
    poddisruptionbudget,
    replicaset,
    service_lb,
    serviceaccount,
    statefulset,
    taint_eviction,
)
from netlab.controllers.controller import Controller
from netlab.controllers.deployment import controller as deployment
from netlab.controllers.endpointslice import controller as endpointslice

CONTROLLERS: Final[tuple[Controller, ...]] = (
    garbage_collector.CONTROLLER,
    namespace.CONTROLLER,
    serviceaccount.CONTROLLER,
    pod_scheduling.CONTROLLER,
    pod_addresses.CONTROLLER,
    taint_eviction.CONTROLLER,
    replicaset.CONTROLLER,
    daemonset.CONTROLLER,
    statefulset.CONTROLLER,
    job.CONTROLLER,
    cronjob.CONTROLLER,
    deployment.CONTROLLER,
    service_lb.CONTROLLER,
    endpointslice.CONTROLLER,
    endpoints.CONTROLLER,
    endpointslice_mirroring.CONTROLLER,
    poddisruptionbudget.CONTROLLER,
    event_ttl.CONTROLLER,
)
