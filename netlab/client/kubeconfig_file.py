"""The kubeconfig of a lab: written for the user behind sudo, and for nobody else."""

import os
from pathlib import Path

from netlab.client.kubeconfig import kubeconfig
from netlab.errors import HostError, LabError
from netlab.linux import atomic_files
from netlab.model import rundir
from netlab.rootless.home import outside

_MODE = 0o600


def write_kubeconfig(lab: str) -> Path:
    """Write the file of a running lab and return its path; the caller is root.

    Raises:
        LabError: The lab's API does not answer over TLS yet.
    """
    port_file, pki = rundir.api_port_file(lab), rundir.pki_directory(lab)
    try:
        text = kubeconfig(
            lab,
            int(port_file.read_text()),
            (pki / "ca.crt").read_bytes(),
            (pki / "admin.crt").read_bytes(),
            (pki / "admin.key").read_bytes(),
        )
    except FileNotFoundError as error:
        raise _no_lab(lab) from error
    path = rundir.kubeconfig_file(lab)
    atomic_files.write_file(path, text.encode(), mode=_MODE, owner=_owner())
    return outside(path)


def find_kubeconfig(lab: str) -> Path:
    """Return the path of a lab's file; root writes it anew, so that it is that of this user.

    Raises:
        LabError: No such lab.
        HostError: The file is another user's.
    """
    path = rundir.kubeconfig_file(lab)
    if os.geteuid() == 0:
        return write_kubeconfig(lab)
    if not path.exists():
        raise _no_lab(lab)
    if not os.access(path, os.R_OK):
        raise HostError(f"{path} is another user's", hint="sudo netlab kubeconfig (makes it yours)")
    return path


def _owner() -> tuple[int, int]:
    """Return user and group of who typed sudo; root's own where nobody did."""
    return int(os.environ.get("SUDO_UID", "0")), int(os.environ.get("SUDO_GID", "0"))


def _no_lab(lab: str) -> LabError:
    option = "" if lab == "default" else f" --lab {lab}"
    return LabError(f"no lab {lab} is running", hint=f"sudo netlab up{option}")
