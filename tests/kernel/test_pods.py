"""What a pod's processes see, and what ``exec`` and ``shell`` give inside pods and hosts."""

import contextlib
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

WEB = "http://10.244.1.2:8080"


@pytest.fixture(scope="module")
def running(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    """Return a lab that the tests of this module share and do not change."""
    lab = make_lab()
    lab.up("two-nodes")
    yield lab
    lab.down()


def sh(lab: Lab, script: str) -> str:
    """Return what a shell in the pod prints, with its complaints."""
    return lab.inside("web-1", "sh", "-c", f"{{ {script}; }} 2>&1").stdout


# Isolation.


def test_pod_has_namespaces_of_its_own(running: Lab):
    kinds = ("net", "mnt", "pid", "uts", "ipc", "cgroup")
    inner = dict(zip(kinds, sh(running, links_of(kinds)).split(), strict=True))
    outer = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}  # noqa: PTH115
    assert not set(inner.values()) & set(outer.values())
    # And they are those of the pod's first process, which is 1 there.
    assert sh(running, "readlink /proc/1/ns/mnt").strip() == inner["mnt"]
    assert "echo" in sh(running, "cat /proc/1/cmdline")


def links_of(kinds: tuple[str, ...]) -> str:
    return "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)


def test_pod_sees_its_own_processes_only(running: Lab):
    pids = sh(running, "cd /proc; ls -d [0-9]*").split()
    assert "1" in pids
    assert len(pids) < 6


def test_pod_has_the_capabilities_of_a_container(running: Lab):
    capabilities = dict(re.findall(r"(Cap\w+):\s+(\w+)", sh(running, "cat /proc/self/status")))
    assert capabilities["CapBnd"] == capabilities["CapEff"] == "00000000a80425fb"
    assert capabilities["CapInh"] == capabilities["CapAmb"] == "0" * 16
    first = dict(re.findall(r"(Cap\w+):\s+(\w+)", sh(running, "cat /proc/1/status")))
    assert first == capabilities


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/machine-id", "/boot", "/run/netns", "/run/netlab", "/var/lib/dpkg"],
)
def test_pod_does_not_see_a_file_of_the_hosts(running: Lab, path: str):
    assert "No such file or directory" in sh(running, f"ls {path}")


@pytest.mark.parametrize("path", ["/root", "/home", "/opt", "/mnt/.."])
def test_pod_does_not_see_what_is_in_a_folder_of_the_hosts(running: Lab, path: str):
    # An ordinary user may not look into all of them.
    host = set(os.listdir(path)) if os.access(path, os.R_OK) else set()  # noqa: PTH208
    inner = set(sh(running, f"ls -A {path}").split())
    assert not (inner - {"mnt"}) or inner != host
    if path != "/mnt/..":
        assert inner == set()


@pytest.mark.parametrize(
    "write",
    [
        "touch /usr/written",
        "touch /bin/written",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "echo b > /proc/sysrq-trigger",
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /usr",
        "ip link add x type dummy",
        "iptables -A INPUT -j DROP",
        "hostname another",
    ],
)
def test_pod_may_not(running: Lab, write: str):
    said = sh(running, f"{write} && echo it worked")
    assert "it worked" not in said
    assert re.search("Read-only|ermission|denied|not permitted|must be|nonexistent", said), said


@pytest.mark.parametrize("directory", ["", "/srv", "/etc", "/tmp", "/var", "/run", "/dev/shm"])  # noqa: S108
def test_pod_may_write_files_of_its_own(running: Lab, directory: str):
    path = f"{directory}/{running.name}"
    assert sh(running, f"echo mine > {path}; cat {path}; rm {path}") == "mine\n"
    assert not Path(path).exists()


def test_pod_that_is_not_root_can_read_what_is_for_all(running: Lab):
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    read = sh(running, f"{nobody} cat /etc/hosts /etc/resolv.conf /dev/null")
    assert "nameserver 10.0.0.10" in read
    assert sh(running, f"{nobody} sh -c 'echo mine > /tmp/y; cat /tmp/y; rm /tmp/y'") == "mine\n"


def test_pod_has_the_files_that_the_kubelet_writes(running: Lab):
    assert "10.244.1.2\tweb-1\n" in sh(running, "cat /etc/hosts")
    assert sh(running, "cat /etc/resolv.conf") == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\n"
        "nameserver 10.0.0.10\n"
        "options ndots:5\n"
    )
    assert sh(running, "hostname; cat /etc/hostname") == "web-1\nweb-1\n"


def test_pod_has_the_network_of_its_pod_only(running: Lab):
    assert sh(running, "ls /sys/class/net").split() == ["eth0", "lo"]
    assert "default via 10.244.1.1 dev eth0" in sh(running, "ip route")
    assert "mtu 1460" in sh(running, "ip link show eth0")


