"""The files in which containers leave a message when they end.

They lie on a small tmpfs of the lab's: a container that writes on and on fills that, and nothing of
the machine's. Each is mounted into its container; the kubelet reads it at the end.
"""

import contextlib
from pathlib import Path
from typing import Final

from netlab.kubelet.runtime.container import Container, Mount
from netlab.linux.syscalls import MS_NODEV, MS_NOEXEC, MS_NOSUID, mount

_SIZE: Final = "16m"
"""4 KiB for each of some thousand containers; those that come too late have none to read."""


class TerminationLogs:
    """The files of a lab's containers.

    Args:
        directory: Where they lie, by pod and container; a tmpfs is mounted there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def mounted(self, container: Container) -> Container:
        """Return a container with a mount of a new file, if it is to have one.

        Raises:
            OSError: The kernel refused.
        """
        target = container.termination_log
        if not target or any(one.target == target for one in container.mounts):
            return container
        if not self._directory.is_mount():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
            mount("netlab", str(self._directory), "tmpfs", flags, f"mode=700,size={_SIZE}")
        path = self._directory / container.pod_uid / Path(container.directory).name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(b"")
        # Whoever the container runs as may write to it.
        path.chmod(0o666)
        one = Mount(source=str(path), sub_path="", target=target, read_only=False, is_writable=True)
        return container._replace(mounts=(*container.mounts, one))

    def remove(self, pod_uid: str) -> None:
        """Remove the files of a pod's containers."""
        directory = self._directory / pod_uid
        with contextlib.suppress(FileNotFoundError):
            for path in directory.iterdir():
                path.unlink()
            directory.rmdir()
