"""The lab's run directory: everything of a lab that is a file.

It lies under ``/run``, so that a reboot takes it away together with the namespaces it speaks of.
Nothing in it is needed to remove a lab.
"""

from pathlib import Path
from typing import Final

RUN: Final = Path("/run/netlab")


def rundir(lab: str) -> Path:
    """Return the directory of ``lab``; root only, made by ``up``."""
    return RUN / lab


def control_socket(lab: str) -> Path:
    """Return the Unix socket on which the lab's control plane answers."""
    return rundir(lab) / "control.sock"


def control_socket_as_bound(lab: str) -> Path:
    """Return the name that this socket has until it listens, and for the kernel ever after."""
    return control_socket(lab).with_suffix(".new")


def store_file(lab: str) -> Path:
    """Return the SQLite file that holds the lab's objects."""
    return rundir(lab) / "store.db"


def topology_file(lab: str) -> Path:
    """Return the topology the lab was last brought up with, as its user wrote it."""
    return rundir(lab) / "topology.yaml"


def kubeconfig_file(lab: str) -> Path:
    """Return what kubectl reads; it lies beside the lab's directory, for it is its user's."""
    return RUN / f"{lab}.kubeconfig"


def pki_directory(lab: str) -> Path:
    """Return the directory of the API server's certificates and keys."""
    return rundir(lab) / "pki"


def service_account_key_file(lab: str) -> Path:
    """Return what tokens of service accounts are signed with."""
    return rundir(lab) / "sa.key"


def api_port_file(lab: str) -> Path:
    """Return the file with the port on which the API answers on loopback."""
    return rundir(lab) / "apiserver.port"


def control_plane_log(lab: str) -> Path:
    """Return the log of the lab's control plane."""
    return rundir(lab) / "control-plane.log"


def kernel_layout_file(lab: str) -> Path:
    """Return what traces keep of the running kernel's types."""
    return rundir(lab) / "kernel-layout.json"


def pods_directory(lab: str) -> Path:
    """Return the directory of all pods' files."""
    return rundir(lab) / "pods"


def termination_logs_directory(lab: str) -> Path:
    """Return the directory of the containers' last messages: of each pod one, by its uid.

    A file system is mounted on it. So it lies beside the lab's directory, which anybody can remove.
    """
    return RUN / f"{lab}.termination-logs"


def pod_directory(lab: str, uid: str) -> Path:
    """Return the directory of one pod's files: a directory for each container, and volumes."""
    return pods_directory(lab) / uid
