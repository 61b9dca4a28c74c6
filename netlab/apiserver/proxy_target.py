"""What ``services/NAME/proxy`` and ``pods/NAME/proxy`` lead to.

Source: Kubernetes, ``pkg/registry/core/service/proxy`` and ``pkg/registry/core/pod``
(ResourceLocation); ``apimachinery/pkg/util/net`` (SplitSchemeNamePort).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, items_of, name_of, namespace_of, spec_of, status_of
from netlab.kube.status import StatusError, bad_request

_SCHEMES: Final = ("", "http", "https")
_HTTP: Final = 80
_SERVICE_NAME: Final = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTarget:
    """A port of a pod to connect to."""

    pod: Object
    address: str
    port: int
    is_tls: bool


def proxy_target(store: Store, resource: str, namespace: str, text: str) -> ProxyTarget:
    """Return what a request is to be passed on to.

    Args:
        store: Has the objects.
        resource: ``services`` or ``pods``.
        namespace: Of the object.
        text: ``NAME``, ``NAME:PORT`` or ``SCHEME:NAME:PORT``.

    Raises:
        StatusError: There is no such object, it has no such port, or nothing serves.
    """
    scheme, name, port = _split(text)
    obj = store.require(Key(resource, namespace, name))
    find = _of_service if resource == "services" else _of_pod
    pod, address, number = find(store, obj, port)
    return ProxyTarget(pod=pod, address=address, port=number, is_tls=scheme == "https")


def _split(text: str) -> tuple[str, str, str]:
    """Return scheme, name and port.

    >>> _split("web"), _split("web:http"), _split("https:web:443")
    (('', 'web', ''), ('', 'web', 'http'), ('https', 'web', '443'))
    """
    match text.split(":"):
        case [name]:
            return "", name, ""
        case [name, port] if name:
            return "", name, port
        case [scheme, name, port] if scheme in _SCHEMES and name:
            return scheme, name, port
        case _:
            raise bad_request(f'invalid service request "{text}"')


def _of_service(store: Store, service: Object, port: str) -> tuple[Object, str, int]:
    name = name_of(service)
    ports = items_of(spec_of(service), "ports")
    if not port and len(ports) == 1:
        found = ports[0]
    else:
        named = (one for one in ports if port in {one.get("name", ""), str(one["port"])})
        found = next(named, {}) if port else {}
    if not found:
        raise _unavailable(f'no service port "{port}" found for service "{name}"')
    first = next(_serving(store, service, found.get("name", "")), None)
    if first is None:
        raise _unavailable(f'no endpoints available for service "{name}"')
    return first


def _serving(store: Store, service: Object, port: str) -> Iterator[tuple[Object, str, int]]:
    """Yield pod, address and port of each ready endpoint of a Service's port."""
    namespace = namespace_of(service)
    for one in store.select("endpointslices", namespace, {_SERVICE_NAME: name_of(service)}):
        numbers = [it["port"] for it in items_of(one, "ports") if it.get("name", "") == port]
        for endpoint in items_of(one, "endpoints") if numbers else ():
            reference = endpoint.get("targetRef") or {}
            pod = store.get(Key("pods", namespace, reference.get("name", "")))
            if pod is not None and (endpoint.get("conditions") or {}).get("ready"):
                yield pod, endpoint["addresses"][0], numbers[0]


def _of_pod(_: Store, pod: Object, port: str) -> tuple[Object, str, int]:
    address = status_of(pod).get("podIP")
    if not address:
        raise _unavailable(f'pod "{name_of(pod)}" has no address yet')
    if port and not port.isdecimal():
        raise bad_request(f'invalid pod port "{port}": must be a number')
    listed = (
        one["containerPort"]
        for container in items_of(spec_of(pod), "containers")
        for one in items_of(container, "ports")
        if one.get("protocol", "TCP") == "TCP"
    )
    return pod, address, int(port) if port else next(listed, _HTTP)


def _unavailable(message: str) -> StatusError:
    return StatusError(message, code=503, reason="ServiceUnavailable")
