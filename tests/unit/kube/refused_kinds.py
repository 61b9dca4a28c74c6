"""Objects of every kind that are right, and changes of them that Kubernetes refuses or accepts.

A change is a path and the value that is put there. What refuses it upstream is a function of
``pkg/apis/*/validation``; the words are Kubernetes'.
"""

from typing import Final

from netlab.kube.objects import Object

META: Final = {"name": "web", "namespace": "default"}
CLUSTER: Final = {"name": "web"}
POD: Final = {"containers": [{"name": "c", "image": "nginx"}]}
LABELS: Final = {"app": "web"}
TEMPLATE: Final = {"metadata": {"labels": LABELS}, "spec": POD}
RBAC: Final = "rbac.authorization.k8s.io"
NET: Final = "networking.k8s.io/v1"
NO_CIDR: Final = "must be a valid CIDR value"
NEGATIVE: Final = "must be greater than or equal to 0"
NAME: Final = "name part must consist of alphanumeric characters"
SUBDOMAIN: Final = "a lowercase RFC 1123 subdomain must consist of"
LABEL: Final = "a lowercase RFC 1123 label must consist of"
RANGE: Final = "must be between 1 and 65535, inclusive"
NONE: Final = "Required value"
SELECTOR: Final = "not a valid selector operator"
QUANTITY: Final = "quantities must match the regular expression"
OTHER: Final = "Unsupported value"
MORE: Final = "cannot be greater than status.replicas"


def _object(version: str, kind: str, metadata: Object = META, **fields: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


_BACKEND: Final = {"service": {"name": "web", "port": {"number": 80}}}
_PATH: Final = {"path": "/", "pathType": "Prefix", "backend": _BACKEND}
_CPU: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
_CLAIM: Final = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_WORKLOAD: Final = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
_JOB_POD: Final = {"spec": {**POD, "restartPolicy": "Never"}}

RIGHT: Final[dict[str, Object]] = {
    "Ingress": _object(
        NET, "Ingress", spec={"rules": [{"host": "a.example", "http": {"paths": [_PATH]}}]}
    ),
    "IngressClass": _object(NET, "IngressClass", CLUSTER, spec={"controller": "example.com/nginx"}),
    "NetworkPolicy": _object(
        NET,
        "NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": LABELS},
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        },
    ),
    "Role": _object(
        f"{RBAC}/v1", "Role", rules=[{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    ),
    "ClusterRole": _object(
        f"{RBAC}/v1", "ClusterRole", CLUSTER, rules=[{"verbs": ["*"], "nonResourceURLs": ["/x"]}]
    ),
    "RoleBinding": _object(
        f"{RBAC}/v1",
        "RoleBinding",
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": "r"},
        subjects=[{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
    ),
    "ClusterRoleBinding": _object(
        f"{RBAC}/v1",
        "ClusterRoleBinding",
        CLUSTER,
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "r"},
        subjects=[{"kind": "Group", "apiGroup": RBAC, "name": "g"}],
    ),
    "HorizontalPodAutoscaler": _object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
            "metrics": [_CPU],
        },
    ),
    "PersistentVolumeClaim": _object("v1", "PersistentVolumeClaim", spec=_CLAIM),
    "ResourceQuota": _object("v1", "ResourceQuota", spec={"hard": {"pods": 5, "cpu": "2"}}),
    "LimitRange": _object(
        "v1", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": "2"}}]}
    ),
    "Lease": _object("coordination.k8s.io/v1", "Lease", spec={"leaseDurationSeconds": 15}),
    "Event": _object(
        "v1",
        "Event",
        involvedObject={"kind": "Pod", "namespace": "default", "name": "web"},
        reason="Started",
        message="x",
    ),
    "PriorityClass": _object("scheduling.k8s.io/v1", "PriorityClass", CLUSTER, value=5),
    "StorageClass": _object(
        "storage.k8s.io/v1", "StorageClass", CLUSTER, provisioner="example.com/disk"
    ),
    "ControllerRevision": _object("apps/v1", "ControllerRevision", revision=1, data={"a": 1}),
    "Namespace": _object("v1", "Namespace", CLUSTER),
    "ServiceAccount": _object("v1", "ServiceAccount"),
    "ConfigMap": _object("v1", "ConfigMap", data={"a": "b"}),
    "Secret": _object("v1", "Secret", data={"a": "Yg=="}),
    "Job": _object("batch/v1", "Job", spec={"template": _JOB_POD}),
    "CronJob": _object(
        "batch/v1",
        "CronJob",
        spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": _JOB_POD}}},
    ),
    "Deployment": _object("apps/v1", "Deployment", spec=_WORKLOAD),
    "ReplicaSet": _object("apps/v1", "ReplicaSet", spec=_WORKLOAD),
    "DaemonSet": _object("apps/v1", "DaemonSet", spec=_WORKLOAD),
    "StatefulSet": _object(
        "apps/v1",
        "StatefulSet",
        spec={
            **_WORKLOAD,
            "serviceName": "web",
            "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": _CLAIM}],
        },
    ),
    "PodDisruptionBudget": _object("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1}),
    "Endpoints": _object(
        "v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]
    ),
    "EndpointSlice": _object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        addressType="IPv4",
        endpoints=[{"addresses": ["10.1.2.3"]}],
        ports=[{"name": "", "port": 80}],
    ),
    "Service": _object("v1", "Service", spec={"ports": [{"port": 80}]}),
    "ServiceCIDR": _object(NET, "ServiceCIDR", CLUSTER, spec={"cidrs": ["10.9.0.0/16"]}),
    "Node": _object("v1", "Node", CLUSTER, spec={"podCIDRs": ["10.244.1.0/24"]}),
    "Pod": _object("v1", "Pod", spec=POD),
}

