"""Root in a pod tries what write-ups of escapes from containers describe; the host stays as it is.

Sources: CVE-2019-5736 (/proc/self/exe), CVE-2024-21626 and CVE-2016-9962 (descriptors that leak),
CVE-2022-0492 (release_agent), "shocker" (open_by_handle_at), CVE-2022-0185 (user namespaces),
Trail of Bits, "Understanding Docker container escapes"; HackTricks, "Docker breakout".
"""

import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from netlab.kubelet.runtime.cgroups import hierarchies
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

PODS: Final = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: escapes}
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: echo}
spec: {containers: [{name: echo, image: echoserver}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec: {containers: [{name: sh, image: pause, command: [sh, -c, sleep 1000000]}]}
"""
PODS_NAMES: Final = ("echo", "shell")


@pytest.fixture(scope="module")
def running(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    lab = make_lab()
    done = lab.run("up", "-", text=PODS)
    assert done.returncode == 0, done.stderr
    yield lab
    lab.down()


def sh(lab: Lab, pod: str, script: str) -> str:
    """Return what a shell in the pod prints, with its complaints."""
    return lab.inside(pod, "sh", "-c", f"{{ {script}\n}} 2>&1").stdout


# Through /proc.

WAYS: Final = "/proc/[0-9]*/exe /proc/[0-9]*/fd/* /proc/[0-9]*/map_files/* /proc/self/exe"
CHANGES: Final = f"""
for way in {WAYS}; do
  case $(readlink $way) in pipe:*|socket:*|anon_inode:*|/dev/pts/*|/proc/*) continue;; esac
  chmod 4777 $way; chown 12345:12345 $way; touch -d 1999-01-01 $way
  setcap cap_sys_admin+ep $way; (echo changed >> $way); truncate -s 0 $way
  ln -L $way /tmp/linked && chmod 4777 /tmp/linked
done
for file in /proc/[0-9]*/root/bin/sh /proc/[0-9]*/cwd/bin/sh /bin/sh /etc/alternatives/*; do
  chmod 4777 $file; chown 1 $file; (echo changed >> $file); rm -f $file; mv $file $file.old
done
for directory in /usr /bin /lib /proc/1/root/usr /proc/1/root /mnt /; do
  touch $directory/made; mkdir $directory/made.d; mount -o remount,rw $directory
done
"""


@pytest.mark.parametrize("pod", PODS_NAMES)
def test_no_process_of_a_pod_leads_to_a_file_of_the_host_that_can_be_changed(
    running: Lab, pod: str
):
    before = seen_from(running, pod)
    assert "Read-only file system" in sh(running, pod, CHANGES)
    after = seen_from(running, pod)
    assert after == before


def seen_from(lab: Lab, pod: str) -> dict[str, tuple[int, ...]]:
    """Return what the host knows of each file that a pod can see, by device and inode.

    The files that its processes run and hold, wherever they lie, and the programs of the host.
    """
    files: set[str] = {"/dev/null", "/etc/passwd", "/etc/shadow", "/etc/ssl", "/usr", "/bin"}
    for process in processes_of(lab, pod):
        maps = (process / "maps").read_text().splitlines()
        files |= {line.split(maxsplit=5)[5] for line in maps if "/" in line}
    files |= {str(path) for path in lab.directory().rglob("*") if "/etc/" not in str(path)}
    for directory in ("/usr/bin", "/usr/sbin", "/usr/lib/python3", "/etc/ssl", "/etc/alternatives"):
        files |= {str(path) for path in Path(directory).rglob("*")}
    found = {}
    for name in files:
        # Logs grow, and a file that netlab wrote anew is another one.
        if not name.endswith((".log", ".db", ".db-wal", ".db-shm", "hosts")):
            try:
                known = os.lstat(name)
            except FileNotFoundError:
                continue
            is_pipe = name.endswith(("/stdout", "/stderr"))
            times = () if is_pipe else (known.st_mtime_ns, known.st_ctime_ns)
            found[name] = (known.st_ino, known.st_mode, known.st_uid, known.st_gid, *times)
    return found


def processes_of(lab: Lab, pod: str) -> list[Path]:
    inode = Path(f"/run/netns/netlab-{lab.name}-default.{pod}").stat().st_ino
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").stat().st_ino == inode:
                found.append(process)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


WATCH: Final = """
end=$(( $(date +%s) + 20 ))
while [ $(date +%s) -lt $end ] && [ ! -e /tmp/enough ]; do
  for process in /proc/[0-9]*; do
    case $process in /proc/1|/proc/$$) continue;; esac
    chmod 4777 $process/exe $process/fd/* 2>/dev/null && echo changed $(readlink $process/exe)
  done
done
"""


def test_whoever_runs_a_program_in_a_pod_is_not_reached_from_there(running: Lab):
    interpreter = Path(f"/proc/{os.getpid()}/exe").resolve()
    before = interpreter.stat()
    sh(running, "shell", "rm -f /tmp/enough")
    watched: list[str] = []
    watcher = threading.Thread(target=lambda: watched.append(sh(running, "shell", WATCH)))
    watcher.start()
    for _ in range(10):
        assert running.inside("shell", "true").returncode == 0
    sh(running, "shell", "touch /tmp/enough")
    watcher.join()
    after = interpreter.stat()
    assert (after.st_mode, after.st_ctime_ns) == (before.st_mode, before.st_ctime_ns)
    # Pipes of the callers' own are no files of the host's.
    assert "python" not in watched[0]


# By what the kernel offers.

REFUSED: Final = {
    "a control group's release_agent": "mkdir /tmp/cg; mount -t cgroup -o rdma none /tmp/cg",
    "mount of the disk": "mount /dev/sda1 /mnt || mount /dev/vda /mnt",
    "bind mount": "mount --bind /proc/sys/net /tmp && touch /tmp/x",
    "mount of proc": "mkdir -p /tmp/p; mount -t proc proc /tmp/p",
    "a user namespace": "unshare -Ur true",
    "a mount namespace": "unshare -m true",
    "a network namespace": "unshare -n true",
    "the namespaces of the first process": "nsenter -t 1 -m -n -p true",
    "pivot_root": "mkdir -p /tmp/new; pivot_root /tmp/new /tmp/new",
    "the disk by a device node": "mknod /tmp/v b 254 0; mknod /tmp/s b 8 0; "
    "cat /tmp/v /tmp/s | head -c 1 | grep -q .",
    "memory by a device node": "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem | grep -q .",
    "the kernel's log by a device node": "mknod /run/kmsg c 1 11; head -c 1 /run/kmsg | grep -q .",
    "core_pattern": "echo '|/tmp/x' > /proc/sys/kernel/core_pattern",
    "modprobe": "echo /tmp/x > /proc/sys/kernel/modprobe",
    "uevent_helper": "echo /tmp/x > /sys/kernel/uevent_helper",
    "a network setting": "echo 1 > /proc/sys/net/ipv4/ip_forward",
    "sysrq": "echo h > /proc/sysrq-trigger",
    "interrupts": "for f in /proc/irq/*affinity /proc/irq/*/*affinity; do "
    "cat $f > /tmp/a && cat /tmp/a > $f && exit 0; done; exit 1",
    "the bus": "for f in /proc/bus/pci/*/*; do : >> $f && exit 0; done; exit 1",
    "kernel memory": "head -c 1 /proc/kcore | grep -q .",
    "keys of others": "grep -q . /proc/keys",
    "timers": "grep -q . /proc/timer_list",
    "firmware": "ls /sys/firmware | grep -q .",
    "a setting of sysfs": "touch /sys/made || echo 1 > /sys/kernel/mm/ksm/run",
    "binfmt_misc": "echo x > /proc/sys/fs/binfmt_misc/register",
    "the clock": "date -s '1999-01-01'",
    "the host's name": "hostname other",
    "a kernel module": "insmod /usr/lib/modules/x.ko || modprobe dummy",
    "the kernel's log": "dmesg | grep -q .",
    "iptables": "iptables -A INPUT -j DROP",
    "an interface": "ip link add made type dummy",
    "the control plane's socket": "find / -xdev -name '*.sock' -type s | grep -q .",
    "the lab's files": "ls /run/netlab /run/netns 2>/dev/null | grep -q .",
    "a program with the setuid bit": "cp /bin/sh /tmp/suid && chmod 4755 /tmp/suid && "
    "setpriv --reuid 65534 --clear-groups /tmp/suid -p -c 'test $(id -u) = 0'",
    "processes of others": "test $(ls -d /proc/[0-9]* | wc -l) -gt 20",
    "the limits of the group": "find /sys /run -name pids.max -o -name memory.max | grep -q .",
}
PYTHON: Final = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
done = [name for name, number in zip(sys.argv[1::2], map(int, sys.argv[2::2]))
        if libc.syscall(number, *[ctypes.c_ulong(0)] * 6) != -1
        or ctypes.get_errno() not in (1, 38)]
print(*done)
"""
CALLS: Final = {
    "keyctl": 250,
    "add_key": 248,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "init_module": 175,
    "finit_module": 313,
    "kexec_load": 246,
    "open_by_handle_at": 304,
    "setns": 308,
    "unshare": 272,
    "mount": 165,
    "move_mount": 429,
    "open_tree": 428,
    "fsopen": 430,
    "swapon": 167,
    "reboot": 169,
    "acct": 163,
    "iopl": 172,
    "quotactl": 179,
    "process_madvise": 440,
    "pidfd_getfd": 438,
}


@pytest.mark.parametrize("pod", PODS_NAMES)
def test_what_an_escape_begins_with_is_refused(running: Lab, pod: str):
    script = "\n".join(
        f"(\n{way}\n) >/dev/null 2>&1 </dev/null && echo {shlex.quote(name)}"
        for name, way in REFUSED.items()
    )
    # The last one works, to see that the others were tried.
    assert sh(running, pod, f"{script}\n(true) && echo tried") == "tried\n"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="pods see no Python")
def test_system_calls_that_containers_are_not_given_are_refused(running: Lab):
    words = [str(word) for pair in CALLS.items() for word in pair]
    done = running.inside("shell", "/usr/bin/python3", "-I", "-c", PYTHON, *words)
    assert (done.stdout.strip(), done.stderr) == ("", "")


# Memory and messages shared between processes.


def test_shared_memory_is_the_pods_own(running: Lab):
    def hosts() -> str:
        return subprocess.run(["ipcs", "-a"], capture_output=True, text=True, check=True).stdout

    before = hosts()
    made = sh(running, "shell", "ipcmk -M 4096; ipcmk -Q; ipcmk -S 1; ipcs -m | grep -c 4096")
    assert made.splitlines()[-1] == "1"
    assert hosts() == before
    assert "4096" not in sh(running, "echo", "ipcs -m")


# Environments.


def test_a_pod_has_no_variable_of_who_started_it(make_lab: Callable[[], Lab]):
    class Careless(Lab):
        def environment(self) -> dict[str, str]:
            return {**super().environment(), "A_SECRET": "do-not-show"}

    lab = Careless(make_lab().name)
    assert lab.run("up", "-", text=PODS).returncode == 0
    for pod in PODS_NAMES:
        environments = lab.inside(pod, "sh", "-c", "cat /proc/[0-9]*/environ; env").stdout
        assert "PATH=" in environments
        assert "do-not-show" not in environments
        assert "NETLAB" not in environments
    lab.down()


# Using up the machine.

BOMBS: Final = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: bombs}
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: echo}
spec: {containers: [{name: echo, image: echoserver}]}
---
apiVersion: v1
kind: Pod
metadata: {name: talks}
spec: {containers: [{name: c, image: x, command: ["yes"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: forks}
spec: {containers: [{name: c, image: x, command: [bash, -c, "f() { f | f & }; f; sleep 1000"]}]}
"""


def groups() -> list[str]:
    return [name for tree in hierarchies() for name in tree.controllers]


@pytest.mark.skipif("pids" not in groups(), reason="the host hands down no control group of pids")
def test_a_pod_that_takes_all_it_can_get_hurts_neither_the_host_nor_the_lab(lab: Lab):
    done = lab.run("up", "-", text=BOMBS)
    assert done.returncode == 0, done.stderr
    address = lab.get("pod", "echo")["status"]["podIP"]
    wait_for(lambda: len(processes_of(lab, "forks")) > 500, 30)
    for _ in range(20):
        assert "CLIENT VALUES" in lab.fetch("node1", f"http://{address}:8080")
    assert len(processes_of(lab, "forks")) <= 1024
    assert "Running" in lab.run("get", "pod", "echo").stdout
    directory = lab.log_file("talks").parent
    size = sum(path.stat().st_size for path in directory.glob("*.log*"))
    assert size <= 5 * (10 << 20)
    lab.down()
