"""The structure of Kubernetes' own kinds, from the API's published description.

``schema.json`` holds the definitions by their full names, with the keys that say how patches
merge lists and which group, version and kind a definition is for.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import cast

from netlab.documents.json_schema import Schema


@cache
def definitions() -> Mapping[str, Schema]:
    """Return every definition by its name, such as ``io.k8s.api.core.v1.ServicePort``."""
    text = (files("netlab.kube") / "schema.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Schema]", json.loads(text)["definitions"])


@cache
def descriptions() -> Mapping[str, Mapping[str, str]]:
    """Return what each definition and its fields mean: by its name, then by field.

    The definition's own description has no field's name.
    """
    text = (files("netlab.kube") / "descriptions.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, str]]", json.loads(text)["definitions"])


def definition_of(api_version: str, kind: str) -> Schema | None:
    """Return the definition of a kind, or None when netlab has none.

    >>> sorted(definition_of("v1", "Service")["properties"])
    ['apiVersion', 'kind', 'metadata', 'spec', 'status']
    """
    return _by_kind().get((api_version, kind))


@cache
def _by_kind() -> dict[tuple[str, str], Schema]:
    found = {}
    for schema in definitions().values():
        names = cast("list[dict[str, str]]", schema.get("x-kubernetes-group-version-kind", []))
        for name in names:
            group = f"{name['group']}/" if name["group"] else ""
            found[group + name["version"], name["kind"]] = schema
    return found
