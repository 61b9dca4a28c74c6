"""The command line's way to a lab's control plane: HTTP over the lab's Unix socket."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from netlab.client.control_plane_process import starting_control_plane
from netlab.errors import HostError, LabError
from netlab.kube.objects import Object
from netlab.kube.status import failure_of_status
from netlab.linux.timeouts import scaled

_JSON: Final = "application/json"
_TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

_BLOCK: Final = 1 << 16
TIMEOUT_S: Final = 30.0
"""Seconds without a byte after which the control plane counts as stuck; they scale."""

_SETTLE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answers to a request."""

    body: Object
    warnings: tuple[str, ...]
    """Of its Warning headers (RFC 7234, 5.5; code 299), the text."""


class Client:
    """Requests to one lab.

    Args:
        socket_path: The lab's socket, in a directory that is called as the lab.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """Return what is at a path."""
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def list_(self, path: str, query: Mapping[str, str] | None = None) -> list[Object]:
        """Return the items of the list at a path."""
        items: list[Object] = self.get(path, query).get("items") or []
        return items

    def table(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """Return the table of what is at a path, with the columns of its kind."""
        path = f"{path}?{urlencode(query)}" if query else path
        return self.request("GET", path, accept=_TABLE)

    def watch_table(self, path: str, query: Mapping[str, str]) -> Iterator[Object]:
        """Yield each change of what is at a path, as an event whose object is a table.

        Raises:
            StatusError: The API refuses it, or has forgotten where to begin.
            LabError: No lab is there, or the watch was cut.
        """
        path = f"{path}?{urlencode(query)}"
        with self._opened("GET", path, accept=_TABLE, timeout_s=None) as response:
            for line in response:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise failure_of_status(event["object"])
                yield event

    def stream(self, path: str, query: Mapping[str, str]) -> Iterator[bytes]:
        """Yield what is at a path as it comes, until there is no more.

        Raises:
            StatusError: The API refuses it.
            LabError: No lab is there.
        """
        path = f"{path}?{urlencode(query)}"
        with self._opened("GET", path, accept="*/*", timeout_s=None) as response:
            if response.status >= 400:
                raise failure_of_status(json.loads(response.read()))
            while block := response.read1(_BLOCK):
                yield block

    def create(self, path: str, body: Object) -> Object:
        """Create an object in the collection at a path and return it as stored."""
        return self.request("POST", path, body)

    def replace(self, path: str, body: Object) -> Object:
        """Replace the object at a path and return it as stored."""
        return self.request("PUT", path, body)

    def patch(self, path: str, body: object, content_type: str) -> Object:
        """Patch the object at a path and return it as stored."""
        return self.request("PATCH", path, body, content_type)

    def delete(self, path: str, options: Object | None = None) -> Object:
        """Delete the object at a path and return what the server says of it."""
        return self.request("DELETE", path, options)

    def let_settle(self) -> None:
        """Wait until the kernel is what the objects ask for, as they may have changed just now.

        A lab that is broken never comes to that; it is waited for no longer than two seconds.
        """
        self.get("/netlab/v1/settled", {"within": f"{_SETTLE_S:g}"})

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = _JSON,
        *,
        accept: str = _JSON,
    ) -> Object:
        """Return the JSON object that a request is answered with.

        It raises what `answer` raises.
        """
        return self.answer(method, path, body, content_type, accept=accept).body

    def answer(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = _JSON,
        *,
        accept: str = _JSON,
    ) -> Answer:
        """Return the JSON object that a request is answered with, and what the server warns of.

        Raises:
            StatusError: The API refuses it; the message has every cause.
            LabError: No lab is there to answer, or it fails to.
            HostError: This user may not ask.
        """
        with self._opened(method, path, body, content_type, accept=accept) as response:
            code, text = response.status, response.read()
            warned = response.headers.get_all("Warning") or ()
        try:
            decoded = json.loads(text)
        except ValueError as error:
            raise LabError(f"lab {self._lab} answered {code}, and no JSON, to {path}") from error
        if code >= 500:
            raise LabError(decoded.get("message") or f"lab {self._lab} answered {code} to {path}")
        if code >= 400:
            raise failure_of_status(decoded)
        # 299, the agent and a string in quotes, which the server writes as JSON does.
        return Answer(decoded, tuple(json.loads(one.split(" ", 2)[2]) for one in warned))

    @property
    def _lab(self) -> str:
        return self._socket_path.parent.name

    def _unheard(self) -> LabError:
        """Return what to say when nobody listens, with the command that changes it."""
        option = "" if self._lab == "default" else f" --lab {self._lab}"
        topology = self._socket_path.with_name("topology.yaml")
        if starting_control_plane(self._lab) is not None:
            return LabError(
                f"the control plane of lab {self._lab} is still starting",
                hint=f"sudo netlab up {topology}{option} (waits for it)",
            )
        if topology.exists():
            return LabError(
                f"the control plane of lab {self._lab} has ended",
                hint=f"sudo netlab up {topology}{option} (revives it)",
            )
        return LabError(f"no lab {self._lab} is running", hint=f"sudo netlab up{option}")

    @contextmanager
    def _opened(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = _JSON,
        *,
        accept: str,
        timeout_s: float | None = TIMEOUT_S,
    ) -> Iterator[HTTPResponse]:
        """Send a request, and hand over the response while the connection is open."""
        connection = _UnixConnection(self._socket_path, timeout_s)
        text = None if body is None else json.dumps(body)
        headers = {
            "Accept": accept,
            "Content-Type": content_type,
            "Connection": "close",
            "User-Agent": "netlab",
        }
        try:
            connection.request(method, path, text, headers)
            yield connection.getresponse()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise self._unheard() from error
        except PermissionError as error:
            raise HostError("only root may speak to a lab", hint="put sudo before it") from error
        except (OSError, HTTPException) as error:
            raise LabError(f"lab {self._lab} does not answer: {error}") from error
        finally:
            connection.close()


class _UnixConnection(HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: Path, timeout_s: float | None) -> None:
        timeout = None if timeout_s is None else scaled(timeout_s)
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
