"""The objects of one kind, listed and then watched, as a client of the Kubernetes API inside a pod.

Theory of operation
-------------------
A thread lists the objects, hands all of them over, and then hands over each change that the watch
tells. When the watch ends it goes on from the last resourceVersion that it knows; when the API
server does not know that any more (410), it lists again. While the API server cannot be reached,
what is known stays.

Source: client-go, ``tools/cache/reflector.go``; Kubernetes API concepts, "Efficient detection of
changes".
"""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

Object = Mapping[str, Any]
ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 5.0
_WATCH_S: Final = 300
_SILENT_S: Final = 60.0
"""Beyond a watch's own time; then the connection counts as broken."""
_CONNECT_S: Final = 2.0
"""A first SYN that came before the node had its rules leaves an entry of connection tracking
without NAT, which each SYN sent again from that port meets; another connection has another port."""
_PAGE: Final = 500


class GoneError(Exception):
    """The API server does not know the resourceVersion any more."""


class Receiver(Protocol):
    """Who is told about objects; called in the reflector's thread."""

    def replaced(self, resource: str, objects: Sequence[Object]) -> None:
        """Take these for all objects of a kind."""

    def changed(self, resource: str, kind: str, obj: Object) -> None:
        """Take a change: ``ADDED``, ``MODIFIED`` or ``DELETED``."""


Connect = Callable[[], http.client.HTTPConnection]


def in_cluster(environment: Mapping[str, str], account: Path = ACCOUNT) -> Connect:
    """Return how to reach the API server from inside a pod; what it returns raises OSError.

    Raises:
        KeyError: The environment does not name the API server.
    """
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]

    def connect() -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(account / "ca.crt"))
        connection = http.client.HTTPSConnection(
            host, int(port), timeout=_CONNECT_S, context=context
        )
        connection.connect()
        connection.sock.settimeout(_WATCH_S + _SILENT_S)
        return connection

    return connect


def token_of(account: Path = ACCOUNT) -> str:
    """Return the token of the pod's service account; it is another after some time."""
    return (account / "token").read_text().strip()


class Reflector(threading.Thread):
    """Follows the objects of one kind.

    Args:
        connect: Opens a connection to the API server.
        token: Returns the token to show.
        path: Of the collection, over all namespaces: ``/api/v1/services``.
        receiver: Who is told.
    """

    def __init__(
        self, connect: Connect, token: Callable[[], str], path: str, receiver: Receiver
    ) -> None:
        super().__init__(daemon=True, name=path)
        self._connect = connect
        self._token = token
        self._path = path
        self._resource = path.rpartition("/")[2]
        self._receiver = receiver
        self._stopped = threading.Event()

    def run(self) -> None:
        """List and watch until it is stopped."""
        wait_s, version = _FIRST_WAIT_S, ""
        while not self._stopped.is_set():
            try:
                version = version or self._list()
                version = self._watch(version)
                wait_s = _FIRST_WAIT_S
                self._stopped.wait(_FIRST_WAIT_S)
            except GoneError:
                version = ""
                self._stopped.wait(_FIRST_WAIT_S)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                print(f"{self._path}: {type(error).__name__}: {error}", flush=True)  # noqa: T201
                self._stopped.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def stop(self) -> None:
        """Have it end when what it waits for has come, or its connection has ended."""
        self._stopped.set()

    def _list(self) -> str:
        """Hand all objects over, and return the list's resourceVersion."""
        objects: list[Object] = []
        page = ""
        while True:
            asked = {"limit": str(_PAGE)} | ({"continue": page} if page else {})
            response = self._get(asked)
            found = json.loads(response.read())
            response.close()
            objects += found["items"] or []
            page = found["metadata"].get("continue", "")
            if not page:
                break
        self._receiver.replaced(self._resource, objects)
        return str(found["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> str:
        """Hand changes over until the watch ends, and return the last resourceVersion."""
        asked = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_S),
        }
        with self._get(asked) as response:
            for line in response:
                event = json.loads(line)
                kind, obj = event["type"], event["object"]
                if kind == "ERROR":
                    raise GoneError
                version = obj["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._receiver.changed(self._resource, kind, obj)
        return version

    def _get(self, asked: Mapping[str, str]) -> http.client.HTTPResponse:
        connection = self._connect()
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        connection.request("GET", f"{self._path}?{urlencode(asked)}", headers=headers)
        response = connection.getresponse()
        if response.status == http.HTTPStatus.GONE:
            raise GoneError
        if response.status != http.HTTPStatus.OK:
            text = response.read(4096).decode(errors="replace")
            raise http.client.HTTPException(f"{response.status} {text}")
        return response
