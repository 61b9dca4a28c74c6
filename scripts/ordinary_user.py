"""Run a command as an ordinary user, as root: scripts/ordinary_user.py [OPTIONS] -- COMMAND...

The user is called ``ordinary`` and is on the machine only while the command runs, and only for it:
/etc/passwd and its like are files of a mount namespace of its own. There the checkout and the
Python that runs this can be read, too, wherever they lie.

  --one-id    without subordinate IDs, as where newuidmap is not installed
  --another   as another ordinary user
  --private   with processes, /run and /tmp of its own, and $XDG_RUNTIME_DIR; all ends with it
"""

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final, NoReturn

from netlab.linux.namespaces import unshare
from netlab.linux.syscalls import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_PRIVATE,
    MS_REC,
    bind_mount,
    mount,
    move_mount,
    open_tree,
)

UID: Final = 54321
ANOTHER_UID: Final = 54322
NAME: Final = "ordinary"
CHECKOUT: Final = Path(__file__).resolve().parents[1]
_SUBORDINATE: Final = 65536


def main(options: list[str], command: list[str]) -> NoReturn:
    uid = ANOTHER_UID if "--another" in options else UID
    unshare(CLONE_NEWNS)
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    runtime = ""
    if "--private" in options:
        _fork_into_pid_namespace()
        runtime = _private_directories(uid)
    _uncover([CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)])
    _add_user(uid, subordinate_ids="--one-id" not in options)
    _become(uid, runtime)
    os.execvp(command[0], command)  # noqa: S606


def _fork_into_pid_namespace() -> None:
    """Go on as the first process of a pid namespace; this one waits, and ends as that does."""
    unshare(CLONE_NEWPID)
    pid = os.fork()
    if pid:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os._exit(code if code >= 0 else 128 - code)
    mount("proc", "/proc", "proc", 0)
    # Nobody else buries what is left behind, and the command is not made to.
    pid = os.fork()
    while pid:
        ended, status = os.wait()
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _private_directories(uid: int) -> str:
    os.umask(0o022)
    covered = [one for one in (CHECKOUT, Path(sys.prefix)) if one.is_relative_to("/tmp")]  # noqa: S108
    trees = {path: open_tree(str(path)) for path in covered}
    for path, mode in (("/run", "755"), ("/tmp", "1777")):  # noqa: S108
        mount("tmpfs", path, "tmpfs", 0, f"mode={mode}")
    for path, tree in trees.items():
        path.mkdir(parents=True)
        move_mount(tree, str(path))
    Path("/run/lock").mkdir()
    runtime = Path("/run/user", str(uid))
    runtime.mkdir(parents=True, mode=0o755)
    runtime.chmod(0o700)
    os.chown(runtime, uid, uid)
    return str(runtime)


def _uncover(paths: list[Path]) -> None:
    """Have directories within reach of others, where one above keeps them out, as /root does."""
    closed: dict[Path, dict[Path, int]] = {}
    for path in paths:
        above = [one for one in (*reversed(path.parents), path) if not one.stat().st_mode & 0o001]
        if above and above[0] != path:
            closed.setdefault(above[0], {})[path] = open_tree(str(path))
    for directory, trees in closed.items():
        mount("tmpfs", str(directory), "tmpfs", 0, "mode=755")
        for path, tree in trees.items():
            path.mkdir(parents=True, exist_ok=True)
            move_mount(tree, str(path))


def _add_user(uid: int, *, subordinate_ids: bool) -> None:
    ids = f"{NAME}:{uid * _SUBORDINATE % 2**31}:{_SUBORDINATE}\n"
    entries = {
        "passwd": f"{NAME}:x:{uid}:{uid}::/tmp:/bin/bash\n",
        "group": f"{NAME}:x:{uid}:\n",
        "subuid": ids,
        "subgid": ids,
    }
    for name, entry in entries.items():
        path = Path("/etc", name)
        if not path.exists():
            continue
        text = path.read_text()
        if subordinate_ids or name in {"passwd", "group"}:
            text += entry
        descriptor, own = tempfile.mkstemp()
        os.write(descriptor, text.encode())
        os.fchmod(descriptor, 0o644)
        os.close(descriptor)
        bind_mount(own, str(path))
        # The mount keeps it.
        os.unlink(own)  # noqa: PTH108


def _become(uid: int, runtime: str) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    for name in [name for name in os.environ if name.startswith(("SUDO_", "XDG_"))]:
        del os.environ[name]
    os.environ |= {"HOME": "/tmp", "USER": NAME, "LOGNAME": NAME}  # noqa: S108
    if runtime:
        os.environ["XDG_RUNTIME_DIR"] = runtime


if __name__ == "__main__":
    if "--" not in sys.argv or os.geteuid() != 0:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    end = sys.argv.index("--")
    main(sys.argv[1:end], sys.argv[end + 1 :])
