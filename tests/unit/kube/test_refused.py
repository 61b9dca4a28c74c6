"""What Kubernetes' validation refuses, field by field, beside the function that does.

The functions are those of ``pkg/apis/core/validation``, ``pkg/apis/discovery/validation`` (of
EndpointSlices), ``pkg/apis/apps/validation`` (of Deployments) and of what these call. Service's are
in ``test_service_validation``. A case is a change of an object that is right: a path and the value
that is put there.
"""

import copy
from typing import Any

import pytest

from netlab.documents.problems import Document, Report
from netlab.kube.kinds.table import kind_of
from netlab.kube.manifests import check_object
from netlab.kube.objects import Object

LABELS = {"app": "web"}
CONTAINER: Object = {
    "name": "c",
    "image": "nginx",
    "ports": [{"name": "http", "containerPort": 80}],
    "env": [{"name": "A", "value": "b"}],
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
}
POD_SPEC: Object = {"containers": [CONTAINER], "volumes": [{"name": "v", "emptyDir": {}}]}
META: Object = {"name": "web", "namespace": "default", "labels": LABELS}
OBJECTS: dict[str, Object] = {
    "Pod": {"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": POD_SPEC},
    "Deployment": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": META,
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": POD_SPEC},
        },
    },
    "Service": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": META,
        "spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]},
    },
    "EndpointSlice": {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": META,
        "addressType": "IPv6",
        "endpoints": [{"addresses": ["fd00::1"]}],
        "ports": [{"name": "", "port": 80}],
    },
    "ServiceCIDR": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "more"},
        "spec": {"cidrs": ["10.9.0.0/16"]},
    },
    "Node": {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node1"},
        "spec": {"podCIDRs": ["10.244.1.0/24"]},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.240.0.3"}]},
    },
}
OBJECTS |= {kind: {**OBJECTS["Deployment"], "kind": kind} for kind in ("DaemonSet", "StatefulSet")}
OBJECTS["PodDisruptionBudget"] = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": META,
    "spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}},
}
OBJECTS["CronJob"] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": META,
    "spec": {
        "schedule": "@daily",
        "jobTemplate": {"spec": {"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}},
    },
}
FIRST = "spec.containers.0"
IP = "must be a valid IP address"
LABEL = "a lowercase RFC 1123 label must consist of"
SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of"
NAME = "name part must consist of alphanumeric characters"
NONE = "Required value"
LB_ONLY = "Forbidden: may only be used when `type` is 'LoadBalancer'"
HANDLER = "Required value: must specify a handler type"
QUANTITY = "quantities must match the regular expression"
RANGE = "must be between 1 and 65535, inclusive"

Checks = dict[str, list[tuple[str, Any, str]]]
"""By the function that refuses: path, value, and why."""

METADATA = [
    ("metadata.annotations", {"a b": "x"}, NAME),
    ("metadata.annotations", {"a/b/c": "x"}, "a qualified name must consist of"),
    ("metadata.annotations", {"a": "x" * 262144}, "Too long: may not be more than 262144 bytes"),
    ("metadata.finalizers", ["mine"], "name is neither a standard finalizer name nor is it"),
    ("metadata.finalizers", ["a.b/c d"], NAME),
    ("metadata.finalizers", ["orphan", "foregroundDeletion"], "cannot be both set"),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": ""}],
        "uid must not be empty",
    ),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "u"}],
        "is disallowed from being an owner",
    ),
    (
        "metadata.ownerReferences",
        [
            {"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True}
            for n in "ab"
        ],
        "Only one reference can have Controller set to true",
    ),
    ("metadata.labels", {"app": "a b"}, "a valid label must be an empty string or consist of"),
    ("metadata.labels", {"/app": "a"}, "prefix part must be non-empty"),
    ("metadata.name", "Web", SUBDOMAIN),
    ("metadata.name", "a\nb", SUBDOMAIN),
]
POD: Checks = {
    "ValidatePodSpec": [
        ("spec.hostname", "a\n1.2.3.4 x", LABEL),
        ("spec.hostname", "a.b", LABEL),
        ("spec.subdomain", "a_b", LABEL),
        ("spec.serviceAccountName", "A", SUBDOMAIN),
        ("spec.nodeName", "a b", SUBDOMAIN),
        ("spec.activeDeadlineSeconds", 0, "must be between 1 and 2147483647, inclusive"),
    ],
    "validateRestartPolicy": [
        ("spec.restartPolicy", "Sometimes", "Unsupported value"),
    ],
    "validateDNSPolicy": [
        ("spec.dnsPolicy", "Mine", "Unsupported value"),
    ],
    "validatePodDNSConfig": [
        ("spec.dnsPolicy", "None", "must provide `dnsConfig` when `dnsPolicy` is None"),
        ("spec.dnsConfig", {"nameservers": ["x"]}, IP),
        (
            "spec.dnsConfig",
            {"nameservers": ["1.1.1.1"] * 4},
            "must not have more than 3 nameservers",
        ),
        ("spec.dnsConfig", {"searches": ["a b"]}, SUBDOMAIN),
        ("spec.dnsConfig", {"searches": ["a"] * 33}, "must not have more than 32 search paths"),
        ("spec.dnsConfig", {"options": [{"value": "1"}]}, NONE),
    ],
    "ValidateHostAliases": [
        ("spec.hostAliases", [{"ip": "x", "hostnames": ["a"]}], IP),
        ("spec.hostAliases", [{"ip": "1.2.3.4", "hostnames": ["a\n5.6.7.8 b"]}], SUBDOMAIN),
    ],
    "validateReadinessGates": [
        ("spec.readinessGates", [{"conditionType": "a b"}], NAME),
    ],
    "validateSchedulingGates": [
        ("spec.schedulingGates", [{"name": "a b"}], NAME),
    ],
    "ValidatePodSecurityContext": [
        ("spec.securityContext", {"runAsUser": -1}, "must be between 0 and 2147483647, inclusive"),
    ],
    "ValidateLabels": [
        ("spec.nodeSelector", {"a b": "c"}, NAME),
    ],
    "ValidateTolerations": [
        ("spec.tolerations", [{"key": "a b", "operator": "Exists"}], NAME),
        (
            "spec.tolerations",
            [{"operator": "Equal"}],
            "operator must be Exists when `key` is empty",
        ),
        (
            "spec.tolerations",
            [{"key": "a", "operator": "Exists", "value": "b"}],
            "value must be empty when `operator` is 'Exists'",
        ),
        (
            "spec.tolerations",
            [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5}],
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
    ],
    "validateTaintEffect": [
        ("spec.tolerations", [{"key": "a", "effect": "Never"}], "Unsupported value"),
    ],
    "ValidateNodeSelector": [
        (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            {"nodeSelectorTerms": []},
            "must have at least one node selector term",
        ),
    ],
    "ValidateNodeSelectorRequirement": [
        (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Is"}]}]},
            "not a valid selector operator",
        ),
        (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]},
            "must be specified when `operator` is 'In' or 'NotIn'",
        ),
    ],
    "validatePodAffinityTerm": [
        (
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            [{"topologyKey": ""}],
            "can not be empty",
        ),
    ],
    "validateWeightedPodAffinityTerms": [
        (
            "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution",
            [{"weight": 0, "podAffinityTerm": {"topologyKey": "a"}}],
            "must be in the range 1-100",
        ),
    ],
    "validateTopologySpreadConstraints": [
        (
            "spec.topologySpreadConstraints",
            [{"maxSkew": 0, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}],
            "must be greater than zero",
        ),
        (
            "spec.topologySpreadConstraints",
            [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "Never"}],
            "Unsupported value",
        ),
    ],
    "ValidateVolumes": [
        ("spec.volumes", [{"name": "V_", "emptyDir": {}}, {"name": "v", "emptyDir": {}}], LABEL),
        ("spec.volumes", [{"name": "v", "emptyDir": {}}] * 2, "Duplicate value"),
    ],
    "validateVolumeSource": [
        ("spec.volumes", [{"name": "v"}], "must specify a volume type"),
        (
            "spec.volumes",
            [{"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}],
            "may not specify more than 1 volume type",
        ),
    ],
    "validateSecretVolumeSource": [
        ("spec.volumes", [{"name": "v", "secret": {}}], NONE),
    ],
    "validateConfigMapVolumeSource": [
        (
            "spec.volumes",
            [{"name": "v", "configMap": {"name": "c", "defaultMode": 512}}],
            "must be a number between 0 and 0777 (octal), both inclusive",
        ),
    ],
    "ValidateLocalNonReservedPath": [
        (
            "spec.volumes",
            [{"name": "v", "configMap": {"name": "c", "items": [{"key": "a", "path": "/etc/x"}]}}],
            "must be a relative path",
        ),
        (
            "spec.volumes",
            [{"name": "v", "secret": {"secretName": "c", "items": [{"key": "a", "path": "../x"}]}}],
            "must not contain '..'",
        ),
    ],
    "validateHostPathVolumeSource": [
        ("spec.volumes", [{"name": "v", "hostPath": {"path": ""}}], NONE),
    ],
    "validatePersistentClaimVolumeSource": [
        ("spec.volumes", [{"name": "v", "persistentVolumeClaim": {"claimName": ""}}], NONE),
    ],
    "validateDownwardAPIVolumeFile": [
        (
            "spec.volumes",
            [
                {
                    "name": "v",
                    "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "spec"}}]},
                }
            ],
            "field label not supported: spec",
        ),
    ],
    "validateProjectionSources": [
        (
            "spec.volumes",
            [{"name": "v", "projected": {"sources": [{}]}}],
            "must specify a projected volume type",
        ),
        (
            "spec.volumes",
            [
                {
                    "name": "v",
                    "projected": {
                        "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]
                    },
                }
            ],
            "may not specify a duration less than 10 minutes",
        ),
    ],
    "validateContainerCommon": [
        (f"{FIRST}.name", "A", LABEL),
        (f"{FIRST}.image", "", NONE),
        (f"{FIRST}.image", " nginx", "must not have leading or trailing whitespace"),
    ],
    "validatePullPolicy": [
        (f"{FIRST}.imagePullPolicy", "Often", "Unsupported value"),
    ],
    "validateContainerPorts": [
        (f"{FIRST}.ports", [{"containerPort": 0}], RANGE),
        (f"{FIRST}.ports", [{"containerPort": 1, "hostPort": 65536}], RANGE),
        (f"{FIRST}.ports", [{"containerPort": 1, "hostIP": "x"}], IP),
        (
            f"{FIRST}.ports",
            [{"containerPort": 1, "name": "x" * 16}],
            "must be no more than 15 bytes",
        ),
    ],
    "checkHostPortConflicts": [
        (
            f"{FIRST}.ports",
            [{"containerPort": n, "hostPort": 80} for n in (1, 2)],
            "Duplicate value",
        ),
    ],
    "ValidateEnv": [
        (f"{FIRST}.env", [{"name": ""}], NONE),
        (f"{FIRST}.env", [{"name": "a=b"}], "a valid environment variable name must consist only"),
        (f"{FIRST}.env", [{"name": "a\nb"}], "a valid environment variable name must consist only"),
    ],
    "validateEnvVarValueFrom": [
        (f"{FIRST}.env", [{"name": "a", "valueFrom": {}}], "must specify one of: `fieldRef`"),
        (
            f"{FIRST}.env",
            [
                {
                    "name": "a",
                    "value": "b",
                    "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                }
            ],
            "may not be specified when `value` is not empty",
        ),
    ],
    "validateObjectFieldSelector": [
        (
            f"{FIRST}.env",
            [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.x"}}}],
            "error converting fieldPath: field label not supported: metadata.x",
        ),
    ],
    "validateContainerResourceFieldSelector": [
        (
            f"{FIRST}.env",
            [{"name": "a", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}}],
            'Unsupported value: "cpu": supported values: "limits.cpu"',
        ),
    ],
    "validateConfigMapKeySelector": [
        (
            f"{FIRST}.env",
            [{"name": "a", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a/b"}}}],
            "a valid config key must consist of",
        ),
    ],
    "ValidateEnvFrom": [
        (f"{FIRST}.envFrom", [{}], "must specify one of: `configMapRef` or `secretRef`"),
        (
            f"{FIRST}.envFrom",
            [{"prefix": "=", "secretRef": {"name": "a"}}],
            "a valid environment variable name must consist only",
        ),
    ],
    "validateHandler": [
        (f"{FIRST}.livenessProbe", {}, HANDLER),
        (
            f"{FIRST}.livenessProbe",
            {"tcpSocket": {"port": 80}, "grpc": {"port": 80}},
            "may not specify more than 1 handler type",
        ),
        (f"{FIRST}.lifecycle", {"preStop": {}}, HANDLER),
    ],
    "validateExecAction": [
        (f"{FIRST}.livenessProbe", {"exec": {"command": []}}, NONE),
    ],
    "validateTCPSocketAction": [
        (f"{FIRST}.livenessProbe", {"tcpSocket": {"port": 0}}, RANGE),
    ],
    "validateLivenessProbe": [
        (f"{FIRST}.livenessProbe", {"tcpSocket": {"port": 80}, "successThreshold": 2}, "must be 1"),
    ],
    "validateProbe": [
        (
            f"{FIRST}.livenessProbe",
            {"tcpSocket": {"port": 80}, "periodSeconds": -1},
            "must be greater than or equal to 0",
        ),
    ],
    "validateReadinessProbe": [
        (
            f"{FIRST}.readinessProbe",
            {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 1},
            "must not be set for readinessProbes",
        ),
    ],
    "validateHTTPGetAction": [
        (
            f"{FIRST}.readinessProbe",
            {"httpGet": {"port": "no port"}},
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (
            f"{FIRST}.readinessProbe",
            {"httpGet": {"port": 80, "scheme": "ftp"}},
            "Unsupported value",
        ),
        (
            f"{FIRST}.readinessProbe",
            {"httpGet": {"port": 80, "httpHeaders": [{"name": "a:b", "value": "c"}]}},
            "a valid HTTP header must consist of",
        ),
    ],
    "ValidateContainerResourceRequirements": [
        (
            f"{FIRST}.resources",
            {"requests": {"cpu": 2}, "limits": {"cpu": "500m"}},
            "must be less than or equal to cpu limit of 500m",
        ),
    ],
    "validateContainerResourceName": [
        (f"{FIRST}.resources", {"requests": {"cores": 1}}, "must be a standard resource"),
    ],
    "ValidateResourceQuantityValue": [
        (f"{FIRST}.resources", {"requests": {"cpu": "-1"}}, "must be greater than or equal to 0"),
    ],
    "ValidateVolumeMounts": [
        (f"{FIRST}.volumeMounts", [{"name": "w", "mountPath": "/w"}], 'Not found: "w"'),
        (f"{FIRST}.volumeMounts", [{"name": "v", "mountPath": "/v"}] * 2, "must be unique"),
        (f"{FIRST}.volumeMounts", [{"name": "v", "mountPath": ""}], NONE),
    ],
    "validateLocalDescendingPath": [
        (
            f"{FIRST}.volumeMounts",
            [{"name": "v", "mountPath": "/v", "subPath": "../x"}],
            "must not contain '..'",
        ),
    ],
    "ValidateSecurityContext": [
        (
            f"{FIRST}.securityContext",
            {"privileged": True, "allowPrivilegeEscalation": False},
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
    ],
    "Quantity.UnmarshalJSON": [
        ("spec.volumes", [{"name": "v", "emptyDir": {"sizeLimit": "x"}}], QUANTITY),
        (f"{FIRST}.resources", {"requests": {"cpu": "x"}}, QUANTITY),
    ],
    "none of Kubernetes: a word that becomes two lines of a file": [
        ("spec.dnsConfig", {"options": [{"name": "a\nnameserver 1.2.3.4"}]}, "must be one word"),
    ],
}
SERVICE = [
    ("spec.loadBalancerClass", "a/b", LB_ONLY),
    ("spec.allocateLoadBalancerNodePorts", True, LB_ONLY),
    ("spec", {"type": "ExternalName", "externalName": "A b"}, SUBDOMAIN),
    ("spec", {"type": "ExternalName", "externalName": "1.2.3.4:80"}, SUBDOMAIN),
    (
        "spec",
        {"type": "ExternalName", "externalName": "a.b", "clusterIP": "10.0.0.9"},
        "may not be set for ExternalName services",
    ),
    ("spec.ports.0.appProtocol", "a b", NAME),
    (
        "spec",
        {
            "type": "NodePort",
            "ports": [{"name": n, "port": p, "nodePort": 30005} for n, p in (("a", 80), ("b", 81))],
        },
        "Duplicate value",
    ),
    ("spec.externalIPs", ["fd00::1%eth0"], IP),
    ("spec.externalIPs", ["1.2.3.4\n"], IP),
    (
        "spec",
        {
            "type": "LoadBalancer",
            "ports": [{"port": 80}],
            "loadBalancerSourceRanges": ["1.2.3.0/255.255.255.0"],
        },
        "must be a valid CIDR value",
    ),
]
SLICE: Checks = {
    "validateEndpoints": [
        ("endpoints", [{"addresses": ["fd00::1%eth0"]}], "must be a valid IPv6 address"),
        ("endpoints", [{"addresses": ["::ffff:10.0.0.1"]}], "must be a valid IPv6 address"),
        (
            "endpoints",
            [{"addresses": ["fd00::1"] * 101}],
            "Too many: 101: must have at most 100 items",
        ),
        (
            "endpoints",
            [{"addresses": ["fd00::1"]}] * 1001,
            "Too many: 1001: must have at most 1000",
        ),
        ("endpoints.0.hostname", "a.b", LABEL),
    ],
    "ValidateNodeName": [
        ("endpoints.0.nodeName", "a b", SUBDOMAIN),
    ],
    "validateHints": [
        ("endpoints.0.hints", {"forZones": [{"name": "a"}] * 2}, "Duplicate value"),
        ("endpoints.0.hints", {"forZones": [{"name": f"z{n}"} for n in range(9)]}, "Too many: 9"),
    ],
}
CIDRS = [
    ("spec.cidrs", [], "at least one CIDR required"),
    ("spec.cidrs", ["x"], "must be a valid CIDR value"),
    ("spec.cidrs", ["10.9.0.1/16"], "must not have bits set beyond the prefix length"),
    ("spec.cidrs", ["10.9.0.0/16", "10.8.0.0/16"], "no more than one IP for each IP family"),
    ("spec.cidrs", ["10.9.0.0/16", "fd00::/112", "fd01::/112"], "may only hold up to 2 values"),
]
NODE = [
    ("spec.podCIDRs", ["x"], "must be a valid CIDR value"),
    ("spec.podCIDRs", ["10.1.0.0/24", "10.2.0.0/24"], "no more than one CIDR for each IP family"),
    ("spec.taints", [{"key": "a b", "effect": "NoSchedule"}], NAME),
    ("spec.taints", [{"key": "a", "effect": "Never"}], "Unsupported value"),
]
DEPLOYMENT: Checks = {
    "ValidateLabelSelectorRequirement": [
        (
            "spec.selector.matchExpressions",
            [{"key": "a", "operator": "Is"}],
            "not a valid selector operator",
        ),
        (
            "spec.selector.matchExpressions",
            [{"key": "app", "operator": "Exists", "values": ["a"]}],
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ],
    "ValidateAnnotations": [
        ("spec.template.metadata.annotations", {"a b": "c"}, NAME),
    ],
    "ValidatePodTemplateSpecForReplicaSet": [
        ("spec.template.spec.restartPolicy", "Never", "Unsupported value"),
    ],
    "ValidateEnv": [
        (
            "spec.template.spec.containers.0.env",
            [{"name": "a=b"}],
            "a valid environment variable name",
        ),
    ],
    "ValidatePositiveIntOrPercent": [
        ("spec.strategy", {"rollingUpdate": {"maxSurge": "one"}}, "a valid percent string must be"),
    ],
}
BUDGET = [
    ("spec.minAvailable", "1.5%", "a valid percent string must be"),
    ("spec.maxUnavailable", 1, "minAvailable and maxUnavailable cannot be both set"),
]
STRATEGY = "spec.updateStrategy.rollingUpdate"
DAEMON = [
    (STRATEGY, {"maxUnavailable": "10.0.0.1"}, "a valid percent string must be"),
    (STRATEGY, {"maxUnavailable": 0}, "cannot be 0 when maxSurge is 0"),
    (STRATEGY, {"maxSurge": 1}, "may not be set when maxUnavailable is non-zero"),
    ("spec.updateStrategy.type", "Slow", "Unsupported value"),
]
STATEFUL = [
    ("spec.podManagementPolicy", "Any", "Unsupported value"),
    (STRATEGY, {"partition": -1}, "must be greater than or equal to 0"),
]
CRON = [
    ("spec.schedule", "* * * *", "expected exactly 5 fields"),
    ("spec.timeZone", "Moon/Sea", "unknown time zone Moon/Sea"),
    ("spec.concurrencyPolicy", "Some", "Unsupported value"),
    ("spec.jobTemplate.spec.backoffLimit", -1, "must be greater than or equal to 0"),
]
REFUSED = [
    *(("PodDisruptionBudget", *case) for case in BUDGET),
    *(("DaemonSet", *case) for case in DAEMON),
    *(("StatefulSet", *case) for case in STATEFUL),
    *(("CronJob", *case) for case in CRON),
    *(("Pod", *case) for case in METADATA),
    *(("Service", *case) for case in SERVICE),
    *(("ServiceCIDR", *case) for case in CIDRS),
    *(("Node", *case) for case in NODE),
]
CHECKS = {"Pod": POD, "EndpointSlice": SLICE, "Deployment": DEPLOYMENT}
ACCEPTED = [
    ("Pod", "spec.terminationGracePeriodSeconds", -1),
    ("Pod", "metadata.finalizers", ["example.com/mine", "orphan"]),
    ("Pod", "metadata.annotations", {"Example.com/A": "any\ntext", "b": ""}),
    ("Pod", "spec.dnsConfig", {"searches": [".", "_a.svc.local."], "options": [{"name": "ndots"}]}),
    ("Pod", "spec.tolerations", [{"operator": "Exists"}, {"key": "a", "value": "b"}]),
    (
        "Pod",
        f"{FIRST}.env",
        [
            {"name": "a.b c"},
            {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        ],
    ),
    ("Pod", f"{FIRST}.resources", {"limits": {"cpu": 0.5, "example.com/gpu": 1}}),
    ("Pod", f"{FIRST}.livenessProbe", {"grpc": {"port": 9}, "failureThreshold": 3}),
    (
        "Pod",
        f"{FIRST}.ports",
        [{"containerPort": 53, "hostPort": 53, "protocol": p} for p in ("TCP", "UDP")],
    ),
    ("Service", "spec", {"type": "ExternalName", "externalName": "example.com"}),
    ("Service", "spec.ports.0.appProtocol", "kubernetes.io/h2c"),
    ("EndpointSlice", "endpoints.0.conditions", {}),
    ("Node", "spec.taints", [{"key": "gpu", "effect": "NoExecute"}]),
    ("ServiceCIDR", "spec.cidrs", ["10.9.0.0/16", "fd00::/112"]),
]
STATUSES = [
    ("Pod", {"podIPs": [{"ip": "x"}]}, "status.podIPs[0].ip", IP),
    ("Pod", {"podIPs": [{}]}, "status.podIPs[0].ip", IP),
    (
        "Pod",
        {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
        "status.podIPs",
        "may specify no more than one IP for each IP family",
    ),
    (
        "Node",
        {"addresses": [{"type": "InternalIP", "address": "10.0.0.1%\n-A"}]},
        "status.addresses[0].address",
        IP,
    ),
    (
        "Service",
        {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
        "status.loadBalancer.ingress",
        "may only be used when",
    ),
]


def changed(kind: str, path: str, value: object) -> Object:
    obj = copy.deepcopy(OBJECTS[kind])
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at = obj
    for part in parents:
        at = at[part] if isinstance(part, int) else at.setdefault(part, {})
    at[last] = value
    return obj


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_right_is_accepted(kind: str):
    assert check_object(OBJECTS[kind]) == []


@pytest.mark.parametrize(("kind", "path", "value", "why"), REFUSED)
def test_what_kubernetes_refuses_is_refused_in_its_words(
    kind: str, path: str, value: object, why: str
):
    problems = check_object(changed(kind, path, value))
    assert any(why in problem.message for problem in problems), [*map(str, problems)]


@pytest.mark.parametrize(
    ("kind", "path", "value", "why"),
    [
        pytest.param(kind, *case, id=f"{kind} {function} {number}")
        for kind, checks in CHECKS.items()
        for function, cases in checks.items()
        for number, case in enumerate(cases)
    ],
)
def test_each_function_of_kubernetes_validation_refuses_in_its_words(
    kind: str, path: str, value: object, why: str
):
    problems = check_object(changed(kind, path, value))
    assert any(why in problem.message for problem in problems), [*map(str, problems)]


@pytest.mark.parametrize(("kind", "path", "value"), ACCEPTED)
def test_what_kubernetes_accepts_is_accepted(kind: str, path: str, value: object):
    assert [*map(str, check_object(changed(kind, path, value)))] == []


@pytest.mark.parametrize(("kind", "status", "path", "why"), STATUSES)
def test_a_status_that_cannot_be_is_refused(kind: str, status: Object, path: str, why: str):
    obj = {**OBJECTS[kind], "status": status}
    report = Report(Document(value=obj))
    found = kind_of(kind)
    assert found is not None
    found.validate_status(obj, report)
    (problem,) = report.problems
    assert problem.path == path
    assert why in problem.message
