#!/usr/bin/env python3
"""Write netlab/kube/protobuf_fields.json: the protobuf field numbers of what clients send.

    scripts/protobuf_fields.py API APIMACHINERY >netlab/kube/protobuf_fields.json

API and APIMACHINERY are directories of the Go modules k8s.io/api and k8s.io/apimachinery (their
sources, not those of another project). The numbers are read from the structs' tags and not from
generated.proto, because the tags also tell what JSON needs and a .proto does not: which fields are
inlined, and which are pointers, so that their zero is a value.
"""

import json
import re
import sys
from pathlib import Path

GROUPS = {
    "core/v1": "Namespace Node Pod Service Endpoints Secret ConfigMap ServiceAccount Event Binding "
    "PersistentVolumeClaim PodTemplate ReplicationController ResourceQuota LimitRange",
    "apps/v1": "Deployment ReplicaSet DaemonSet StatefulSet ControllerRevision",
    "batch/v1": "Job CronJob",
    "networking/v1": "Ingress IngressClass NetworkPolicy ServiceCIDR IPAddress",
    "policy/v1": "PodDisruptionBudget Eviction",
    "rbac/v1": "Role ClusterRole RoleBinding ClusterRoleBinding",
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "authentication/v1": "TokenRequest TokenReview SelfSubjectReview",
    "authorization/v1": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview "
    "LocalSubjectAccessReview",
    "coordination/v1": "Lease",
    "discovery/v1": "EndpointSlice",
    "events/v1": "Event",
    "scheduling/v1": "PriorityClass",
}
"""The kinds that clients send, by the directory of their package below API."""

META = "meta/v1"
OWN_FORM = {"Time", "MicroTime", "Duration", "FieldsV1", "ExtraValue"}
"""Types whose JSON is not that of their fields; the decoder knows them."""
IMPORTED = {
    "resource.Quantity": "Quantity",
    "intstr.IntOrString": "IntOrString",
    "runtime.RawExtension": "RawExtension",
    "types.UID": "string",
    "types.NodeName": "string",
}
SCALARS = {"string", "bool", "int32", "int64", "bytes", "float64"}
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
NAMED_TYPE = re.compile(r"^type (\w+) =? ?([\w\[\].*]+)(?:\s*//.*)?$", re.MULTILINE)
ALIASES = {"metav1": META, "v1": "core/v1", "corev1": "core/v1", "apiv1": "core/v1"}


class Source:
    """The declarations of all packages."""

    def __init__(self, api: Path, apimachinery: Path) -> None:
        self.structs: dict[str, str] = {}
        self.named: dict[str, str] = {}
        for package in GROUPS:
            self._read(package, api / package)
        self._read(META, apimachinery / "pkg/apis/meta/v1")

    def _read(self, package: str, directory: Path) -> None:
        for file in ("types.go", "well_known_taints.go"):
            path = directory / file
            if not path.exists():
                continue
            text = path.read_text()
            for found in re.finditer(
                r"^type (\w+) struct \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL
            ):
                self.structs[f"{package}.{found[1]}"] = found[2]
            for found in re.finditer(
                r"^type (\w+) =? ?([\w\[\].*]+)(?:\s*//.*)?$", text, re.MULTILINE
            ):
                if found[2] != "struct":
                    self.named[f"{package}.{found[1]}"] = found[2]

    def resolve(self, package: str, go: str) -> str:
        """Return a Go type with names resolved: ``*int32``, ``[]core/v1.Container``, ..."""
        for prefix in ("*", "[]", "map[string]"):
            if go.startswith(prefix) and go != "[]byte":
                return prefix + self.resolve(package, go.removeprefix(prefix))
        if mapped := re.fullmatch(r"map\[\w+\](.+)", go):
            return "map[string]" + self.resolve(package, mapped[1])
        go = {"[]byte": "bytes", "int": "int64", "uint8": "int32"}.get(go, go)
        if go in SCALARS:
            return go
        if go in IMPORTED:
            return IMPORTED[go]
        return self._named(package, go)

    def _named(self, package: str, go: str) -> str:
        alias, _, name = go.rpartition(".")
        home = ALIASES[alias] if alias else package
        if name in OWN_FORM:
            return name
        full = f"{home}.{name}"
        if full in self.structs:
            return full
        if full in self.named:
            return self.resolve(home, self.named[full])
        raise SystemExit(f"{package}: {go} is not declared")

    def fields(self, name: str) -> dict[str, str]:
        """Return the fields of a struct: ``{"1": "name type"}``, without a name if inlined."""
        package = name.rpartition(".")[0]
        table: dict[str, str] = {}
        for line in self.structs[name].splitlines():
            found = re.fullmatch(r"\t(?:(\w+)\s+)?(\S+)\s+`(.*)`.*", line)
            if not found or "protobuf:" not in found[3]:
                continue
            number = re.search(r'protobuf:"\w+,(\d+),', found[3])
            json_name = re.search(r'json:"([^,"]*)', found[3])
            if number and json_name and json_name[1] != "-":
                table[number[1]] = f"{json_name[1]} {self.resolve(package, found[2])}"
        return table


def main() -> None:
    source = Source(*map(Path, sys.argv[1:3]))
    todo = [f"{package}.{kind}" for package, kinds in GROUPS.items() for kind in kinds.split()]
    todo += [f"{META}.{kind}" for kind in ("DeleteOptions", "CreateOptions")]
    table: dict[str, dict[str, str]] = {}
    while todo:
        name = todo.pop()
        if name in table:
            continue
        table[name] = source.fields(name)
        for field in table[name].values():
            type_ = re.sub(r"^(\*|\[\]|map\[string\])+", "", field.split(" ")[1])
            if type_ in source.structs:
                todo.append(type_)
    rows = [f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
    print("{\n" + ",\n".join(rows) + "\n}")


if __name__ == "__main__":
    main()
