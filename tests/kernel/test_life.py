"""``up``, ``down``, ``status`` and ``list`` as a user of a lab meets them."""

import os
import signal
import subprocess
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

import pytest

from netlab.client.api_client import Client
from netlab.model.rundir import control_socket
from tests.kernel.conftest import SUDO, Lab, namespaces, title_of, wait_for

CHILDREN: Final = ("netns agent", "container runtime", "zygote")
"""Of the control plane; it needs each of them."""

pytestmark = pytest.mark.kernel

NODE1 = "http://10.240.0.3:30080"
NODE2 = "http://10.240.0.4:30080"


def answers(lab: Lab) -> bool:
    return "CLIENT VALUES:" in lab.fetch("client", NODE2)


def pod_pids(lab: Lab) -> dict[str, list[int]]:
    return {host["name"]: host["pids"] for host in pids(lab) if host["kind"] == "pod"}


def pids(lab: Lab) -> list[dict]:
    return [
        {"name": host["name"], "kind": host["kind"], "pids": host["usage"]["pids"]}
        for host in lab.status()["hosts"]
    ]


def test_up_twice_says_that_there_is_nothing_to_do(lab: Lab):
    assert "is up and answers" in lab.up()
    before = (pids(lab), lab.get("pods"), lab.get("svc"))
    assert f"lab {lab.name} (two-nodes) is up already; nothing to do" in lab.up()
    assert (pids(lab), lab.get("pods"), lab.get("svc")) == before


def test_up_of_another_topology_leaves_nothing_of_the_first(lab: Lab):
    lab.up("source-ip")
    out = lab.up("two-nodes")
    assert "(two-nodes) is up and answers" in out
    assert [name for name in lab.netns() if "node3" in name or "source-ip" in name] == []
    assert [pod["metadata"]["name"] for pod in lab.get("pods")["items"]] == ["web-1"]
    names = {service["metadata"]["name"] for service in lab.get("svc")["items"]}
    assert names == {"kubernetes", "web"}
    nodes = {node["metadata"]["name"] for node in lab.get("nodes")["items"]}
    assert nodes == {"node1", "node2"}
    assert "default/nodeport" not in lab.inside("node1", "iptables-save").stdout
    assert answers(lab)
    assert "nothing to do" in lab.up("two-nodes")


OTHER_NETWORKS = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: other-networks}
spec:
  networks: {nodes: 10.99.0.0/24, pods: 10.100.0.0/16, services: 10.7.0.0/16}
  mtu: 1400
  cni: bridge
  nodes: [{name: node2}, {name: extra}]
  clients: [{name: client}]