def test_environment_is_the_containers(running: Lab):
    environment = dict(line.split("=", 1) for line in sh(running, "env").splitlines())
    assert environment["HOSTNAME"] == "web-1"
    assert environment["HOME"] == "/root"
    assert not [name for name in environment if name.startswith("NETLAB")]


# exec and shell.


def shells_code(code: int) -> int:
    """Return an exit code as a shell has it: 128 and the number for a signal."""
    return code if code >= 0 else 128 - code


@pytest.mark.parametrize("host", ["web-1", "default/web-1", "node1", "client", "router", "lb"])
def test_exec_passes_the_exit_code(running: Lab, host: str):
    expected = {"exit 0": 0, "exit 3": 3, "kill -9 $$": 137, "kill $$": 143}
    codes = {script: running.inside(host, "sh", "-c", script).returncode for script in expected}
    assert {script: shells_code(code) for script, code in codes.items()} == expected


@pytest.mark.parametrize("host", ["web-1", "node1"])
def test_exec_of_a_program_that_is_not_there_is_127_and_says_so(running: Lab, host: str):
    refused = running.inside(host, "frobnicate")
    assert refused.returncode == 127
    assert refused.stderr == "Error: frobnicate: executable file not found in $PATH\n"


def test_exec_in_a_host_that_is_not_there_names_the_nearest(running: Lab):
    refused = running.inside("node9", "true")
    assert refused.returncode == 6
    assert "node1" in refused.stderr


@pytest.mark.parametrize("host", ["web-1", "node1", "client", "router", "lb"])
def test_exec_pipes_standard_input_and_output(running: Lab, host: str):
    text = "a line\n" * 10_000
    assert running.inside(host, "cat", text=text).stdout == text
    assert running.inside(host, "sh", "-c", "cat >&2", text="x").stderr == "x"


@pytest.mark.parametrize("host", ["client", "router", "lb", "node1", "node2"])
def test_exec_in_a_host_has_its_name_and_interfaces(running: Lab, host: str):
    assert running.inside(host, "hostname").stdout == f"{host}\n"
    shown = running.inside(host, "ip", "-br", "link").stdout
    assert set(running.inside(host, "ls", "/sys/class/net").stdout.split()) == {
        line.split()[0].partition("@")[0] for line in shown.splitlines()
    }


def test_exec_in_a_host_knows_the_others_by_name(running: Lab):
    assert "CLIENT VALUES" in running.fetch("client", "http://node2:30080")


