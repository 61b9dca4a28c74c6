"""Run a program inside a host of a lab, in the place of the calling process.

The control plane has no part in it: the kernel knows the namespaces. In a pod the program gets what
the pod's own processes have: all its namespaces, its root file system, its capabilities. In a node,
a client or the router it gets the host's network namespace, with the host's name, a hosts file that
knows the lab and the name server of the lab's outside world.
"""

import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from netlab.client.hosts import find_netns, hosts, is_pod
from netlab.errors import LabError
from netlab.kubelet.runtime import cgroups
from netlab.kubelet.runtime.exec import open_namespaces
from netlab.kubelet.runtime.zygote import python_command
from netlab.linux import netns_names, processes, read_only
from netlab.linux.exit_codes import exit_code_of
from netlab.linux.namespaces import setns, unshare
from netlab.linux.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUTS,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    bind_mount,
    mount,
)
from netlab.model import rundir
from netlab.model.addresses import Family
from netlab.model.names import NetnsName, lab_prefix
from netlab.model.processes import ProcessId

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def run_inside(lab: str, host: str, argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a program in ``host`` and return its exit code; 128 and the number for a signal.

    The program has the caller's terminal and standard streams.

    Raises:
        LabError: No such lab or host, or the pod has no process.
    """
    name = find_netns(lab, host)
    if is_pod(lab, name):
        init = processes.init_of_pod(name)
        if init is None:
            raise LabError(f"no container of {host} runs", hint="sudo netlab get pods")
        _run_in_pod(init, argv, env)
    environment = {**os.environ, **env}
    environment["PATH"] = f"{environment.get('PATH', '/usr/bin:/bin')}:{_SBIN}"
    _enter_host(lab, name)
    return _execute(argv, environment)


def _enter_host(lab: str, name: NetnsName) -> None:
    hosts_file = _hosts_file(lab)
    descriptor = os.open(netns_names.NETNS / name, os.O_RDONLY | os.O_CLOEXEC)
    setns(descriptor, CLONE_NEWNET)
    unshare(CLONE_NEWNS | CLONE_NEWUTS)
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    _mount_sysfs()
    if hosts_file is not None:
        bind_mount(str(hosts_file), "/etc/hosts")
    resolv_conf = _resolv_conf_file(lab)
    if resolv_conf is not None and Path("/etc/resolv.conf").exists():
        bind_mount(str(resolv_conf), "/etc/resolv.conf")
    socket.sethostname(name.removeprefix(lab_prefix(lab)))


def _mount_sysfs() -> None:
    """Mount /sys: /sys/class/net shows the interfaces of the namespace that it was mounted in."""
    try:
        mount("sysfs", "/sys", "sysfs", 0)
    except PermissionError:
        # In an ordinary user's namespaces it can be no more than the one in view, a container's.
        mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)


def _resolv_conf_file(lab: str) -> Path | None:
    """Write where the namespace that the caller is in finds its name server: at its router.

    None when it has no way to one, or the file cannot be written.
    """
    routes = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    gateways = [words[2] for words in routes if words[1] == "00000000"]
    found = [socket.inet_ntoa(int(one, 16).to_bytes(4, sys.byteorder)) for one in gateways]
    ipv6 = [line.split() for line in _lines("/proc/net/ipv6_route")]
    found += [
        socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[4]))
        for words in ipv6
        if words[1] == "00" and words[-1] != "lo"
    ]
    if not found:
        return None
    path = rundir.rundir(lab) / f"resolv.conf.{found[0]}"
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_text("".join(f"nameserver {address}\n" for address in found))
        new.rename(path)
    except OSError as error:
        os.write(2, f"warning: {path}: {error.strerror}\n".encode())
        new.unlink(missing_ok=True)
    return path if path.exists() else None


def _lines(path: str) -> list[str]:
    """Return the lines of a file of the kernel's; none on a kernel that has not got it."""
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []


def _hosts_file(lab: str) -> Path | None:
    """Write the names of the lab's hosts to a file; None when nobody knows them."""
    try:
        found = hosts(lab)
    except LabError:
        return None
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [
        f"{address} {host.name}"
        for host in found
        for family in Family
        if "/" not in host.name and (address := host.address(family)) is not None
    ]
    path = rundir.rundir(lab) / "hosts"
    new = path.with_suffix(f".{os.getpid()}")
    try:
        new.write_text("\n".join(lines) + "\n")
        new.rename(path)
    except OSError as error:
        # On a full disk a look inside is wanted all the more; the names of last time are there.
        os.write(2, f"warning: {path}: {error.strerror}\n".encode())
        new.unlink(missing_ok=True)
    return path if path.exists() else None


def _run_in_pod(init: ProcessId, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as a program that a container may see: see ``netlab.kubelet.runtime.pod_exec``."""
    with contextlib.ExitStack() as opened:
        try:
            namespaces = open_namespaces(init, opened)
            sent = [*namespaces, *cgroups.open_lists(init.pid)]
            status = processes.status(init.pid)
            own = _environment_of(init)
        except OSError as error:
            reason = "the pod's process has just ended"
            raise LabError(reason, hint="sudo netlab get pods") from error
        for descriptor in sent:
            os.set_inheritable(descriptor, True)  # noqa: FBT003 (the library's)
        order = {
            "descriptors": sent,
            "argv": list(argv),
            "env": {**own, **environment},
            "uid": int(status["Uid"].split()[0]),
            "gid": int(status["Gid"].split()[0]),
            "groups": [int(group) for group in status["Groups"].split()],
            "capabilities": int(status["CapBnd"], 16),
        }
        command = python_command("netlab.kubelet.runtime.pod_exec")
        read_only.enter_read_only()
        os.execv(command[0], [*command, json.dumps(order)])  # noqa: S606


def _environment_of(container: ProcessId) -> dict[str, str]:
    """Return the environment that a container was started with, and the caller's terminal."""
    text = Path(f"/proc/{container.pid}/environ").read_bytes().decode(errors="surrogateescape")
    own = dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)
    return own | {key: os.environ[key] for key in ("TERM", "LANG") if key in os.environ}


def _execute(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    program = shutil.which(argv[0], path=environment.get("PATH"))
    try:
        os.execve(program or argv[0], list(argv), dict(environment))  # noqa: S606
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError) and "/" not in argv[0]
        why = "executable file not found in $PATH" if is_missing else error.strerror or error
        message = f"{argv[0]}: {why}"
        os.write(2, f"Error: {message}\n".encode())
        os._exit(exit_code_of(error))