"""


def test_up_with_other_networks_moves_everything_there_and_back(lab: Lab, tmp_path: Path):
    built_in = Path(__file__).parents[2] / "topologies/connect-applications.yaml"
    objects = built_in.read_text().split("---\n")[1:]
    other = tmp_path / "other.yaml"
    other.write_text("---\n".join([OTHER_NETWORKS, *objects]))
    lab.up("connect-applications")
    for topology, pods, services in (
        (str(other), "10.100.0.0/16", "10.7.0.0/16"),
        ("connect-applications", "10.244.0.0/16", "10.0.0.0/16"),
    ):
        lab.up(topology)
        found = [pod["status"]["podIP"] for pod in lab.get("pods")["items"]]
        assert len(found) == 2
        assert all(ip_address(one) in ip_network(pods) for one in found)
        cluster_ips = {
            service["metadata"]["name"]: service["spec"]["clusterIP"]
            for service in lab.get("svc")["items"]
        }
        assert set(cluster_ips) == {"kubernetes", "my-nginx"}
        assert all(ip_address(one) in ip_network(services) for one in cluster_ips.values())
        assert lab.fetch("node2", f"http://{cluster_ips['my-nginx']}")
        assert "nothing to do" in lab.up(topology)


def test_down_says_what_it_removed_and_the_second_that_there_is_nothing(lab: Lab):
    lab.up()
    assert "removed 6 namespaces and 5 processes" in lab.down()
    assert lab.netns() == []
    assert lab.down() == f"there is no lab {lab.name}; nothing to remove\n"


def test_down_needs_neither_control_plane_nor_files(lab: Lab):
    lab.up()
    for pid in lab.processes().values():
        os.kill(pid, signal.SIGKILL)
    subprocess.run(["rm", "-r", lab.directory()], check=True)
    assert "removed 6 namespaces" in lab.down()


def test_down_removes_what_others_started_inside_the_lab(lab: Lab):
    lab.up()
    entered = ["ip", "netns", "exec", f"netlab-{lab.name}-node1", "sleep", "100"]
    with subprocess.Popen(entered) as foreign:
        wait_for(lambda: title_of(foreign.pid).startswith("sleep"))
        assert "6 namespaces and 6 processes" in lab.down()
        assert foreign.wait(5) == -signal.SIGKILL


def test_down_removes_programs_of_a_pod_whose_namespace_lost_its_name(lab: Lab):
    lab.up()
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: asleep}\nspec:\n  containers:\n"
    pod += "  - {name: sleep, image: busybox, command: [sleep, '100']}\n"
    assert lab.run("apply", "-f", "-", text=pod).returncode == 0
    [pid] = wait_for(lambda: pod_pids(lab).get("asleep"))
    subprocess.run(["ip", "netns", "delete", f"netlab-{lab.name}-default.asleep"], check=True)
    assert "6 processes" in lab.down()
    wait_for(lambda: not title_of(pid))


def test_without_its_control_plane_a_lab_carries_traffic_and_up_adopts_its_pods(lab: Lab):
    lab.up()
    before = pod_pids(lab)
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    wait_for(lambda: not lab.processes())
    assert answers(lab)
    orphaned = lab.status()
    assert orphaned["state"] == "orphaned"
    shown = lab.run("status")
    assert shown.returncode == 1
    assert "the control plane has ended" in shown.stdout
    assert f"--lab {lab.name}" in shown.stdout
    # What status says to type works.
    typed = orphaned["advice"].split(" (")[0].removeprefix(f"{SUDO}netlab ").split()
    healed = lab.run(*typed)
    assert healed.returncode == 0, healed.stderr
    assert pod_pids(lab) == before
    assert lab.status()["state"] == "up"
    assert answers(lab)


@pytest.mark.parametrize("child", CHILDREN)
def test_control_plane_ends_with_a_child_and_up_starts_it_anew(lab: Lab, child: str):
    lab.up()
    before = pod_pids(lab)
    os.kill(lab.processes()[child], signal.SIGKILL)
    wait_for(lambda: not lab.processes())
    assert answers(lab)
    lab.up()
    assert pod_pids(lab) == before
    assert set(lab.processes()) == {"control plane", *CHILDREN}


def test_up_ends_a_container_that_had_just_begun_to_start(lab: Lab):
    """Forked a moment before the control plane ended, and in none of the lab's namespaces yet."""
    lab.up()
    begun = ["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"]
    with subprocess.Popen(begun, env={**os.environ, "NETLAB_OWNER": lab.name}) as process:
        wait_for(lambda: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        os.kill(lab.processes()["control plane"], signal.SIGKILL)
        wait_for(lambda: "orphaned" in lab.run("status").stdout)
        lab.up()
        assert process.wait(10)
    assert answers(lab)


CRASHES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: crashes}
spec:
  replicas: 5
  selector: {matchLabels: {app: crashes}}
  template:
    metadata: {labels: {app: crashes}}
    spec: {containers: [{name: c, image: busybox, command: [sh, -c, exit 3]}]}
