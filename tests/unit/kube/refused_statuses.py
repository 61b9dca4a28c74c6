"""Statuses that Kubernetes' validation refuses, and others that it accepts, by kind."""

from typing import Final

NEGATIVE: Final = "must be greater than or equal to 0"
MORE: Final = "cannot be greater than status.replicas"
IP: Final = "must be a valid IP address"

REFUSED_STATUSES: Final[list[tuple[str, object, str]]] = [
    *(
        ("Deployment", {"replicas": 1, field: value}, why)
        for field in ("readyReplicas", "availableReplicas", "updatedReplicas")
        for value, why in ((-1, NEGATIVE), (2, MORE))
    ),
    ("Deployment", {"replicas": -1}, NEGATIVE),
    ("Deployment", {"observedGeneration": -1}, NEGATIVE),
    ("Deployment", {"collisionCount": -1}, NEGATIVE),
    *(
        ("ReplicaSet", {"replicas": 1, field: value}, why)
        for field in ("readyReplicas", "availableReplicas", "fullyLabeledReplicas")
        for value, why in ((-1, NEGATIVE), (2, MORE))
    ),
    *(
        ("StatefulSet", {"replicas": 1, field: value}, why)
        for field in ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
        for value, why in ((-1, NEGATIVE), (2, MORE))
    ),
    *(
        ("DaemonSet", {field: -1}, NEGATIVE)
        for field in (
            *("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled"),
            *("numberReady", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"),
        )
    ),
    *(("Job", {field: -1}, NEGATIVE) for field in ("active", "succeeded", "failed", "ready")),
    *(
        ("PodDisruptionBudget", {field: -1}, NEGATIVE)
        for field in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    ),
    *(
        ("HorizontalPodAutoscaler", {field: -1}, NEGATIVE)
        for field in ("currentReplicas", "desiredReplicas")
    ),
    *(
        ("ResourceQuota", {field: {name: value}}, why)
        for field in ("hard", "used")
        for name, value, why in (
            ("pods", "x", "quantities must match"),
            ("apples", "1", "must be a standard resource for quota"),
            ("pods", "-1", NEGATIVE),
        )
    ),
    *(
        ("Ingress", {"loadBalancer": {"ingress": [one]}}, why)
        for one, why in (
            ({"ip": "x"}, IP),
            ({"ip": "fd00::1%eth0"}, IP),
            ({"hostname": "a b"}, "a lowercase RFC 1123 subdomain"),
            ({"hostname": "1.2.3.4"}, "must be a DNS name, not an IP address"),
        )
    ),
    ("Service", {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, "may only be used when"),
    ("Pod", {"podIPs": [{"ip": "10.0.0.1%a"}]}, IP),
    ("Pod", {"podIPs": [{"ip": "10.0.0.1\n"}]}, IP),
    ("Pod", {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}, "no more than one IP for each"),
    ("Node", {"addresses": [{"type": "InternalIP", "address": "x"}]}, IP),
    ("Node", {"addresses": [{"type": "ExternalIP", "address": "fd00::1%eth0"}]}, IP),
]
RIGHT_STATUSES: Final[list[tuple[str, object]]] = [
    ("Deployment", {"replicas": 2, "readyReplicas": 2, "observedGeneration": 1}),
    ("Deployment", {}),
    ("ReplicaSet", {"replicas": 0}),
    ("StatefulSet", {"replicas": 2, "readyReplicas": 1, "currentReplicas": 2}),
    ("DaemonSet", {"numberReady": 0}),
    ("Job", {"succeeded": 3, "active": 0}),
    ("PodDisruptionBudget", {"disruptionsAllowed": 0}),
    ("HorizontalPodAutoscaler", {"currentReplicas": 1, "desiredReplicas": 2}),
    ("ResourceQuota", {"hard": {"pods": "5"}, "used": {"pods": "0"}}),
    ("Ingress", {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "a.example"}]}}),
    ("Ingress", {"loadBalancer": {}}),
    ("Pod", {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}),
    ("Node", {"addresses": [{"type": "Hostname", "address": "web"}]}),
    ("PersistentVolumeClaim", {"phase": "Bound"}),
    ("Namespace", {"phase": "Active"}),
]
