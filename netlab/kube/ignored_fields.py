"""Fields that are right, and that nothing in a lab acts on: who writes one is told.

The table goes by the definitions of Kubernetes' API. A test holds it against the code: a field of
these definitions is named by a component, or stands here with the reason. So the table shrinks as
fields come to life, and a field that a new release brings cannot be passed over.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from netlab.documents.json_schema import Schema
from netlab.documents.problems import FieldPath, spell_path
from netlab.kube.kinds.table import kind_of
from netlab.kube.metadata import text_of
from netlab.kube.schema import definition_of, definitions
from netlab.model.topology import Manifest

_PULLS: Final = "a lab pulls no images"
_PREEMPTS: Final = "no pod of a lab preempts another"
_OWN_NAMESPACES: Final = "each pod of a lab has namespaces of its own"
_LSM: Final = "a lab sets up no security module"
_PROFILE: Final = "every container has the runtime's default profile"
_NO_VOLUME: Final = "a lab has no such volumes, and the pod waits for it"
_DEVICES: Final = "a lab has no devices to claim"
_NOT_RUN: Final = "not run in a lab yet"
_ONE_RUNTIME: Final = "a lab has one runtime"
_RESIZE: Final = "nothing in a lab resizes a running container"
_OWNER: Final = "the files of a lab's volumes are root's"
_STATUS: Final = "no manifest sets a status; netlab patch --subresource status does"
_JOB: Final = "not looked at by a lab's Job controller"

_CONTAINER: Final = {
    "imagePullPolicy": _PULLS,
    "resizePolicy": _RESIZE,
    "restartPolicyRules": _NOT_RUN,
    "volumeDevices": _NO_VOLUME,
}

IGNORED: Final[Mapping[str, Mapping[str, str]]] = {
    "PodSpec": {
        "evictionResponders": "nothing in a lab answers evictions",
        "hostIPC": _OWN_NAMESPACES,
        "hostPID": _OWN_NAMESPACES,
        "hostUsers": _OWN_NAMESPACES,
        "hostnameOverride": "the pod's hostname is used",
        "imagePullSecrets": _PULLS,
        "os": "every node of a lab is Linux",
        "overhead": _ONE_RUNTIME,
        "preemptionPolicy": _PREEMPTS,
        "priorityClassName": _PREEMPTS,
        "resourceClaims": _DEVICES,
        "resources": "a lab limits a pod by the limits of its containers",
        "runtimeClassName": _ONE_RUNTIME,
        "schedulingGroup": "a lab schedules pod by pod",
        "setHostnameAsFQDN": "the pod's hostname is its short name",
        "shareProcessNamespace": "each container has a process namespace of its own",
    },
    "Container": _CONTAINER,
    "EphemeralContainer": _CONTAINER,
    "ResourceRequirements": {"claims": _DEVICES},
    "Lifecycle": {"stopSignal": "a container of a lab is asked to end by SIGTERM"},
    "GRPCAction": {"mode": "a gRPC probe of a lab is not encrypted"},
    "HTTPGetAction": {"protocol": "a probe of a lab speaks HTTP/1.1"},
    "SecurityContext": {
        "allowPrivilegeEscalation": "no container of a lab gains privileges",
        "appArmorProfile": _LSM,
        "procMount": "/proc is masked as by default",
        "seLinuxOptions": _LSM,
        "seccompProfile": _PROFILE,
        "windowsOptions": "every node of a lab is Linux",
    },
    "PodSecurityContext": {
        "appArmorProfile": _LSM,
        "fsGroupChangePolicy": "volumes of a lab are made with their group",
        "seLinuxChangePolicy": _LSM,
        "seLinuxOptions": _LSM,
        "seccompProfile": _PROFILE,
        "supplementalGroupsPolicy": "the groups that are listed are given",
        "sysctls": "a lab sets the sysctls of its pods itself",
        "windowsOptions": "every node of a lab is Linux",
    },
    "Volume": dict.fromkeys(
        (
            *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi"),
            *("ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo"),
            *("glusterfs", "image", "iscsi", "nfs", "persistentVolumeClaim"),
            *("photonPersistentDisk", "portworxVolume", "quobyte", "rbd"),
            *("scaleIO", "storageos", "vsphereVolume"),
        ),
        _NO_VOLUME,
    ),
    "VolumeMount": {
        "bindMountOptions": "mounts of a lab have the runtime's options",
        "mountPropagation": "no mount of a container reaches another",
        "recursiveReadOnly": "volumes of a lab hold no other mounts",
        "subPathExpr": "not expanded in a lab yet",
    },
    "VolumeProjection": dict.fromkeys(
        ("clusterTrustBundle", "podCertificate"),
        "a lab has no such sources, and the pod waits for it",
    ),
    "EmptyDirVolumeSource": {
        "medium": "every emptyDir of a lab is in memory",
        "mode": "every emptyDir of a lab may be written by all",
    },
    "ConfigMapVolumeSource": {"defaultUser": _OWNER},
    "SecretVolumeSource": {"defaultUser": _OWNER},
    "DownwardAPIVolumeSource": {"defaultUser": _OWNER},
    "ProjectedVolumeSource": {"defaultUser": _OWNER},
    "KeyToPath": {"user": _OWNER},
    "DownwardAPIVolumeFile": {"user": _OWNER},
    "ServiceAccountTokenProjection": {
        "audience": "a token of a lab is for its own API",
        "user": _OWNER,
    },
    "HostPathVolumeSource": {"type": "the node's root, which alone can be mounted, is a directory"},
    "EnvVarSource": {"fileKeyRef": "not read in a lab yet"},
    "ServiceAccount": {"imagePullSecrets": _PULLS},
    "NodeSpec": dict.fromkeys(
        ("configSource", "externalID", "podPreemptionPolicy", "providerID"),
        "a node of a lab is what its topology says",
    ),
    "Endpoint": {"deprecatedTopology": "the zone is the field of that name"},
    "RollingUpdateDaemonSet": {"maxSurge": "a new pod of a lab's DaemonSet follows an old one"},
    "RollingUpdateStatefulSetStrategy": {
        "maxUnavailable": "a lab replaces the pods of a StatefulSet one by one",
    },
    "StatefulSetSpec": {
        "persistentVolumeClaimRetentionPolicy": "the volumes of a lab go with their pods",
        "volumeClaimTemplates": _NO_VOLUME,
    },
    "JobSpec": dict.fromkeys(
        (
            *("managedBy", "manualSelector", "maxFailedIndexes", "podFailurePolicy"),
            *("podReplacementPolicy", "scheduling", "selector", "successPolicy"),
        ),
        _JOB,
    ),
}
"""By definition and field: why nothing acts on it."""

HOST_PATH: Final = ("Volume", "hostPath")
"""Acted on for ``/`` alone, which ``kubectl debug node`` mounts."""


def warnings_of(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return what of some objects nothing in a lab acts on, a line a field, or a kind.

    A field that many objects have is told once, with the first place.
    """
    first: dict[tuple[str, str], str] = {}
    more: dict[tuple[str, str], int] = {}
    for manifest in manifests:
        for key, line in _ignored(manifest):
            if key in first:
                more[key] = more.get(key, 0) + 1
            first.setdefault(key, line)
    return tuple(
        f"{line} (and {more[key]} more)" if key in more else line for key, line in first.items()
    )


