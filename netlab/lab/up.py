"""Build a lab, or bring a running one to a topology.

``up`` starts a control plane if none runs, gives it the topology and the manifests, and waits until
every Service answers through the real path. What it finds of an earlier lab (namespaces, processes,
files of a command that was killed) the control plane takes over; doing it twice is doing it once.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netlab import __version__
from netlab.client.api_client import Client
from netlab.client.apply import Applied, apply_manifests, prune
from netlab.client.hosts import hosts
from netlab.errors import KernelError, LabError
from netlab.kube.objects import Object, is_terminating, items_of, name_of, namespace_of, status_of
from netlab.kube.resources import RESOURCES
from netlab.lab import up_check
from netlab.lab.api_certificates import ensure_pki
from netlab.lab.kubeconfig import write_kubeconfig
from netlab.linux import processes
from netlab.model import rundir
from netlab.model.topology import Manifest, TopologyFile

_START_S: Final = 20.0
_SETTLE_S: Final = 120.0
_ANSWER_S: Final = 10.0
_GRACE_S: Final = 35.0
_LOOK_S: Final = 0.05
_LOG_LINES: Final = 12
_SHOWN: Final = 8
TOPOLOGY_ANNOTATION: Final = "netlab/topology"
"""On each object that came with a topology: ``up`` removes it when a later one lacks it."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What ``up`` found and did."""

    started: bool
    """Whether a control plane was started."""
    operations: int
    """Changes made to the kernel."""
    applied: tuple[Applied, ...]
    """What became of each object, pruned ones included."""
    not_ready: tuple[str, ...]
    """Pods that do not run, each with its reason."""
    kubeconfig: Path
    """What kubectl finds the lab by."""

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.started or bool(self.operations or any(one.changed for one in self.applied))


def up(lab: str, text: bytes, file: TopologyFile, tell: Tell) -> Up:
    """Build or converge ``lab``; the caller holds its lock.

    Args:
        lab: Name.
        text: The topology file as its user wrote it.
        file: The same, parsed.
        tell: Is told of each step.

    Raises:
        LabError: The control plane did not start, or does not answer.
        KernelError: The kernel refused something, or a Service does not answer.
        SpecError: An object was refused.
    """
    client = Client(rundir.control_socket(lab))
    started = not _is_answering(client)
    if started:
        tell("starting the control plane")
        process = _start(lab, text)
        # Of use to it later; meanwhile it loads its libraries.
        ensure_pki(lab, file.topology, time.time())  # noqa: TID251 (the edge)
        _wait_for_answer(lab, client, process)
    before = 0 if started else client.get("/netlab/v1/status")["operations"]
    if not started:
        _hand_over(lab, client, text)
    marked = [_marked(manifest, file.topology.name) for manifest in file.manifests]
    if marked:
        tell(f"applying {len(marked)} objects")
    applied = list(apply_manifests(client, marked))
    pruned = prune(client, TOPOLOGY_ANNOTATION, keep=marked)
    if pruned:
        tell(f"removing {len(pruned)} objects of the topology before")
        _wait_for_ending_pods(client)
    tell("waiting until it answers")
    status = _settle(client)
    _check(lab, client)
    return Up(
        started=started,
        operations=status["operations"] - before,
        applied=(*applied, *pruned),
        not_ready=tuple(_not_ready(client)),
        kubeconfig=write_kubeconfig(lab),
    )


def _is_answering(client: Client) -> bool:
    """Return whether a control plane of this very version answers; another's is started anew."""
    try:
        status = client.get("/netlab/v1/status")
    except LabError:
        return False
    return status.get("version") == __version__


def _start(lab: str, text: bytes) -> subprocess.Popen[bytes]:
    # What a control plane that lost its socket still holds would be held twice.
    processes.kill(processes.control_plane(lab), timeout=10)
    directory = rundir.rundir(lab)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    rundir.topology_file(lab).write_bytes(text)
    with rundir.control_plane_log(lab).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "netlab.lab", lab],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=processes.environment(lab),
            start_new_session=True,
        )


def _wait_for_answer(lab: str, client: Client, control_plane: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while not _is_answering(client):
        # Its marker says less: a process that is just executing a program has no environment.
        if control_plane.poll() is not None or time.monotonic() > deadline:
            log = rundir.control_plane_log(lab)
            last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
            raise LabError(
                "\n".join([f"the control plane of lab {lab} did not start:", *last]),
                hint=f"the whole log is {log}; sudo netlab doctor looks at the machine",
            )
        time.sleep(0.005)


def _hand_over(lab: str, client: Client, text: bytes) -> None:
    if rundir.topology_file(lab).read_bytes() == text:
        client.request("POST", "/netlab/v1/resync")
    else:
        client.request("PUT", "/netlab/v1/topology", {"text": text.decode()})


def _marked(manifest: Manifest, topology: str) -> Object:
    metadata: Any = manifest.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), TOPOLOGY_ANNOTATION: topology}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _wait_for_ending_pods(client: Client) -> None:
    """Wait until no pod is ending any more, or for the longest grace a pod usually has."""
    # A Deployment's pods begin to end when the controllers have seen that it is gone.
    client.get("/netlab/v1/settled")
    deadline = time.monotonic() + _GRACE_S
    path = RESOURCES["pods"].path()
    while any(map(is_terminating, client.list_(path))) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _settle(client: Client) -> Object:
    deadline = time.monotonic() + _SETTLE_S
    status = client.get("/netlab/v1/settled")
    while not (status["settled"] or status["failure"]) and time.monotonic() < deadline:
        status = client.get("/netlab/v1/settled")
    if not status["settled"] or status["failure"]:
        reason = status["failure"] or f"it is still at work after {_SETTLE_S:g} s"
        raise KernelError(f"the lab does not come to rest: {reason}", hint="sudo netlab doctor")
    for netns, refusal in status["refusedRules"].items():
        raise KernelError(f"{netns} refused its rules: {refusal}", hint="sudo netlab doctor")
    return status


def _check(lab: str, client: Client) -> None:
    services = client.list_(RESOURCES["services"].path())
    slices = client.list_(RESOURCES["endpointslices"].path())
    wanted = up_check.required_calls(hosts(lab), services, slices)
    late = up_check.unanswered(wanted, _ANSWER_S)
    if late:
        shown = [f"  {probe}" for probe in late[:_SHOWN]]
        if len(late) > _SHOWN:
            shown.append(f"  and {len(late) - _SHOWN} more")
        lines = "\n".join(shown)
        raise KernelError(
            f"no answer within {_ANSWER_S:g} s from:\n{lines}",
            hint="sudo netlab status; sudo netlab doctor",
        )


def _not_ready(client: Client) -> list[str]:
    reasons = []
    for pod in client.list_(RESOURCES["pods"].path()):
        for status in items_of(status_of(pod), "containerStatuses"):
            waiting = (status.get("state") or {}).get("waiting")
            if waiting:
                where = f"{namespace_of(pod)}/{name_of(pod)}"
                reasons.append(f"pod {where}: {waiting['reason']}: {waiting.get('message', '')}")
    return reasons
