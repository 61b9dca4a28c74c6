"""Labs of an ordinary user, as the user has them, and as root sees the machine meanwhile."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from netlab.linux.timeouts import scaled
from tests.kernel.conftest import Lab, host_network, wait_for

CHECKOUT: Final = Path(__file__).parents[2]
UID: Final = 54321
"""Of the user of scripts/ordinary_user.py."""
ANOTHER_UID: Final = 54322
ONE_ID: Final = "--one-id"
NODE2: Final = "http://10.240.0.4:30080"


def _has_user_namespaces() -> bool:
    probe = ["unshare", "-Urm", "--pid", "--fork", "--mount-proc", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the user who is not root"),
    pytest.mark.skipif(
        Path("/proc/self/uid_map").read_text().split()[2] != str(0xFFFF_FFFF),
        reason="in an ordinary user's namespaces there is no other user",
    ),
    pytest.mark.skipif(not _has_user_namespaces(), reason="there are no user namespaces here"),
]


class Ordinary:
    """An ordinary user of the machine, and a lab of that user's."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.runtime = directory
        self._options = options
        self.uid = ANOTHER_UID if "--another" in options else UID

    def bash(self, script: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a script of bash's in which netlab is this checkout's."""
        return subprocess.run(
            self.command(script),
            env=self._environment(),
            cwd=CHECKOUT,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=scaled(120),
        )

    def command(self, script: str) -> list[str]:
        netlab = f'netlab() {{ "{sys.executable}" -m netlab "$@"; }}\n'
        maker = str(CHECKOUT / "scripts/ordinary_user.py")
        return [sys.executable, maker, *self._options, "--", "bash", "-c", netlab + script]

    def start(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(script),
            env=self._environment(),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NETLAB_L")}
        return {**kept, "TMPDIR": str(self.runtime), "PYTHON": sys.executable}

    def netlab(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        return self.bash(f"netlab {quoted}", text)

    def up(self, topology: str = "two-nodes") -> str:
        done = self.netlab("up", topology)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self) -> dict[int, str]:
        """Return the names of all processes of the user, zombies left out."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ProcessLookupError):
                status = (path / "status").read_text()
                if f"\nUid:\t{self.uid}\t" in status and "\nState:\tZ" not in status:
                    found[int(path.name)] = (path / "comm").read_text().strip()
        return found

    def holder(self) -> int:
        [pid] = [pid for pid, name in self.processes().items() if name == "netlab-holder"]
        return pid


Make = Callable[..., Ordinary]


@pytest.fixture
def make_user() -> Iterator[Make]:
    """Return a maker of the user, who leaves neither a process nor a file."""
    made = []

    def make(*options: str) -> Ordinary:
        directory = Path(tempfile.mkdtemp(prefix="netlab-test-", dir="/tmp"))
        made.append(Ordinary(directory, *options))
        os.chown(directory, made[-1].uid, made[-1].uid)
        return made[-1]

    yield make
    for user in made:
        assert user.netlab("down", "--all").returncode == 0
        assert wait_for(lambda user=user: not user.processes())
        assert list(user.runtime.iterdir()) == []
        user.runtime.rmdir()


@pytest.fixture
def user(make_user: Make) -> Ordinary:
    """A user with one ID, as there is one on every machine."""
    return make_user(ONE_ID)


def test_the_first_commands_of_the_readme_need_no_root(user: Ordinary):
    assert "is up and answers" in user.up("source-ip")
    done = user.netlab("demo", "nodeport", "--draw", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    assert "sudo" not in done.stdout
    assert "nothing to do" in user.up("source-ip")
    assert "lab default is down" in user.netlab("down").stdout


def test_a_command_inside_has_the_users_streams_files_and_exit_code(user: Ordinary):
    user.up()
    script = """
        cd "$TMPDIR" && echo from the file > mine
        netlab exec node1 -- cat mine
        echo from stdin | netlab exec client -- sh -c 'cat; pwd; exit 7'
        echo $?
        netlab exec client -- sh -c 'kill -TERM $$'; echo $?
        netlab exec client -- touch made && stat -c %u made
        rm mine made
    """
    assert user.bash(script).stdout.splitlines() == [
        "from the file",
        "from stdin",
        str(user.runtime),
        "7",
        "143",
        str(UID),
    ]


def test_kubectl_and_curl_reach_the_api_from_outside(user: Ordinary):
    user.up()
    done = user.bash(
        """
        export KUBECONFIG=$(netlab kubeconfig); echo "$KUBECONFIG"; stat -c %a "$KUBECONFIG"
        curl -sk "$(sed -n 's/ *server: //p' "$KUBECONFIG")/version" | grep -c gitVersion
        """
    )
    path = user.runtime / f"netlab-{UID}" / "default.kubeconfig"
    assert done.stdout.split() == [str(path), "600", "1"], done.stderr


def test_a_trace_names_rules_rewrites_and_conntrack_and_says_what_is_missing(user: Ordinary):
    user.up()
    done = user.netlab("trace", "client", NODE2)
    assert done.returncode == 0, done.stderr
    for word in ("DELIVERED", "KUBE-NODEPORTS", "DNAT", "SNAT", "conntrack"):
        assert word in done.stdout
    assert "sudo" not in done.stdout + done.stderr


def test_a_capture_ends_with_the_interrupt_that_its_own_process_gets(user: Ordinary):
    user.up()
    script = """
        cd "$TMPDIR"; (exec "$PYTHON" -m netlab capture client -w all.pcapng 2>said) & pid=$!
        until grep -q capturing said; do sleep 0.05; done
        netlab exec client -- ping -c1 198.51.100.1 >/dev/null
        kill -INT $pid; wait $pid; echo $?; stat -c %u all.pcapng; rm said all.pcapng
    """
    # An interrupt is ignored by what a shell without job control has put into the background.
    assert user.bash(f"set -m\n{script}").stdout.split() == ["0", str(UID)]


def test_a_pod_sees_its_own_processes_alone(user: Ordinary):
    user.up()
    done = user.netlab("exec", "deploy/web", "--", "sh", "-c", "echo /proc/[0-9]*; mount; ls -a /")
    first, *rest = done.stdout.splitlines()
    assert len(first.split()) <= 3
    assert not [line for line in rest if line in {".proc", ".sys"} or str(CHECKOUT) in line]


@pytest.mark.parametrize(
    ("options", "nobody"),
    [
        pytest.param((ONE_ID,), "root", id="one ID: everybody is the one user"),
        pytest.param(
            (),
            "nobody",
            id="subordinate IDs: pods keep their users",
            marks=pytest.mark.skipif(
                shutil.which("newuidmap") is None or not Path("/etc/subuid").exists(),
                reason="newuidmap is not installed",
            ),
        ),
    ],
)
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_runs_its_workers_as_whom_it_can(
    make_user: Make, options: tuple[str, ...], nobody: str
):
    user = make_user(*options)
    user.up()
    manifest = """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
         "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    """
    assert user.netlab("apply", "-f", "-", text=manifest).returncode == 0
    wait_for(lambda: "Running" in user.netlab("get", "pod", "web").stdout, 20)
    users = user.bash(
        "netlab exec web -- sh -c 'for p in /proc/[0-9]*; do "
        "grep -q nginx $p/comm && stat -c %U $p; done'"
    )
    assert sorted(users.stdout.split()) == sorted(["root", nobody]), users.stderr


def test_with_one_id_another_users_program_is_refused_with_a_sentence(user: Ordinary):
    user.up()
    manifest = """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other"},
         "spec": {"securityContext": {"runAsUser": 1000},
                  "containers": [{"name": "other", "image": "busybox", "command": ["true"]}]}}
    """
    assert user.netlab("apply", "-f", "-", text=manifest).returncode == 0
    reason = wait_for(lambda: _waiting(user, "other"))
    assert "there is no user ID 1000 in this lab" in reason


def _waiting(user: Ordinary, pod: str) -> str:
    found = json.loads(user.netlab("get", "pod", pod, "-o", "json").stdout)
    states = [one["state"] for one in found["status"].get("containerStatuses", ())]
    return "".join(state["waiting"].get("message", "") for state in states if "waiting" in state)


def test_root_and_the_user_do_not_see_each_others_labs(user: Ordinary, lab: Lab):
    user.up()
    assert "default" not in lab.run("list").stdout
    lab.up()
    assert lab.name not in user.netlab("list").stdout
    theirs = user.processes()
    assert lab.run("down", "--lab", "default").stdout == (
        "there is no lab default; nothing to remove\n"
    )
    lab.down()
    assert user.processes() == theirs
    assert "default" in user.netlab("list").stdout


def test_two_users_have_labs_of_the_same_name(user: Ordinary, make_user: Make):
    another = make_user(ONE_ID, "--another")
    user.up()
    assert "no lab" in another.netlab("list").stdout
    assert another.netlab("exec", "node1", "--", "true").returncode != 0
    another.up()
    theirs = user.processes()
    assert "lab default is down" in another.netlab("down", "--all").stdout
    assert user.processes() == theirs
    assert user.netlab("exec", "node1", "--", "true").returncode == 0


def test_the_machine_is_the_same_before_during_and_after(user: Ordinary):
    before = _machine()
    user.up()
    assert _machine() == before
    user.netlab("down")
    assert wait_for(lambda: _machine() == before)


def _machine() -> dict[str, Any]:
    """Return what root sees of the machine: its network, mounts and own namespaces."""
    return {
        "network": host_network(),
        "mounts": sorted(Path("/proc/self/mountinfo").read_text().splitlines()),
        "namespaces": {path.name: path.readlink() for path in Path("/proc/self/ns").iterdir()},
        "names": sorted(path.name for path in Path("/run/netns").glob("*")),
    }


def test_a_killed_holder_takes_everything_along_and_up_builds_it_again(user: Ordinary):
    user.up()
    os.kill(user.holder(), signal.SIGKILL)
    wait_for(lambda: not user.processes())
    done = user.netlab("status")
    assert done.returncode == 1
    assert "the process that held them was killed" in done.stdout
    assert "type: netlab up " in done.stdout
    assert "is up and answers" in user.up()


def test_a_runtime_directory_that_vanished_is_named_and_down_works_without(user: Ordinary):
    user.up()
    shutil.rmtree(user.runtime / f"netlab-{UID}")
    done = user.netlab("status")
    assert done.returncode == 4
    assert "the directory with the files of your labs has gone" in done.stderr
    assert "netlab down --all" in done.stderr
    assert "lab default is down" in user.netlab("down", "--all").stdout
    assert wait_for(lambda: not user.processes())


@pytest.mark.parametrize(
    ("preparation", "said"),
    [
        pytest.param(
            "echo 0 > /proc/sys/user/max_user_namespaces",
            "user.max_user_namespaces is 0",
            id="no user namespaces",
        ),
        pytest.param(
            "echo 0 > /proc/sys/user/max_mnt_namespaces",
            "a limit of namespaces is reached: ",
            id="no mount namespaces",
        ),
        pytest.param(
            "mount -t tmpfs none /proc/acpi || mount -t tmpfs none /proc/fs",
            "systempaths=unconfined",
            id="a covered /proc, as in a container",
        ),
    ],
)
def test_a_machine_that_forbids_it_says_why_and_leaves_nothing(
    user: Ordinary, preparation: str, said: str
):
    # What is forbidden is forbidden in a user namespace around it, not on this machine.
    done = user.bash(
        f"export -f netlab; unshare -Urm bash -c '{preparation}; netlab up; echo $?; "
        "netlab status; echo $?'"
    )
    assert done.stdout.split() == ["4", "4"], done.stderr
    assert said in done.stderr
    assert "sudo netlab up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_limit_that_is_reached_halfway_is_named_and_down_leaves_nothing(user: Ordinary):
    done = user.bash(
        """
        export -f netlab; unshare -Urm bash -c '
          echo 4 > /proc/sys/user/max_net_namespaces
          netlab up; echo $?; netlab down; netlab list'
        """
    )
    assert done.stdout.splitlines()[0] == "5", done.stdout + done.stderr
    assert "the limit of network namespaces is reached: user.max_net_namespaces" in done.stderr
    assert "there is no lab on this machine" in done.stdout


def test_names_of_the_users_labs_are_completed(user: Ordinary):
    user.up()
    words = "COMP_WORDS='netlab exec no' COMP_CWORD=2 _NETLAB_COMPLETE=bash_complete"
    done = user.bash(f'{words} "$PYTHON" -c "from netlab.cli import main; main()"')
    assert done.stdout.splitlines() == ["plain,node1", "plain,node2"], done.stderr
