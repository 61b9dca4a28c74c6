"""The environment variables by which a pod finds Services, those that are there when it starts.

Source: Kubernetes, ``pkg/kubelet/envvars/envvars.go``.
"""

from collections.abc import Iterable

from netlab.kube.objects import Object, items_of, name_of, namespace_of, spec_of

_MASTER = ("default", "kubernetes")


def service_environment(
    namespace: str, services: Iterable[Object], *, has_links: bool
) -> dict[str, str]:
    """Return the variables of Services.

    Args:
        namespace: The pod's.
        services: All that it could be told of: those of its namespace, and the API's.
        has_links: ``enableServiceLinks``; without, only the API's Service is told.
    """
    found: dict[str, str] = {}
    for service in services:
        ip = spec_of(service).get("clusterIP")
        is_master = (namespace_of(service), name_of(service)) == _MASTER
        is_own = has_links and namespace_of(service) == namespace
        if ip and ip != "None" and items_of(spec_of(service), "ports") and (is_own or is_master):
            found |= _variables(service, ip)
    return found


def _variables(service: Object, ip: str) -> dict[str, str]:
    name = _variable_name(name_of(service))
    ports = items_of(spec_of(service), "ports")
    found = {f"{name}_SERVICE_HOST": ip, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{_variable_name(port['name'])}"] = str(port["port"])
    host = f"[{ip}]" if ":" in ip else ip
    for place, port in enumerate(ports):
        number, protocol = str(port["port"]), str(port.get("protocol", "TCP"))
        url = f"{protocol.lower()}://{host}:{number}"
        prefix = f"{name}_PORT_{number}_{protocol.upper()}"
        if place == 0:
            found[f"{name}_PORT"] = url
        found |= {
            prefix: url,
            f"{prefix}_PROTO": protocol.lower(),
            f"{prefix}_PORT": number,
            f"{prefix}_ADDR": ip,
        }
    return found


def _variable_name(name: str) -> str:
    return name.upper().replace("-", "_")