"""


def test_containers_that_come_and_go_leave_no_descriptor_and_no_process(lab: Lab):
    def held() -> dict[str, int]:
        return {
            kind: len(list(Path(f"/proc/{pid}/fd").iterdir()))
            for kind, pid in lab.processes().items()
        }

    def are_up(number: int) -> bool:
        return lab.get("deploy", "my-nginx")["status"].get("readyReplicas", 0) == number

    def has_dns() -> bool:
        status = lab.get("deploy", "coredns", "-n", "kube-system")["status"]
        return status.get("readyReplicas") == status["replicas"]

    lab.up("connect-applications")
    # Its pods watch the API, over connections that the control plane holds; up waits for none.
    wait_for(has_dns, 30)
    Client(control_socket(lab.name)).let_settle()
    before = held()
    lab.run("apply", "-f", "-", text=CRASHES)
    for number in (20, 0, 20, 2):
        lab.run("scale", "deploy", "my-nginx", "--replicas", str(number))
        wait_for(lambda wanted=number: are_up(wanted), 20)
    lab.run("delete", "deploy", "crashes")
    wait_for(lambda: len(lab.get("pods")["items"]) == 2, 20)
    # Before, one may have been at work, and so have held some for a moment.
    wait_for(lambda: all(number <= before[kind] for kind, number in held().items()))
    children = (Path(f"/proc/{lab.processes()['zygote']}") / "task").glob("*/children")
    # Those of two pods with nginx, and of two with CoreDNS.
    assert sum(len(path.read_text().split()) for path in children) == 4


def test_pod_that_ended_while_nobody_watched_is_started_by_the_next_up(lab: Lab):
    lab.up()
    [pid] = pod_pids(lab)["web-1"]
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    wait_for(lambda: not lab.processes())
    os.kill(pid, signal.SIGKILL)
    lab.up()
    wait_for(lambda: answers(lab))
    assert pod_pids(lab)["web-1"] != [pid]


def test_after_a_reboot_status_says_so_and_up_builds_the_lab_again(lab: Lab):
    """A machine that keeps /run over a reboot has the files, and no namespace or process."""
    lab.up()
    kept = {path.name: path.read_bytes() for path in lab.directory().iterdir() if path.is_file()}
    lab.down()
    lab.directory().mkdir(parents=True)
    for name, content in kept.items():
        (lab.directory() / name).write_bytes(content)
    shown = lab.run("status")
    assert shown.returncode == 1
    assert "its namespaces are gone" in shown.stdout
    assert f"{SUDO}netlab up --lab {lab.name}" in shown.stdout
    assert f"{lab.name}   lost    <none>     0 " in lab.run("list").stdout
    healed = lab.run("up")
    assert healed.returncode == 0, healed.stderr
    assert answers(lab)


def test_status_of_a_lab_that_is_not_there_says_what_to_type(lab: Lab):
    shown = lab.run("status")
    assert shown.returncode == 6
    assert f"there is no lab {lab.name}" in shown.stderr
    assert f"{SUDO}netlab up --lab {lab.name}" in shown.stderr


def test_up_heals_a_namespace_whose_making_was_cut_short(lab: Lab):
    for host in ("node1", "router"):
        Path(f"/run/netns/netlab-{lab.name}-{host}").touch(mode=0o444)
    lab.up()
    assert answers(lab)


def test_down_removes_a_namespace_whose_making_was_cut_short(lab: Lab):
    Path("/run/netns").mkdir(exist_ok=True)
    Path(f"/run/netns/netlab-{lab.name}-node1").touch(mode=0o444)
    assert "removed 1 namespace " in lab.down()


def in_node1(lab: Lab, *argv: str) -> None:
    node1 = f"netlab-{lab.name}-node1"
    subprocess.run(["ip", "netns", "exec", node1, *argv], check=True, capture_output=True)


DAMAGES = {
    "a deleted link": ["ip", "link", "del", "eth0"],
    "a deleted address": ["ip", "addr", "flush", "dev", "eth0"],
    "a deleted route": ["ip", "route", "flush", "proto", "static"],
    "a link that was taken down": ["ip", "link", "set", "eth0", "down"],
    "a deleted pod link": ["ip", "link", "del", "veth-web-1"],
    "flushed rules": ["iptables", "-t", "nat", "-F"],
    "a setting that was changed": ["sysctl", "-w", "net.ipv4.ip_forward=0"],
}


@pytest.fixture(scope="module")
def two_nodes(make_lab: Callable[[], Lab]) -> Lab:
    """Return a lab that is whole before and after each test."""
    lab = make_lab()
    lab.up()
    return lab


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_up_repairs(two_nodes: Lab, damage: list[str]):
    in_node1(two_nodes, *damage)
    out = two_nodes.up()
    assert "nothing to do" not in out
    assert "CLIENT VALUES:" in two_nodes.fetch("client", NODE1)
    assert answers(two_nodes)
    assert "nothing to do" in two_nodes.up()


def test_up_repairs_a_namespace_that_was_deleted(lab: Lab):
    lab.up()
    subprocess.run(["ip", "netns", "delete", f"netlab-{lab.name}-node2"], check=True)
    gone = lab.status()
    assert gone["state"] == "degraded"
    assert any("node2 is gone" in problem for problem in gone["problems"])
    lab.up()
    assert answers(lab)
    assert lab.status()["state"] == "up"


def test_things_with_similar_names_are_left_alone(lab: Lab):
    lab.up()
    names = [f"netlab-{lab.name}9-node1", f"netlab-{lab.name}x", f"netlab{lab.name}-node1"]
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    entered = [["ip", "netns", "exec", name, "sleep", "100"] for name in names]
    running = [subprocess.Popen(argv) for argv in entered]
    try:
        lab.down()
        assert set(names) <= namespaces()
        assert [process.poll() for process in running] == [None, None, None]
    finally:
        for process in running:
            process.kill()
            process.wait()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=True)


def test_up_without_a_name_keeps_the_topology_that_runs(lab: Lab):
    lab.up("two-nodes")
    again = lab.run("up")
    assert again.returncode == 0, again.stderr
    assert "(two-nodes) is up already" in again.stdout


def test_what_up_says_to_type_next_is_about_this_lab(lab: Lab):
    said = lab.up("two-nodes").splitlines()
    commands = [line.strip() for line in said if line.strip().startswith(f"{SUDO}netlab")]
    assert commands
    assert all(f" --lab {lab.name}" in command for command in commands)


def test_a_first_ip_netns_add_beside_a_lab_does_not_keep_it_from_going(lab: Lab):
    own_run = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec"]
    script = "mount -t tmpfs run /run; $NETLAB up; ip netns add other; $NETLAB down; ip netns"
    done = subprocess.run(
        [*own_run, script],
        env={**lab.environment(), "NETLAB": " ".join(lab.command())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nother\n"), done.stdout


def test_namespaces_of_other_tools_are_no_labs(lab: Lab):
    name = f"netlab-{lab.name}_x-foo"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        listed = lab.run("list")
        assert listed.returncode == 0, listed.stderr
        assert f"{lab.name}_x" not in listed.stdout
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_control_socket_and_files_are_roots_alone(lab: Lab):
    lab.up()
    assert lab.directory().stat().st_mode & 0o777 == 0o700
    ask = ["curl", "-s", "--unix-socket", str(lab.directory() / "control.sock"), "http://lab/api"]
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups"]
    could_not_connect = 7
    refused = subprocess.run([*nobody, *ask], capture_output=True, check=False)
    assert refused.returncode == could_not_connect
    assert b"APIVersions" in subprocess.run(ask, capture_output=True, check=True).stdout


def test_bytecode_that_a_lab_leaves_is_for_every_user_to_read(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What root alone can read is compiled anew by each command of every other user."""
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    lab.up()
    written = list(tmp_path.rglob("*.pyc"))
    assert any("control_plane" in path.name for path in written)
    assert not [path for path in written if not path.stat().st_mode & 0o004]


def test_dry_run_is_bash_and_changes_nothing(lab: Lab):
    printed = lab.run("up", "--dry-run", "source-ip")
    assert printed.returncode == 0
    checked = subprocess.run(
        ["bash", "-n"], input=printed.stdout, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert lab.netns() == []
