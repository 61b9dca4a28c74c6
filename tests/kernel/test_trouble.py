"""A machine or a user's input that is not as it must be: a sentence, an exit code, no traces."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab

pytestmark = pytest.mark.kernel


def fails(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert that a command failed with ``code`` and a sentence that has ``words``."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def two_nodes(make_lab: Callable[[], Lab]) -> Lab:
    """Return a lab that tests leave as it is."""
    lab = make_lab()
    lab.up()
    return lab


def run_as(lab: Lab, prefix: list[str], *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *lab.command(*argv)],
        env=lab.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# The interpreter may lie where only root can read; a user's rights are otherwise nobody's.
NOBODY += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


@pytest.mark.parametrize(
    "argv",
    [["up"], ["down"], ["status"], ["list"], ["exec", "node1", "--", "true"], ["shell", "node1"]],
    ids=lambda argv: argv[0],
)
def test_without_root_or_user_namespaces_the_command_to_type_is_shown(lab: Lab, argv: list[str]):
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    user = [sys.executable, "scripts/ordinary_user.py", "--", "unshare", "-r", "sh", "-c", forbid]
    done = run_as(lab, [*user, "-"], *argv)
    fails(done, 4, f"type: sudo netlab {' '.join(argv)}")


def test_without_root_a_topology_is_checked_and_its_commands_are_printed(lab: Lab):
    assert run_as(lab, NOBODY, "validate", "source-ip").returncode == 0
    assert "ip netns add" in run_as(lab, NOBODY, "up", "--dry-run").stdout


def in_private_mounts(script: str) -> list[str]:
    """Return what runs a command after ``script`` changed the mounts, for it alone."""
    return ["unshare", "--mount", "--propagation=slave", "bash", "-c", f'{script}; exec "$@"', "-"]


WITHOUT_IPTABLES = (
    "for file in /usr/sbin/*tables* /sbin/*tables*; do "
    '[ -L "$file" ] || mount --bind /dev/null "$file"; done'
)


def test_without_iptables_the_package_is_named(lab: Lab):
    fails(
        run_as(lab, in_private_mounts(WITHOUT_IPTABLES), "up", "two-nodes"),
        4,
        "iptables-restore is not installed",
        "apt-get install iptables",
    )
    done = run_as(lab, in_private_mounts(WITHOUT_IPTABLES), "doctor")
    assert done.returncode == 4
    assert "apt-get install iptables" in done.stdout


@pytest.mark.parametrize("argv", [("trace", "client", "http://10.240.0.3:30080"), ("matrix",)])
def test_few_file_descriptors_are_a_sentence(two_nodes: Lab, argv: tuple[str, ...]):
    few = ["bash", "-c", 'ulimit -n 24; exec "$@"', "-"]
    done = run_as(two_nodes, few, *argv)
    if done.returncode:
        fails(done, 4, "too few files may be open: this process may have 24", "ulimit -n 1024")
    done = run_as(two_nodes, few, "trace", "client", "http://10.240.0.3:30080")
    fails(done, 4, "too few files may be open")


@pytest.mark.parametrize("kilobytes", [4, 128, 2048])
def test_full_disk_is_a_sentence_and_leaves_nothing(lab: Lab, kilobytes: int):
    full = in_private_mounts(f"mkdir -p /run/netlab; mount -t tmpfs -o size={kilobytes}k x $_")
    fails(run_as(lab, full, "up", "two-nodes"), 4, "no space left", "/run/netlab")
    assert lab.netns() == []


def test_down_needs_no_room_on_the_disk(lab: Lab):
    lab.up()
    fill = "mkdir -p /run/netlab; mount -t tmpfs -o size=4k x $_; head -c 4096 /dev/zero > $_/full"
    done = run_as(lab, in_private_mounts(fill), "down")
    assert done.returncode == 0, done.stderr
    assert lab.netns() == []


def test_hosts_can_be_entered_when_the_disk_is_full(lab: Lab):
    up, entered, down = (
        shlex.join(lab.command(*argv))
        for argv in (("up", "two-nodes"), ("exec", "client", "--", "hostname"), ("down",))
    )
    script = (
        "mkdir -p /run/netlab && mount -t tmpfs -o size=8m x /run/netlab && "
        f"{up} >&2 && {{ head -c 9m /dev/zero > /run/netlab/full; {entered}; {down} >&2; }}"
    )
    done = run_as(lab, ["unshare", "--mount", "sh", "-c", script])
    assert done.stdout == "client\n", done.stderr
    assert "warning: " in done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_file_is_refused_with_all_its_problems_and_nothing_is_built(lab: Lab, tmp_path: Path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "apiVersion: netlab/v1\nkind: Topology\nspec: {nodes: 0, clints: 1, mtu: big}\n"
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: Bad_Name}\n"
        "spec: {ports: [{port: 99999}]}\n"
    )
    done = lab.run("up", str(file))
    fails(done, 3, "nodes", "clints", "clients", "mtu", "Bad_Name", "99999", "bad.yaml:3")
    assert lab.netns() == []
    assert not lab.directory().exists()


def test_bad_file_leaves_a_running_lab_alone(lab: Lab, tmp_path: Path):
    lab.up()
    file = tmp_path / "bad.yaml"
    file.write_text("apiVersion: netlab/v1\nkind: Topology\nspec: {nodes: many}\n")
    fails(lab.run("up", str(file)), 3, "nodes")
    assert "nothing to do" in lab.up()


@pytest.mark.parametrize(
    "name",
    ["", "Upper", "with-dash", "a b", "../x", "a/b", ".", "..", "a\nb", "x" * 33, "é", "-x", "*"],
)
@pytest.mark.parametrize(
    "command",
    [
        ["up"],
        pytest.param(["down"], marks=pytest.mark.long),
        pytest.param(["status"], marks=pytest.mark.long),
        pytest.param(["exec", "node1", "--", "id"], marks=pytest.mark.long),
    ],
)
def test_name_that_is_no_labs_is_a_wrong_command_line(name: str, command: list[str]):
    done = Lab("never").run(command[0], f"--lab={name}", *command[1:])
    fails(done, 2, "lab")


@pytest.mark.parametrize("host", ["../x", "/", ".", "..", "a b", "$(id)", "web-1/..", "x" * 300])
def test_host_of_a_hostile_name_is_none_of_the_labs(two_nodes: Lab, host: str):
    fails(two_nodes.run("exec", host, "--", "true"), 6, "has no host")


def test_service_that_does_not_answer_is_named_with_its_caller(lab: Lab):
    lab.up()
    drop = ["iptables", "-I", "FORWARD", "-j", "DROP"]
    subprocess.run(["ip", "netns", "exec", f"netlab-{lab.name}-node1", *drop], check=True)
    done = lab.run("up", "two-nodes")
    assert done.returncode == 0
    said = "Service default/web at 10.240.0.3:30080, called from client: no answer"
    assert said in done.stderr
    fails(lab.run("up", "--wait", "all"), 5, said)


BROKEN_ON_PURPOSE = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: broken}
spec: {nodes: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web}}
spec:
  nodeName: node2
  containers:
    - {name: e, image: registry.k8s.io/echoserver:1.4, ports: [{containerPort: 8080, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: agent}
spec: {internalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: named}
spec: {clusterIP: 10.0.0.41, selector: {app: web}, ports: [{port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: wrong}
spec: {clusterIP: 10.0.0.42, selector: {app: web}, ports: [{port: 80, targetPort: 9999}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {clusterIP: 10.0.0.43, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: outside-1, labels: {kubernetes.io/service-name: outside}}
addressType: IPv4
ports: [{name: "", port: 8080, protocol: TCP}]
endpoints: [{addresses: ["198.51.100.79"]}]
"""


def test_services_that_are_broken_on_purpose_keep_no_lab_from_being_up(lab: Lab, tmp_path: Path):
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN_ON_PURPOSE)
    done = lab.run("up", str(file))
    assert done.returncode == 0, done.stderr
    assert "(broken) is up, in" in done.stdout
    (pod,) = lab.get("pods")["items"]
    refused = f"refused, so nothing listens on {pod['status']['podIP']}:9999"
    lines = done.stderr.partition("without an answer:\n")[2].splitlines()
    assert [line.strip() for line in lines] == [
        f"Service default/wrong at 10.0.0.42:80, called from node1: {refused}",
        "Service default/named at 10.0.0.41:80: no container of its pods has a port named web",
        (
            "Service default/outside at 10.0.0.43:80: "
            "its endpoint 198.51.100.79:8080 is outside this lab"
        ),
    ]