def on_a_terminal(lab: Lab, *argv: str, keys: bytes = b"", after: bytes = b"") -> tuple[int, bytes]:
    """Run ``netlab ARGV`` on a terminal of 40 lines and 123 columns; return code and output.

    The keys are pressed once the program has printed ``after``.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 123, 0, 0))
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *lab.command(*argv)],
        env={**lab.environment(), "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        said, pressed = b"", False
        with contextlib.suppress(OSError):  # EIO: nobody holds the other end any more
            while piece := os.read(ours, 4096):
                said += piece
                if after in said and not pressed:
                    os.write(ours, keys)
                    pressed = True
        os.close(ours)
    return running.returncode, said


@pytest.mark.parametrize("host", ["web-1", "node1"])
def test_exec_has_the_callers_terminal(running: Lab, host: str):
    code, said = on_a_terminal(running, "exec", host, "--", "sh", "-c", "test -t 0 && stty size")
    assert (code, said.strip()) == (0, b"40 123")


def test_a_program_in_a_pod_finds_its_terminal_by_name(running: Lab):
    code, said = on_a_terminal(running, "exec", "web-1", "--", "sh", "-c", "tty; echo x > $(tty)")
    assert (code, said.split()) == (0, [b"/dev/pts/0", b"x"])


@pytest.mark.parametrize("host", ["web-1", "node1", "client"])
def test_shell_says_where_it_is_and_passes_its_exit_code(running: Lab, host: str):
    code, said = on_a_terminal(running, "shell", host, keys=b"hostname\nexit 5\n", after=b"# ")
    assert code == 5
    assert f"{running.name}/{host}# ".encode() in said
    assert f"\r\n{host}\r\n".encode() in said
    assert b"no job control" not in said


@pytest.mark.parametrize("host", ["web-1", "node1"])
def test_ctrl_c_is_for_the_program_inside(running: Lab, host: str):
    script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done"
    argv = ["exec", host, "--", "sh", "-c", script]
    code, said = on_a_terminal(running, *argv, keys=b"\x03", after=b"ready")
    assert code == 9
    assert b"caught" in said


# The echo server.


def test_echo_server_answers_as_the_image_does(running: Lab):
    lines = running.fetch("node1", f"{WEB}/path?q=1", "-H", "X-Mine: yes").splitlines()
    expected = ["CLIENT VALUES:", "client_address=10.244.1.1", "command=GET", "real path=/path"]
    assert lines[:4] == expected
    assert "query=q=1" in lines
    assert "x-mine=yes" in lines
    assert lines[-1] == "-no body in request-"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_echo_server_takes_any_method(running: Lab, method: str):
    answer = running.fetch("node1", WEB, "-X", method, "-d", "the body")
    assert f"command={method}" in answer
    assert answer.endswith("BODY:\nthe body")


def test_an_orphan_in_a_pod_is_buried(running: Lab):
    running.inside("web-1", "sh", "-c", "(sleep 0 &); true")
    wait_for(lambda: "sleep" not in running.inside("web-1", "ps", "ax").stdout)


def test_echo_server_answers_head_without_a_body(running: Lab):
    answer = running.fetch("node1", WEB, "-I")
    assert answer.startswith("HTTP/1.1 200")
    assert "CLIENT VALUES" not in answer


def test_echo_server_keeps_a_connection_alive(running: Lab):
    shown = running.inside("node1", "curl", "-sv", WEB, WEB, WEB)
    assert shown.stdout.count("CLIENT VALUES") == 3
    assert shown.stderr.count("Re-using existing connection") == 2


def test_echo_server_returns_a_large_body_whole(running: Lab):
    script = (
        "head -c 20000000 /dev/urandom > /tmp/large; "
        "curl -s --data-binary @/tmp/large http://[::1]:8080 | tail -c 20000000 | cmp - /tmp/large"
        " && echo the same; rm /tmp/large"
    )
    assert sh(running, script) == "the same\n"


def test_echo_server_speaks_ipv6(running: Lab):
    assert "client_address=::1" in sh(running, "curl -sg http://[::1]:8080")


# Containers with programs of their own.

PODS = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: pods}
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: script}
spec:
  containers:
    - name: sh
      image: anything
      command: [/bin/sh, -c]
      args: ["echo hello from $WHO in $PWD; exec sleep 1000"]
      env: [{name: WHO, value: a pod}]
      workingDir: /tmp
---
apiVersion: v1
kind: Pod
metadata: {name: lost}
spec:
  containers: [{name: lost, image: example.com/no/such:1}]
---
apiVersion: v1
kind: Pod
metadata: {name: typo}
spec:
  containers: [{name: sleep, image: anything, command: [sleeep, "1"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: once}
spec:
  restartPolicy: Never
  containers: [{name: once, image: anything, command: [sh, -c, exit 4]}]
"""


def test_containers_run_what_they_say(lab: Lab, tmp_path: Path):
    file = tmp_path / "pods.yaml"
    file.write_text(PODS)
    done = lab.run("up", str(file))
    assert done.returncode == 0, done.stderr
    assert "warning: pod default/lost: ErrImagePull: netlab has no program" in done.stderr
    wait_for(lambda: lab.log("script") == "hello from a pod in /tmp\n")
    assert lab.inside("script", "sh", "-c", "echo $WHO").stdout == "a pod\n"
    listed = {line.split()[0]: line for line in lab.run("get", "pods").stdout.splitlines()}
    assert re.search("ErrImagePull|ImagePullBackOff", listed["lost"])
    assert re.search("StartError|CrashLoopBackOff", listed["typo"])
    [state] = lab.get("pod", "typo")["status"]["containerStatuses"]
    ended = state["state"].get("terminated") or state["lastState"]["terminated"]
    assert 'exec: "sleeep": executable file not found in $PATH' in ended["message"]
    assert ended["exitCode"] == 128
    assert "Running" in listed["script"]
    wait_for(lambda: lab.get("pod", "once")["status"]["phase"] == "Failed")
    [state] = lab.get("pod", "once")["status"]["containerStatuses"]
    assert state["state"]["terminated"]["exitCode"] == 4
    refused = lab.inside("lost", "true")
    assert refused.returncode == 6
    assert "no container of lost runs" in refused.stderr


# What hands type who know kubectl.


@pytest.mark.parametrize(
    "words",
    [
        ["-it", "web-1", "--"],
        ["web-1", "-it", "--"],
        ["-i", "-t", "web-1"],
        ["--stdin", "--tty", "default/web-1", "--"],
    ],
)
def test_exec_takes_the_flags_of_kubectls(running: Lab, words: list[str]):
    done = running.run("exec", *words, "sh", "-c", "echo -it; exit 3")
    assert (done.returncode, done.stdout) == (3, "-it\n"), done.stderr


def test_exec_finds_a_pod_of_a_deployment(lab: Lab):
    lab.up("source-ip")
    done = lab.inside("deploy/source-ip-app", "hostname")
    assert done.stdout.startswith("source-ip-app-"), done.stderr
