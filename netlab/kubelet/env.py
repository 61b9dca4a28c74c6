"""The environment of a container, and its command: from the pod and what it refers to.

Source: Kubernetes, ``pkg/kubelet/kubelet_pods.go`` (makeEnvironmentVariables).
"""

import base64
from collections.abc import Mapping
from typing import Any

from netlab.kube.objects import Key, Object, items_of, namespace_of, spec_of, status_of
from netlab.kubelet.downward import field_value, resource_value
from netlab.kubelet.expansion import expanded
from netlab.kubelet.images import PATH
from netlab.kubelet.service_env import service_environment
from netlab.kubelet.sources import CreateContainerConfigError, Sources, require


def environment(
    pod: Object, spec: Object, sources: Sources, image: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a container's processes.

    Args:
        pod: The pod.
        spec: The container.
        sources: What it refers to is looked up there.
        image: What its image brings, HOSTNAME among it.

    Raises:
        CreateContainerConfigError: What it refers to is not there.
    """
    namespace = namespace_of(pod)
    known = [*sources.services("default"), *sources.services(namespace)]
    has_links = spec_of(pod).get("enableServiceLinks") is not False
    found = service_environment(namespace, known, has_links=has_links)
    for source in items_of(spec, "envFrom"):
        found |= _from(source, namespace, sources)
    for item in items_of(spec, "env"):
        value = _value(item, pod, spec, sources)
        if value is not None:
            found[item["name"]] = expanded(value, found) if "valueFrom" not in item else value
    return {"PATH": PATH, "HOME": "/root", **image, **found}


def _from(source: Object, namespace: str, sources: Sources) -> dict[str, str]:
    """Return the variables of a whole ConfigMap or Secret."""
    prefix = source.get("prefix") or ""
    for field, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        reference = source.get(field)
        if reference:
            data = data_of(resource, namespace, reference, sources, binary=False)
            return {
                f"{prefix}{key}": value.decode(errors="replace")
                for key, value in data.items()
                if key and "=" not in key
            }
    return {}


def _value(item: Object, pod: Object, spec: Object, sources: Sources) -> str | None:
    """Return a variable's value; None for one that is optional and not there."""
    source = item.get("valueFrom")
    if not source:
        return str(item.get("value") or "")
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], host_ip(pod, sources))
    if "resourceFieldRef" in source:
        node = sources.find(Key("nodes", "", spec_of(pod).get("nodeName") or "")) or {}
        return resource_value(pod, source["resourceFieldRef"], spec["name"], node)
    for field, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            return _key(resource, namespace_of(pod), source[field], sources)
    raise CreateContainerConfigError(f"env {item['name']}: a valueFrom that netlab does not know")


def _key(
    resource: str, namespace: str, reference: Mapping[str, Any], sources: Sources
) -> str | None:
    data = data_of(resource, namespace, reference, sources, binary=False)
    key = reference.get("key", "")
    if key in data:
        return data[key].decode(errors="replace")
    if reference.get("optional"):
        return None
    kind = {"configmaps": "ConfigMap", "secrets": "Secret"}[resource]
    raise CreateContainerConfigError(
        f"couldn't find key {key} in {kind} {namespace}/{reference.get('name')}"
    )


def data_of(
    resource: str,
    namespace: str,
    reference: Mapping[str, Any],
    sources: Sources,
    *,
    binary: bool = True,
) -> dict[str, bytes]:
    """Return the data of a ConfigMap or Secret; empty for one that is optional and not there.

    Args:
        resource: ``configmaps`` or ``secrets``.
        namespace: Of the pod.
        reference: Has the name, and whether it is optional.
        sources: Where it is looked up.
        binary: Whether ``binaryData`` counts, which is for files alone.

    Raises:
        CreateContainerConfigError: There is none.
    """
    name = reference.get("name") or reference.get("secretName") or ""
    if reference.get("optional") and sources.find(Key(resource, namespace, name)) is None:
        return {}
    found = require(sources, resource, namespace, name)
    data: Mapping[str, str] = found.get("data") or {}
    if resource == "secrets":
        return {key: base64.b64decode(value or "") for key, value in data.items()}
    text = {key: (value or "").encode() for key, value in data.items()}
    more: Mapping[str, str] = (found.get("binaryData") or {}) if binary else {}
    return text | {key: base64.b64decode(value or "") for key, value in more.items()}


def host_ip(pod: Object, sources: Sources) -> str:
    """Return the address of the node that a pod is on; empty where it is not known."""
    node = sources.find(Key("nodes", "", spec_of(pod).get("nodeName") or "")) or {}
    addresses = items_of(status_of(node), "addresses")
    found = (one["address"] for one in addresses if one.get("type") == "InternalIP")
    return str(next(found, ""))