_AT: Final = "spec.rules.0.http.paths.0"
_PEER: Final = "spec.ingress.0.from.0"
_PORT: Final = "spec.ingress.0.ports.0"
_METRIC: Final = "spec.metrics.0"
_UP: Final = "spec.behavior.scaleUp"

REFUSED: Final[dict[str, list[tuple[str, object, str]]]] = {
    "Ingress": [
        ("spec", {}, "either `defaultBackend` or `rules` must be specified"),
        ("spec.rules.0.host", "1.2.3.4", "must be a DNS name, not an IP address"),
        ("spec.rules.0.host", "A b", SUBDOMAIN),
        ("spec.rules.0.host", "a.*.b", "a wildcard DNS-1123 subdomain must start with '*.'"),
        ("spec.rules.0.host", "*", "a wildcard DNS-1123 subdomain must start with '*.'"),
        ("spec.rules.0.host", "a\nb", SUBDOMAIN),
        ("spec.rules.0.http.paths", [], NONE),
        (f"{_AT}.pathType", "", "pathType must be specified"),
        (f"{_AT}.pathType", "Regex", OTHER),
        (f"{_AT}.path", "x", "must be an absolute path"),
        (f"{_AT}.path", "/a//b", "must not contain '//'"),
        (f"{_AT}.path", "/a/../b", "must not contain '/../'"),
        (f"{_AT}.path", "/a%2fb", "must not contain '%2f'"),
        (f"{_AT}.path", "/a/..", "cannot end with '/..'"),
        (f"{_AT}.backend", {}, "resource or service backend is required"),
        (
            f"{_AT}.backend.resource",
            {"kind": "A", "name": "b"},
            "cannot set both resource and service backends",
        ),
        (f"{_AT}.backend", {"resource": {"kind": "A/b", "name": "b"}}, "may not contain '/'"),
        (f"{_AT}.backend", {"resource": {"kind": "A"}}, NONE),
        (f"{_AT}.backend.service.name", "", NONE),
        (f"{_AT}.backend.service.name", "A", LABEL),
        (f"{_AT}.backend.service.port", {}, "port name or number is required"),
        (f"{_AT}.backend.service.port", {"number": 65536}, RANGE),
        (f"{_AT}.backend.service.port", {"name": "a b"}, "must contain only alpha-numeric"),
        (
            f"{_AT}.backend.service.port",
            {"name": "a", "number": 80},
            "cannot set both port name & port number",
        ),
        ("spec.tls", [{"hosts": ["a b"]}], SUBDOMAIN),
        ("spec.tls", [{"hosts": ["*.*"]}], "a wildcard DNS-1123 subdomain"),
        ("spec.tls", [{"secretName": "A"}], SUBDOMAIN),
        ("spec.ingressClassName", "A", SUBDOMAIN),
        ("spec.defaultBackend", {"service": {"name": "a"}}, "port name or number is required"),
    ],
    "IngressClass": [
        ("spec.controller", "", NONE),
        ("spec.controller", "nginx", "must be a domain-prefixed path"),
        ("spec.controller", "a_b/c", SUBDOMAIN),
        ("spec.controller", f"a.b/{'c' * 250}", "Too long: may not be more than 250 bytes"),
        ("spec.parameters", {"name": "a", "scope": "Cluster"}, NONE),
        ("spec.parameters", {"kind": "A", "name": "a", "scope": "Lab"}, OTHER),
        (
            "spec.parameters",
            {"kind": "A", "name": "a", "scope": "Namespace"},
            "`parameters.scope` is set to 'Namespace'",
        ),
        (
            "spec.parameters",
            {"kind": "A", "name": "a", "scope": "Cluster", "namespace": "b"},
            "Forbidden: `parameters.scope` is set to 'Cluster'",
        ),
        (
            "spec.parameters",
            {"apiGroup": "A", "kind": "A", "name": "a", "scope": "Cluster"},
            SUBDOMAIN,
        ),
    ],
    "NetworkPolicy": [
        ("spec.podSelector.matchLabels", {"a b": "c"}, NAME),
        ("spec.podSelector.matchExpressions", [{"key": "a", "operator": "Is"}], SELECTOR),
        (f"{_PORT}.port", 0, RANGE),
        (f"{_PORT}.port", 65536, RANGE),
        (f"{_PORT}.port", "a b", "must contain only alpha-numeric"),
        (f"{_PORT}.protocol", "ICMP", OTHER),
        (f"{_PORT}.endPort", 79, "must be greater than or equal to `port`"),
        (f"{_PORT}.endPort", 65536, RANGE),
        (_PORT, {"endPort": 90}, "may not be specified when `port` is not specified"),
        (_PORT, {"port": "http", "endPort": 90}, "may not be specified when `port` is non-numeric"),
        (_PEER, {}, "must specify a peer"),
        (
            f"{_PEER}.ipBlock",
            {"cidr": "10.0.0.0/8"},
            "may not specify both ipBlock and another peer",
        ),
        (_PEER, {"ipBlock": {"cidr": ""}}, NONE),
        (_PEER, {"ipBlock": {"cidr": "x"}}, NO_CIDR),
        (_PEER, {"ipBlock": {"cidr": "10.0.0.0/255.0.0.0"}}, NO_CIDR),
        (_PEER, {"ipBlock": {"cidr": "fd00::%eth0/64"}}, NO_CIDR),
        (_PEER, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["x"]}}, NO_CIDR),
        (_PEER, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/9"]}}, "strict subset of"),
        (_PEER, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}, "strict subset of"),
        (_PEER, {"namespaceSelector": {"matchLabels": {"a": "b c"}}}, "a valid label must be"),
        ("spec.policyTypes", ["Ingress", "Egress", "Ingress"], "may not specify more than two"),
        ("spec.policyTypes", ["All"], OTHER),
        ("spec.egress.0.to", [{"ipBlock": {"cidr": "10.0.0.0"}}], NO_CIDR),
    ],
    "Role": [
        ("rules.0.verbs", [], "verbs must contain at least one value"),
        ("rules.0.apiGroups", [], "resource rules must supply at least one api group"),
        ("rules.0.resources", [], "resource rules must supply at least one resource"),
        ("rules", [{"verbs": ["get"], "nonResourceURLs": ["/x"]}], "namespaced rules cannot apply"),
        ("metadata.name", "a/b", "may not contain '/'"),
        ("metadata.name", "..", "may not be '..'"),
    ],
    "ClusterRole": [
        ("rules.0.verbs", [], "verbs must contain at least one value"),
        ("rules.0.resources", ["pods"], "rules cannot apply to both regular resources and non-"),
        ("rules", [{"verbs": ["get"], "resources": ["a"]}], "must supply at least one api group"),
        ("aggregationRule", {}, "at least one clusterRoleSelector required"),
        (
            "aggregationRule",
            {"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]},
            NAME,
        ),
        ("metadata.namespace", "default", "Forbidden: not allowed on this type"),
    ],
    "RoleBinding": [
        ("roleRef.apiGroup", "x", OTHER),
        ("roleRef.kind", "Group", OTHER),
        ("roleRef.kind", "", OTHER),
        ("roleRef.name", "", NONE),
        ("roleRef.name", "a%b", "may not contain '%'"),
        ("subjects.0.kind", "Robot", OTHER),
        ("subjects.0.name", "", NONE),
        ("subjects.0.name", "A", SUBDOMAIN),
        ("subjects.0.apiGroup", RBAC, OTHER),
        ("subjects", [{"kind": "User", "apiGroup": "x", "name": "u"}], OTHER),
    ],
    "ClusterRoleBinding": [
        ("roleRef.kind", "Role", OTHER),
        ("subjects", [{"kind": "ServiceAccount", "name": "a"}], NONE),
        ("subjects", [{"kind": "User", "name": ""}], NONE),
        ("roleRef.name", "", NONE),
    ],
    "HorizontalPodAutoscaler": [
        ("spec.minReplicas", 0, "must be greater than or equal to 1"),
        ("spec.maxReplicas", 0, "must be greater than 0"),
        ("spec.minReplicas", 4, "must be greater than or equal to `minReplicas`"),
        ("spec.scaleTargetRef.kind", "", NONE),
        ("spec.scaleTargetRef.name", "a/b", "may not contain '/'"),
        (f"{_METRIC}.type", "", "must specify a metric source type"),
        (f"{_METRIC}.type", "Moon", OTHER),
        (f"{_METRIC}.type", "Pods", "must populate information for the given metric source"),
        (
            f"{_METRIC}.pods",
            {"metric": {"name": "a"}},
            "must populate the given metric source only",
        ),
        (f"{_METRIC}.resource.name", "", "must specify a resource name"),
        (f"{_METRIC}.resource.target", {"type": ""}, "must specify a metric target type"),
        (
            f"{_METRIC}.resource.target",
            {"type": "Half"},
            "must be either Utilization, Value, or AverageValue",
        ),
        (
            f"{_METRIC}.resource.target",
            {"type": "Utilization"},
            "must set either a target raw value",
        ),
        (f"{_METRIC}.resource.target.averageUtilization", 0, "must be greater than 0"),
        (f"{_METRIC}.resource.target.averageValue", "1", "may not set both a target raw value"),
        (
            f"{_METRIC}.resource.target",
            {"type": "AverageValue", "averageValue": "0"},
            "must be greater than zero",
        ),
        (_METRIC, {"type": "External", "external": {"target": {"type": "Value"}}}, NONE),
        (f"{_UP}.stabilizationWindowSeconds", -1, NEGATIVE),
        (f"{_UP}.stabilizationWindowSeconds", 3601, "must be less than or equal to 3600"),
        (f"{_UP}.selectPolicy", "Some", OTHER),
        (f"{_UP}.policies", [{"type": "Some", "value": 1, "periodSeconds": 1}], OTHER),
        (f"{_UP}.policies", [{"type": "Pods", "value": 0, "periodSeconds": 1}], "than zero"),
        (f"{_UP}.policies", [{"type": "Pods", "value": 1, "periodSeconds": 0}], "than zero"),
        (
            f"{_UP}.policies",
            [{"type": "Pods", "value": 1, "periodSeconds": 1801}],
            "must be less than or equal to 1800",
        ),
    ],
    "PersistentVolumeClaim": [
        ("spec.accessModes", [], "at least 1 access mode is required"),
        ("spec.accessModes", ["Read"], OTHER),
        (
            "spec.accessModes",
            ["ReadWriteOncePod", "ReadWriteOnce"],
            "may not use ReadWriteOncePod with other access modes",
        ),
        ("spec.resources", {}, NONE),
        ("spec.resources.requests.storage", "0", "must be greater than zero"),
        ("spec.resources.requests.storage", "-1Gi", NEGATIVE),
        ("spec.resources.requests.storage", "much", QUANTITY),
        ("spec.selector", {"matchExpressions": [{"key": "a", "operator": "Is"}]}, SELECTOR),
        ("spec.storageClassName", "A b", SUBDOMAIN),
        ("spec.volumeMode", "File", OTHER),
        ("spec.dataSource", {"kind": "VolumeSnapshot"}, NONE),
        ("spec.dataSourceRef", {"kind": "", "name": "a"}, NONE),
    ],
    "ResourceQuota": [
        ("spec.hard", {"apples": 1}, "must be a standard resource for quota"),
        ("spec.hard", {"a b": 1}, NAME),
        ("spec.hard", {"pods": "x"}, QUANTITY),
        ("spec.hard", {"pods": "1.5"}, "must be an integer"),
        ("spec.hard", {"cpu": "-1"}, NEGATIVE),
        ("spec.scopes", ["Some"], "unsupported scope"),
        ("spec.scopes", ["BestEffort", "NotBestEffort"], "conflicting scopes"),
        (
            "spec.scopeSelector",
            {"matchExpressions": [{"scopeName": "Some", "operator": "Exists"}]},
            "unsupported scope",
        ),
        (
            "spec.scopeSelector",
            {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Is"}]},
            SELECTOR,
        ),
        (
            "spec.scopeSelector",
            {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]},
            "must be at least one value",
        ),
        (
            "spec.scopeSelector",
            {
                "matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}
                ]
            },
            "must be no value",
        ),
    ],
    "LimitRange": [
        ("spec.limits.0.type", "", NONE),
        ("spec.limits.0.type", "Disk", "must be a standard limit type or fully qualified"),
        ("spec.limits.0.type", "a b", NAME),
        ("spec.limits", [{"type": "Pod"}, {"type": "Pod"}], "Duplicate value"),
        ("spec.limits.0.max", {"cpu": "x"}, QUANTITY),
        ("spec.limits.0.min", {"cpu": "3"}, "min value 3 is greater than max value 2"),
        ("spec.limits.0.default", {"cpu": "3"}, "default value 3 is greater than max value 2"),
        (
            "spec.limits.0.defaultRequest",
            {"cpu": "3"},
            "default request value 3 is greater than max value 2",
        ),
        (
            "spec.limits",
            [{"type": "Pod", "default": {"cpu": 1}}],
            "may not be specified when `type`",
        ),
        ("spec.limits", [{"type": "PersistentVolumeClaim"}], "either minimum or maximum storage"),
        ("spec.limits.0.maxLimitRequestRatio", {"cpu": "0.5"}, "ratio 0.5 is less than 1"),
        (
            "spec.limits",
            [
                {
                    "type": "Container",
                    "min": {"cpu": 1},
                    "max": {"cpu": 2},
                    "maxLimitRequestRatio": {"cpu": 3},
                }
            ],
            "ratio 3 is greater than max/min",
        ),
    ],
    "Lease": [
        ("spec.renewTime", "soon", "parsing time"),
        ("spec.leaseDurationSeconds", 0, "must be greater than 0"),
        ("spec.leaseTransitions", -1, NEGATIVE),
        ("spec.strategy", "Newest", OTHER),
        ("spec.strategy", "a/b c", NAME),
        ("spec.preferredHolder", "a", "may only be specified if `strategy` is defined"),
    ],
    "Event": [
        ("firstTimestamp", "..", "parsing time"),
        ("lastTimestamp", "2026-02-30T00:00:00Z", "parsing time"),
        ("eventTime", "2026-01-01", "parsing time"),
        ("involvedObject.namespace", "other", "does not match event.namespace"),
        ("eventTime", "2026-01-01T00:00:00.000000Z", NONE),
        ("metadata.name", "A", SUBDOMAIN),
    ],
    "PriorityClass": [
        ("value", 1_000_000_001, "maximum allowed value of a user defined priority is 1000000000"),
        ("metadata.name", "system-mine", "prefix are reserved for system use only"),
        ("preemptionPolicy", "Always", OTHER),
    ],
    "StorageClass": [
        ("provisioner", "", NONE),
        ("provisioner", "a b", NAME),
        ("parameters", {"": "x"}, "field can not be empty"),
        ("parameters", {"a": "x" * 262_144}, "Too long: may not be more than 262144 bytes"),
        ("parameters", {f"a{n}": "" for n in range(513)}, "Too long"),
        ("reclaimPolicy", "Recycle", OTHER),
        ("volumeBindingMode", "Later", OTHER),
        ("allowedTopologies", [{"matchLabelExpressions": [{"key": "a", "values": []}]}], NONE),
        (
            "allowedTopologies",
            [{"matchLabelExpressions": [{"key": "a", "values": ["b", "b"]}]}],
            "Duplicate value",
        ),
        ("allowedTopologies", [{"matchLabelExpressions": [{"key": "a b", "values": ["b"]}]}], NAME),
    ],
    "ControllerRevision": [
        ("data", None, "data is mandatory"),
        ("revision", -1, NEGATIVE),
    ],
    "Namespace": [
        ("metadata.name", "a.b", LABEL),
        ("metadata.name", "x" * 64, "must be no more than 63"),
        ("metadata.labels", {"a": "b c"}, "a valid label must be"),
    ],
    "ServiceAccount": [
        ("metadata.name", "A", SUBDOMAIN),
        ("metadata.annotations", {"a b": "c"}, NAME),
    ],
    "ConfigMap": [
        ("data", {"a/b": "c"}, "a valid config key must consist of"),
        ("data", {"..": "c"}, "must not be '..'"),
        ("binaryData", {"a": "Yg=="}, "duplicate of key present in binaryData"),
        ("data", {"a": "x" * (1 << 20) + "x"}, "Too long: may not be more than 1048576 bytes"),
    ],
    "Secret": [
        ("data", {"a b": "Yg=="}, "a valid config key must consist of"),
        ("data", {"a": "%"}, "illegal base64 data"),
        ("type", "kubernetes.io/tls", NONE),
        ("data", {"a": "Yg==" * 400_000}, "Too long: may not be more than 1048576 bytes"),
    ],
    "Job": [
        ("spec.parallelism", -1, NEGATIVE),
        ("spec.completions", -1, NEGATIVE),
        ("spec.ttlSecondsAfterFinished", -1, NEGATIVE),
        ("spec.activeDeadlineSeconds", -1, NEGATIVE),
        ("spec.completionMode", "Some", OTHER),
        ("spec.completionMode", "Indexed", "when completion mode is Indexed"),
        ("spec.backoffLimitPerIndex", 1, "requires indexed completion mode"),
        ("spec.maxFailedIndexes", 1, "requires indexed completion mode"),
        ("spec.podReplacementPolicy", "Never", OTHER),
        ("spec.template.spec.restartPolicy", "Always", OTHER),
        ("spec.template.spec.containers", [], NONE),
        (
            "spec",
            {
                "template": _JOB_POD,
                "completions": 1,
                "completionMode": "Indexed",
                "parallelism": 100_001,
            },
            "must be less than or equal to 100000 when completion mode is Indexed",
        ),
    ],
    "CronJob": [
        ("metadata.name", "x" * 53, "must be no more than 52 characters"),
        ("spec.schedule", "", NONE),
        ("spec.schedule", "61 * * * *", "Invalid value"),
        ("spec.jobTemplate.spec.selector", {}, "`selector` will be auto-generated"),
        ("spec.jobTemplate.spec.manualSelector", True, OTHER),
        ("spec.startingDeadlineSeconds", -1, NEGATIVE),
        ("spec.failedJobsHistoryLimit", -1, NEGATIVE),
        ("spec.successfulJobsHistoryLimit", -1, NEGATIVE),
        ("spec.jobTemplate.spec.template.spec.restartPolicy", "Always", OTHER),
    ],
    "Deployment": [
        ("spec.replicas", -1, NEGATIVE),
        ("spec.minReadySeconds", -1, NEGATIVE),
        ("spec.revisionHistoryLimit", -1, NEGATIVE),
        ("spec.progressDeadlineSeconds", -1, NEGATIVE),
        ("spec.progressDeadlineSeconds", 0, "must be greater than minReadySeconds"),
        ("spec.selector", {}, NONE),
        ("spec.selector", None, NONE),
        ("spec.selector.matchLabels", {"app": "db"}, "`selector` does not match template `labels`"),
        ("spec.selector.matchLabels", {"app": None}, "`selector` does not match template `labels`"),
        ("spec.strategy", {"type": "Blue"}, OTHER),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "-1%"}}, "a valid percent string must be"),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "1.5%"}}, "a valid percent string"),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "25"}}, "a valid percent string"),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "inf"}}, "a valid percent string"),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": -1}}, NEGATIVE),
        (
            "spec.strategy",
            {"rollingUpdate": {"maxUnavailable": "101%"}},
            "must not be greater than",
        ),
        (
            "spec.strategy",
            {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}},
            "may not be 0 when `maxSurge` is 0",
        ),
        (
            "spec.strategy",
            {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}},
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        ("spec.template.metadata.labels", {"app": "a b"}, "a valid label must be"),
        ("spec.template.spec.containers", [], NONE),
        ("spec.template.spec.activeDeadlineSeconds", 5, "Forbidden"),
        (
            "spec.template.spec.ephemeralContainers",
            [{"name": "a", "image": "b"}],
            "ephemeral containers not allowed in pod template",
        ),
    ],
    "ReplicaSet": [
        ("spec.replicas", -1, NEGATIVE),
        ("spec.minReadySeconds", -1, NEGATIVE),
        ("spec.selector.matchLabels", {"a": "b"}, "`selector` does not match template `labels`"),
        ("spec.selector", {}, NONE),
        ("spec.template", None, NONE),
        ("spec.template.spec.restartPolicy", "Never", OTHER),
    ],
    "DaemonSet": [
        ("spec.selector", {}, NONE),
        ("spec.minReadySeconds", -1, NEGATIVE),
        ("spec.revisionHistoryLimit", -1, NEGATIVE),
        ("spec.template.spec.restartPolicy", "OnFailure", OTHER),
        ("spec.updateStrategy", {"rollingUpdate": {"maxSurge": "x"}}, "a valid percent string"),
    ],
    "StatefulSet": [
        ("spec.replicas", -1, NEGATIVE),
        ("spec.selector", {}, NONE),
        ("spec.ordinals", {"start": -1}, NEGATIVE),
        ("spec.persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Keep"}, OTHER),
        ("spec.persistentVolumeClaimRetentionPolicy", {"whenScaled": "Keep"}, OTHER),
        ("spec.updateStrategy.type", "Slow", OTHER),
        (
            "spec.updateStrategy",
            {"type": "OnDelete", "rollingUpdate": {"partition": 1}},
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        ("spec.updateStrategy", {"rollingUpdate": {"maxUnavailable": 0}}, "cannot be 0"),
        ("spec.updateStrategy", {"rollingUpdate": {"maxUnavailable": "x"}}, "a valid percent"),
        ("spec.volumeClaimTemplates.0.spec.accessModes", [], "at least 1 access mode is required"),
        ("spec.volumeClaimTemplates.0.spec.resources", {}, NONE),
    ],
    "PodDisruptionBudget": [
        ("spec.minAvailable", -1, NEGATIVE),
        ("spec.minAvailable", "x", "a valid percent string must be"),
        ("spec.minAvailable", "101%", "must not be greater than 100%"),
        ("spec.maxUnavailable", 1, "minAvailable and maxUnavailable cannot be both set"),
        ("spec.unhealthyPodEvictionPolicy", "Never", OTHER),
        ("spec.selector", {"matchLabels": {"a b": "c"}}, NAME),
    ],
    "Endpoints": [
        ("subsets.0.addresses.0.ip", "x", "must be a valid IP address"),
        ("subsets.0.addresses.0.ip", "127.0.0.1", "may not be in the loopback range"),
        ("subsets.0.addresses.0.ip", "fd00::1%eth0", "must be a valid IP address"),
        ("subsets.0.addresses.0.ip", "0.0.0.0", "may not be unspecified"),  # noqa: S104
        ("subsets.0.addresses.0.ip", "169.254.1.1", "may not be in the link-local range"),
        ("subsets.0.addresses.0.ip", "224.0.0.1", "may not be in the link-local multicast range"),
        ("subsets.0.addresses.0.hostname", "a.b", LABEL),
        ("subsets.0.addresses.0.nodeName", "a b", SUBDOMAIN),
        ("subsets.0.ports.0.port", 0, RANGE),
        ("subsets.0.ports.0.protocol", "ICMP", OTHER),
        ("subsets.0.ports", [{"port": 80}, {"port": 81}], NONE),
    ],
    "EndpointSlice": [
        ("addressType", "IPv5", OTHER),
        ("addressType", "", NONE),
        ("endpoints.0.addresses", [], NONE),
        ("endpoints.0.addresses", ["10.1.2.300"], "must be a valid IPv4 address"),
        ("endpoints.0.addresses", ["127.0.0.1"], "may not be in the loopback range"),
        ("endpoints.0.addresses", ["10.1.2.3\n"], "must be a valid IPv4 address"),
        ("ports", [{"name": "A", "port": 80}], LABEL),
        ("ports", [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "Duplicate value"),
        ("ports", [{"name": "a", "port": 65536}], RANGE),
        ("ports", [{"name": "a", "port": 1, "protocol": "ICMP"}], OTHER),
        ("ports", [{"name": "a", "port": 1, "appProtocol": "a b"}], NAME),
    ],
    "Service": [
        ("spec.ports", [], NONE),
        ("spec.ports.0.port", 0, RANGE),
        ("spec.ports.0.targetPort", 65536, RANGE),
        ("spec.ports.0.targetPort", "a b", "must contain only alpha-numeric"),
        ("spec.ports.0.protocol", "ICMP", OTHER),
        ("spec.ports", [{"port": 80}, {"port": 81}], NONE),
        ("spec.ports", [{"name": "a", "port": 80}, {"name": "a", "port": 81}], "Duplicate value"),
        ("spec.ports", [{"name": "a", "port": 80}, {"name": "b", "port": 80}], "Duplicate value"),
        ("spec.ports", [{"name": "A", "port": 80}], LABEL),
        ("spec.type", "Some", OTHER),
        ("spec.sessionAffinity", "Cookie", OTHER),
        ("spec.selector", {"a b": "c"}, NAME),
        ("spec.selector", {"a": "b c"}, "a valid label must be"),
        ("spec.clusterIP", "x", "must be a valid IP address, (e.g. 10.9.8.7"),
        ("spec.externalIPs", ["127.0.0.1"], "may not be in the loopback range"),
        ("spec.externalIPs", ["x"], "must be a valid IP address"),
        (
            "spec.externalTrafficPolicy",
            "Local",
            "may only be set for externally-accessible services",
        ),
        ("spec.internalTrafficPolicy", "Node", OTHER),
        ("spec.ipFamilies", ["IPv5"], OTHER),
        ("spec.ipFamilies", ["IPv4", "IPv4"], "Duplicate value"),
        ("spec.ipFamilyPolicy", "Both", OTHER),
        ("spec.ports.0.nodePort", 30000, "may not be used when `type` is 'ClusterIP'"),
        ("spec.healthCheckNodePort", 30000, "may only be set when `type` is 'LoadBalancer'"),
        ("spec.loadBalancerSourceRanges", ["10.0.0.0/8"], "may only be used when `type` is"),
        ("spec.trafficDistribution", "Far", OTHER),
        ("metadata.name", "1a", "a DNS-1035 label must consist of"),
        (
            "spec",
            {
                "ports": [{"port": 80}],
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}},
            },
            "must be greater than 0 and less than",
        ),
        ("spec", {"type": "ExternalName"}, NONE),
    ],
    "ServiceCIDR": [
        ("spec.cidrs", ["fd00::%eth0/112"], NO_CIDR),
        ("spec.cidrs", ["10.9.0.0/255.255.0.0"], NO_CIDR),
        ("spec.cidrs", ["::ffff:10.9.0.0/112"], "Invalid value"),
        ("spec.cidrs", ["10.9.0.0"], NO_CIDR),
    ],
    "Node": [
        ("spec.podCIDRs", ["10.244.1.0/24\n"], NO_CIDR),
        ("spec.podCIDRs", ["fd00::%\n-A/64"], NO_CIDR),
        ("spec.taints", [{"effect": "NoSchedule"}], NONE),
        ("spec.taints", [{"key": "a"}], NONE),
        ("spec.taints", [{"key": "a", "value": "b c", "effect": "NoSchedule"}], "a valid label"),
        ("spec.taints", [{"key": "a", "effect": "NoSchedule"}] * 2, "Duplicate value"),
    ],
    "Pod": [
        ("spec.containers", [], NONE),
        ("spec.containers", [*POD["containers"]] * 2, "Duplicate value"),
        ("spec.overhead", {"cpu": "-1"}, NEGATIVE),
        ("spec.priorityClassName", "A", SUBDOMAIN),
        ("spec.preemptionPolicy", "Always", OTHER),
        ("spec.runtimeClassName", "A", SUBDOMAIN),
        ("spec.os", {"name": "bsd"}, OTHER),
        ("spec.containers.0.terminationMessagePolicy", "Log", OTHER),
        ("spec.containers.0.workingDir", 5, "string"),
        ("spec.shareProcessNamespace", "yes", "must be true or false"),
        (
            "spec.securityContext",
            {"sysctls": [{"name": "a b", "value": "1"}]},
            "must have at most 253 characters",
        ),
        ("spec.securityContext", {"fsGroup": -1}, "must be between 0 and 2147483647"),
        ("spec.securityContext", {"supplementalGroups": [-1]}, "must be between 0 and 2147483647"),
        ("spec.initContainers", [{"name": "c", "image": "nginx"}], "Duplicate value"),
        ("spec.initContainers", [{"name": "i", "image": "n", "restartPolicy": "Never"}], OTHER),
        (
            "spec.initContainers",
            [{"name": "i", "image": "n", "readinessProbe": {"tcpSocket": {"port": 1}}}],
            "may not be set for init containers without restartPolicy=Always",
        ),
        ("spec.setHostnameAsFQDN", "yes", "must be true or false"),
        ("spec.hostUsers", "yes", "must be true or false"),
    ],
}
"""By kind: path, value, and what is said."""

METADATA: Final = [
    ("metadata.labels", {"a b": "c"}, NAME),
    ("metadata.labels", {"a": "-"}, "a valid label must be an empty string or consist of"),
    ("metadata.labels", {"x" * 64: "c"}, "name part must be no more than 63"),
    ("metadata.annotations", {"/a": "c"}, "prefix part must be non-empty"),
    ("metadata.annotations", {"A_b/c": "d"}, "prefix part a lowercase RFC 1123 subdomain"),
    ("metadata.finalizers", ["x"], "name is neither a standard finalizer name nor is it"),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "v1", "kind": "", "name": "a", "uid": "u"}],
        "kind must not be empty",
    ),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "", "kind": "Pod", "name": "a", "uid": "u"}],
        "version must not be empty",
    ),
]
"""Of every kind."""
