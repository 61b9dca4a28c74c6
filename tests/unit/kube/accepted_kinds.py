"""Changes of right objects that are right too: the edges of what Kubernetes' validation allows."""

from typing import Any, Final

from tests.unit.kube.refused_kinds import RBAC

_AT: Final = "spec.rules.0.http.paths.0"
_PEER: Final = "spec.ingress.0.from.0"
_PORT: Final = "spec.ingress.0.ports.0"
_METRIC: Final = "spec.metrics.0"
_UP: Final = "spec.behavior.scaleUp"

ACCEPTED: Final[dict[str, list[tuple[str, Any]]]] = {
    "Ingress": [
        ("spec", {"defaultBackend": {"service": {"name": "a", "port": {"name": "http"}}}}),
        ("spec", {"defaultBackend": {"resource": {"kind": "Bucket", "name": "b"}}}),
        ("spec.rules.0.host", "*.example.com"),
        ("spec.rules.0.host", ""),
        ("spec.rules", [{"host": "a.example"}]),
        (f"{_AT}.pathType", "Exact"),
        (
            _AT,
            {
                "pathType": "ImplementationSpecific",
                "backend": {"resource": {"kind": "A", "name": "b"}},
            },
        ),
        (f"{_AT}.path", "/a/b.c/..d"),
        (f"{_AT}.backend.service.name", "1st"),
        ("spec.tls", [{"hosts": ["a.example", "*.b.example"], "secretName": "s"}, {}]),
        ("spec.ingressClassName", "nginx"),
        ("metadata.annotations", {"nginx.ingress.kubernetes.io/rewrite-target": "/$1"}),
    ],
    "IngressClass": [
        ("spec.controller", "k8s.io/ingress-nginx"),
        ("spec.controller", "example.com/a/b.c~d"),
        ("spec.parameters", {"kind": "A", "name": "a", "scope": "Cluster"}),
        ("spec.parameters", {"kind": "A", "name": "a", "scope": "Namespace", "namespace": "b"}),
    ],
    "NetworkPolicy": [
        ("spec", {"podSelector": {}}),
        (_PORT, {"port": "http", "protocol": "SCTP"}),
        (_PORT, {"port": 80, "endPort": 80}),
        (_PORT, {"protocol": "UDP"}),
        (_PEER, {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}),
        (_PEER, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}}),
        (_PEER, {"ipBlock": {"cidr": "fd00::/8", "except": ["fd00:1::/32"]}}),
        (_PEER, {"ipBlock": {"cidr": "0.0.0.0/0"}}),
        ("spec.policyTypes", ["Egress", "Ingress"]),
        ("spec.ingress", [{}]),
    ],
    "Role": [
        ("metadata.name", "system:a"),
        ("rules", []),
        (
            "rules",
            [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["a"]}],
        ),
    ],
    "ClusterRole": [
        ("aggregationRule", {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}),
        ("rules", [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}]),
    ],
    "RoleBinding": [
        ("roleRef.kind", "ClusterRole"),
        ("roleRef", {"kind": "Role", "name": "r"}),
        ("subjects", [{"kind": "User", "name": "jane@example.com"}]),
        ("subjects", [{"kind": "Group", "apiGroup": RBAC, "name": "system:masters"}]),
        ("subjects", []),
        ("subjects.0.namespace", ""),
    ],
    "ClusterRoleBinding": [
        ("subjects", [{"kind": "ServiceAccount", "name": "a", "namespace": "b"}]),
        ("roleRef.name", "cluster-admin"),
    ],
    "HorizontalPodAutoscaler": [
        ("spec.minReplicas", 3),
        ("spec.metrics", []),
        (f"{_METRIC}.resource.target", {"type": "AverageValue", "averageValue": "100m"}),
        (
            _METRIC,
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "a_b"},
                    "target": {"type": "AverageValue", "averageValue": "1"},
                },
            },
        ),
        (
            _METRIC,
            {
                "type": "Object",
                "object": {
                    "describedObject": {"kind": "Ingress", "name": "a"},
                    "metric": {"name": "rps"},
                    "target": {"type": "Value", "value": "2k"},
                },
            },
        ),
        (
            _METRIC,
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "c",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            },
        ),
        (f"{_UP}", {"stabilizationWindowSeconds": 0, "selectPolicy": "Disabled"}),
        (f"{_UP}.policies", [{"type": "Percent", "value": 100, "periodSeconds": 15}]),
    ],
    "PersistentVolumeClaim": [
        ("spec.accessModes", ["ReadWriteOnce", "ReadOnlyMany"]),
        ("spec.accessModes", ["ReadWriteOncePod"]),
        ("spec.storageClassName", ""),
        ("spec.volumeMode", "Block"),
        ("spec.dataSource", {"apiGroup": "snapshot.storage.k8s.io", "kind": "A", "name": "b"}),
        ("spec.selector", {"matchLabels": {"a": "b"}}),
    ],
    "ResourceQuota": [
        ("spec.hard", {"pods": "9" * 400}),
        ("spec.hard", {"requests.cpu": "1", "limits.memory": "2Gi", "count/jobs.batch": "3"}),
        ("spec.hard", {"requests.nvidia.com/gpu": 4, "services.loadbalancers": 0}),
        ("spec.hard", {"gold.storageclass.storage.k8s.io/requests.storage": "5Gi"}),
        ("spec.scopes", ["BestEffort", "Terminating"]),
        (
            "spec.scopeSelector",
            {
                "matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
                ]
            },
        ),
        ("spec", {}),
    ],
    "LimitRange": [
        ("spec.limits", [{"type": "Pod", "min": {"cpu": "200m"}, "max": {"cpu": "2"}}]),
        ("spec.limits", [{"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}}]),
        (
            "spec.limits",
            [
                {
                    "type": "Container",
                    "min": {"cpu": 1},
                    "max": {"cpu": 4},
                    "default": {"cpu": 2},
                    "defaultRequest": {"cpu": 2},
                    "maxLimitRequestRatio": {"cpu": 4},
                }
            ],
        ),
    ],
    "Lease": [
        ("spec", {}),
        ("spec.leaseTransitions", 0),
        ("spec.strategy", "OldestEmulationVersion"),
        ("spec.renewTime", "2026-01-01T00:00:00.000000Z"),
    ],
    "Event": [
        ("involvedObject", {"kind": "Node", "name": "node1"}),
        ("count", 5),
        ("lastTimestamp", "2026-01-01T00:00:00+02:00"),
        ("firstTimestamp", None),
        ("type", "Warning"),
    ],
    "PriorityClass": [
        ("value", -5),
        ("value", 1_000_000_000),
        ("preemptionPolicy", "Never"),
        ("globalDefault", True),
    ],
    "StorageClass": [
        ("provisioner", "kubernetes.io/no-provisioner"),
        ("provisioner", "Rancher.io/local-path"),
        ("parameters", {"type": "gp3", "a": ""}),
        ("reclaimPolicy", "Retain"),
        ("volumeBindingMode", "WaitForFirstConsumer"),
        ("allowedTopologies", [{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}]),
    ],
    "ControllerRevision": [("revision", 0), ("data", {})],
    "Namespace": [("metadata.name", "1a"), ("spec", {"finalizers": ["kubernetes"]})],
    "ServiceAccount": [
        ("automountServiceAccountToken", False),
        ("secrets", [{"name": "a"}]),
        ("imagePullSecrets", [{"name": "a"}]),
    ],
    "ConfigMap": [
        ("data", {"A_b-c.d": "multi\nline"}),
        ("data", {"a": ""}),
        ("binaryData", {"b": "Yg=="}),
        ("immutable", True),
        ("data", {"a": "x" * (1 << 20)}),
    ],
    "Secret": [
        ("stringData", {"b": "text"}),
        ("type", "example.com/mine"),
        ("data", {"a": ""}),
        ("data", {}),
    ],
    "Job": [
        ("spec.parallelism", 0),
        ("spec.completions", 5),
        ("spec.suspend", True),
        ("spec.ttlSecondsAfterFinished", 0),
        ("spec.template.spec.restartPolicy", "OnFailure"),
    ],
    "CronJob": [
        ("metadata.name", "x" * 52),
        ("spec.schedule", "*/5 0-6,8 1 jan mon"),
        ("spec.schedule", "@every 1h30m"),
        ("spec.timeZone", "Europe/Berlin"),
        ("spec.concurrencyPolicy", "Replace"),
        ("spec.failedJobsHistoryLimit", 0),
    ],
    "Deployment": [
        ("spec.replicas", 0),
        ("spec.strategy", {"type": "Recreate"}),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "1%"}}),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "250%"}}),
        ("spec.minReadySeconds", 5),
        ("spec.paused", True),
        (
            "spec.selector",
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]},
        ),
        ("spec.template.metadata.annotations", {"kubectl.kubernetes.io/restartedAt": "x y"}),
    ],
    "ReplicaSet": [("spec.replicas", 0), ("spec.minReadySeconds", 1)],
    "DaemonSet": [
        ("spec.updateStrategy", {"type": "OnDelete"}),
        ("spec.updateStrategy", {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
        ("spec.template.spec.tolerations", [{"operator": "Exists"}]),
    ],
    "StatefulSet": [
        ("spec.updateStrategy", {"type": "OnDelete"}),
        ("spec.updateStrategy", {"rollingUpdate": {"partition": 3, "maxUnavailable": "50%"}}),
        ("spec.podManagementPolicy", "Parallel"),
        ("spec.ordinals", {"start": 5}),
        ("spec.persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Delete"}),
        ("spec.volumeClaimTemplates", []),
    ],
    "PodDisruptionBudget": [
        ("spec", {"maxUnavailable": "50%"}),
        ("spec.minAvailable", "100%"),
        ("spec.minAvailable", 0),
        ("spec.unhealthyPodEvictionPolicy", "AlwaysAllow"),
        ("spec.selector", {}),
    ],
    "Endpoints": [
        ("subsets", []),
        ("subsets.0.addresses.0.ip", "fd00::1"),
        ("subsets.0.notReadyAddresses", [{"ip": "10.1.2.4"}]),
        ("subsets.0.ports", [{"name": "a", "port": 80}, {"name": "b", "port": 81}]),
    ],
    "EndpointSlice": [
        ("endpoints", []),
        ("ports", [{"name": "", "port": None}]),
        ("endpoints.0.conditions", {"ready": False, "serving": True, "terminating": True}),
        ("endpoints.0.hints", {"forZones": [{"name": "a"}]}),
        ("addressType", "IPv4"),
        ("endpoints.0.targetRef", {"kind": "Pod", "name": "a"}),
    ],
    "Service": [
        ("spec.clusterIP", "None"),
        ("spec.ports.0.targetPort", "http"),
        ("spec.ports", [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]),
        ("spec", {"type": "ExternalName", "externalName": "db.example.com"}),
        ("spec", {"clusterIP": "None", "selector": {"a": "b"}}),
        ("spec.externalIPs", ["192.0.2.1", "2001:db8::1"]),
        ("spec.sessionAffinity", "ClientIP"),
        ("spec.sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 5}}),
        ("spec.internalTrafficPolicy", "Local"),
        ("spec.publishNotReadyAddresses", True),
        ("spec.trafficDistribution", "PreferClose"),
        (
            "spec",
            {
                "type": "NodePort",
                "ports": [{"port": 80, "nodePort": 30080}],
                "externalTrafficPolicy": "Local",
            },
        ),
        (
            "spec",
            {
                "type": "LoadBalancer",
                "ports": [{"port": 80}],
                "loadBalancerSourceRanges": ["10.0.0.0/8"],
            },
        ),
        ("spec.ipFamilyPolicy", "PreferDualStack"),
    ],
    "ServiceCIDR": [("spec.cidrs", ["fd00::/112"]), ("spec.cidrs", ["10.9.0.0/16", "fd00::/112"])],
    "Node": [
        ("spec", {}),
        ("spec.podCIDRs", ["10.1.0.0/24", "fd00::/64"]),
        ("spec.unschedulable", True),
        ("spec.taints", [{"key": "example.com/a", "value": "", "effect": "PreferNoSchedule"}]),
    ],
    "Pod": [
        ("spec.priorityClassName", "high"),
        ("spec.containers.0.resources", {"requests": {"memory": "64Mi"}, "limits": {"cpu": "1.5"}}),
        ("spec.initContainers", [{"name": "i", "image": "n", "restartPolicy": "Always"}]),
        ("spec.containers.0.terminationMessagePolicy", "FallbackToLogsOnError"),
        ("spec.preemptionPolicy", "Never"),
        ("spec.enableServiceLinks", False),
        ("spec.hostAliases", [{"ip": "1.2.3.4", "hostnames": ["a", "b.c"]}]),
        ("spec.hostname", "my-host"),
        ("spec.os", {"name": "linux"}),
    ],
}
"""By kind: path and value."""
