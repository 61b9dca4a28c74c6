"""``/dial`` of agnhost netexec: call another netexec, so often as is asked, and tell what came.

Source: Kubernetes, ``test/images/agnhost/netexec/netexec.go``, dialHandler.
"""

import http.client
import socket
from collections.abc import Callable, Mapping
from typing import Final

_TIMEOUT_S: Final = 5.0
_DATAGRAM: Final = 2048


def dial(form: Mapping[str, str]) -> dict[str, list[str]]:
    """Make the calls that a form asks for.

    Args:
        form: ``host``, ``port``, ``request``, ``protocol`` (``http``, the default, or ``udp``) and
            ``tries``.

    Returns:
        ``responses`` and ``errors``, each left out when there are none.

    Raises:
        ValueError: A parameter is missing or wrong.
    """
    protocol = form.get("protocol", "").lower()
    if not form.get("request"):
        raise ValueError("request parameter not specified. <nil>")
    if protocol not in _DIALERS:
        raise ValueError(f"unsupported protocol. {protocol}")
    tries, port = form.get("tries") or "1", form.get("port", "")
    if not tries.isdigit():
        raise ValueError(f'tries parameter is invalid. parsing "{tries}": invalid syntax')
    if not port.isdigit():
        raise ValueError(f"host and/or port param are invalid. unknown port {port}")
    responses, errors = [], []
    for _ in range(int(tries)):
        try:
            responses.append(_DIALERS[protocol](form.get("host", ""), int(port), form["request"]))
        except OSError as error:
            errors.append(str(error))
        except http.client.HTTPException as error:
            errors.append(f"{type(error).__name__}: {error}")
    found = {"responses": responses, "errors": errors}
    return {key: value for key, value in found.items() if value}


def _http(host: str, port: int, request: str) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"/{request}")
        return connection.getresponse().read().decode(errors="replace")
    finally:
        connection.close()


def _udp(host: str, port: int, request: str) -> str:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(address)
        connection.send(request.encode())
        return connection.recv(_DATAGRAM).decode(errors="replace")


_DIALERS: Final[Mapping[str, Callable[[str, int, str], str]]] = {
    "": _http,
    "http": _http,
    "udp": _udp,
}
