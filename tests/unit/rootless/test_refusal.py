"""Each way in which a machine withholds user namespaces is named, with the way out."""

import errno
import os
from pathlib import Path

import pytest

from netlab.rootless.refusal import refused

LIMITS = {f"user/max_{kind}_namespaces": "9" for kind in ("user", "mnt", "pid", "net")}


@pytest.mark.parametrize(
    ("settings", "number", "step", "cause", "way_out"),
    [
        pytest.param(
            {"user/max_user_namespaces": "0"},
            errno.ENOSPC,
            "user",
            "this machine allows none: user.max_user_namespaces is 0",
            "sudo sysctl -w user.max_user_namespaces=10000",
            id="none allowed",
        ),
        pytest.param(
            LIMITS,
            errno.ENOSPC,
            "user",
            "a limit of namespaces is reached: user.max_user_namespaces is 9, "
            "user.max_mnt_namespaces is 9, user.max_pid_namespaces is 9, "
            "user.max_net_namespaces is 9",
            "lsns",
            id="limit reached",
        ),
        pytest.param(
            {"kernel/unprivileged_userns_clone": "0"},
            errno.EPERM,
            "user",
            "this machine allows them to root alone: kernel.unprivileged_userns_clone is 0",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
            id="root's alone, as Debian once had it",
        ),
        pytest.param(
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            errno.EACCES,
            "its IDs",
            "AppArmor takes from it what a lab needs: "
            "kernel.apparmor_restrict_unprivileged_userns is 1",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            id="AppArmor, as on Ubuntu",
        ),
        pytest.param(
            {},
            errno.EPERM,
            "proc",
            "the kernel mounts no /proc in it (Operation not permitted): parts of the one here are "
            "covered, as container engines do",
            "--security-opt systempaths=unconfined",
            id="a container's /proc",
        ),
        pytest.param(
            {},
            errno.EPERM,
            "its IDs",
            "the kernel does not let root of a container without CAP_SETFCAP be root there",
            "be another user",
            id="root of a container",
        ),
        pytest.param(
            {},
            errno.EPERM,
            "user",
            "the kernel refuses it: Operation not permitted",
            "--security-opt seccomp=unconfined",
            id="a container's seccomp profile",
        ),
        pytest.param(
            {},
            errno.EINVAL,
            "user",
            "this kernel has none (CONFIG_USER_NS)",
            "",
            id="no such kernel",
        ),
        pytest.param(
            LIMITS,
            errno.ENOSPC,
            "a network namespace",
            "a limit of namespaces is reached: user.max_user_namespaces is 9, "
            "user.max_mnt_namespaces is 9, user.max_pid_namespaces is 9, "
            "user.max_net_namespaces is 9",
            "lsns",
            id="a limit reached later",
        ),
        pytest.param(
            {},
            errno.ENODEV,
            "/run/user/1000/netlab for /run",
            "the kernel refuses /run/user/1000/netlab for /run in it: No such device",
            "",
            id="a further step",
        ),
    ],
)
def test_the_cause_and_the_way_out_are_said(  # noqa: PLR0917 (a row of the table)
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    number: int,
    step: str,
    cause: str,
    way_out: str,
):
    for name, value in settings.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")
    monkeypatch.setattr("sys.argv", ["netlab", "up", "my lab.yaml"])
    found = refused(OSError(number, os.strerror(number)), step, tmp_path)
    assert str(found) == f"a lab of an ordinary user needs a user namespace, and {cause}"
    assert way_out in found.hint
    assert found.hint.endswith("type: sudo netlab up 'my lab.yaml'")