def _ignored(manifest: Manifest) -> Iterator[tuple[tuple[str, str], str]]:
    version, kind = text_of(manifest, "apiVersion"), text_of(manifest, "kind")
    metadata = manifest.get("metadata")
    name = text_of(metadata, "name") if isinstance(metadata, dict) else ""
    known = kind_of(kind)
    if known is not None and known.is_only_stored:
        yield (kind, ""), f"{kind} {name}: stored, and nothing in a lab acts on it"
        return
    if kind == "Service" and _has_ingress(manifest):
        yield (kind, "status"), f"Service {name}: status.loadBalancer.ingress: {_STATUS}"
    schema = definition_of(version, kind)
    if schema is not None:
        for definition, path, why in _fields(manifest, schema, kind, ()):
            yield (definition, str(path[-1])), f"{kind} {name}: {spell_path(path)}: {why}"


def _has_ingress(service: Manifest) -> bool:
    """Whether a manifest says which addresses the load balancer has given."""
    status = service.get("status")
    balancer = status.get("loadBalancer") if isinstance(status, dict) else None
    return isinstance(balancer, dict) and bool(balancer.get("ingress"))


def _fields(
    value: object, schema: Schema, definition: str, path: FieldPath
) -> Iterator[tuple[str, FieldPath, str]]:
    """Yield each field at or below ``value`` that is ignored: definition, path and why."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        full = reference.rpartition("/")[2]
        schema, definition = definitions()[full], full.rpartition(".")[2]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fields(item, _part(schema, "items"), definition, (*path, index))
    if not isinstance(value, dict):
        return
    for field, inner in value.items():
        at, why = (*path, field), _why_ignored(definition, field, inner)
        if not why:
            yield from _fields(inner, _part(_part(schema, "properties"), field), definition, at)
        elif inner not in (None, [], {}, ""):
            yield definition, at, why


def _why_ignored(definition: str, field: str, value: object) -> str:
    """Return why nothing acts on a field with such a value; empty where something does."""
    if (definition, field) == HOST_PATH and value != {"path": "/"}:
        return _NO_VOLUME
    return IGNORED.get(definition, {}).get(field, "")


def _part(schema: Schema, key: str) -> Schema:
    """Return a part of a schema; an empty one, which knows nothing, where it has none."""
    return cast("Schema", schema.get(key, {}))
