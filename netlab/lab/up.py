"""Build a lab, or bring a running one to a topology.

``up`` starts a control plane if none runs, gives it the topology and the manifests, and waits until
every Service answers through the real path. What it finds of an earlier lab (namespaces, processes,
files of a command that was killed) the control plane takes over; doing it twice is doing it once.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netlab import __version__
from netlab.client.api_client import Client
from netlab.client.apply import Applied, Refused, apply_manifests, placed, prune
from netlab.client.control_plane_process import starting_control_plane
from netlab.client.hosts import hosts
from netlab.client.kubeconfig_file import write_kubeconfig
from netlab.control_plane.api_certificates import ensure_pki
from netlab.errors import KernelError, LabError
from netlab.kube.objects import Object, is_terminating, items_of, name_of, namespace_of, status_of
from netlab.kube.resources import RESOURCES
from netlab.lab import start, up_check
from netlab.lab.start import Tell
from netlab.linux.timeouts import scaled
from netlab.model import rundir
from netlab.model.processes import ProcessId
from netlab.model.topology import TopologyFile
from netlab.rootless.home import go_home

if TYPE_CHECKING:
    from netlab.model.status import Foreign

_SETTLE_S: Final = 120.0
_ANSWER_S: Final = 10.0
_GRACE_S: Final = 35.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What ``up`` found and did."""

    started: bool
    """Whether a control plane was started."""
    operations: int
    """Changes made to the kernel."""
    applied: tuple[Applied, ...]
    """What became of each object, pruned ones included."""
    refused: tuple[Refused, ...]
    """Objects that the API refused."""
    not_ready: tuple[str, ...]
    """Pods that do not run, each with its reason."""
    not_answering: tuple[str, ...]
    """What of Services does not answer, each with its reason."""
    foreign: "tuple[Foreign, ...]"
    """What somebody else did to the lab's hosts; a lab that was just built has none."""
    kubeconfig: Path
    """What kubectl finds the lab by."""

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.started or bool(self.operations or any(one.changed for one in self.applied))


def up(lab: str, text: bytes, file: TopologyFile, tell: Tell, new: ProcessId | None = None) -> Up:
    """Build or converge ``lab``; the caller holds its lock.

    Args:
        lab: Name.
        text: The topology file as its user wrote it.
        file: The same, parsed.
        tell: Is told of each step.
        new: The control plane that ``start_if_new`` has started.

    Raises:
        LabError: The control plane did not start, or does not answer.
        KernelError: The kernel refused something.
    """
    client = Client(rundir.control_socket(lab))
    started = new is not None or not (_is_answering(client) or _was_starting(lab, client, tell))
    if started:
        process = new or start.start(lab, text, tell)
        # Of use to it later; meanwhile it loads its libraries.
        ensure_pki(lab, file.topology, time.time())  # noqa: TID251 (the edge)
        if not start.answers_at_last(lab, partial(_is_answering, client), process, tell):
            raise start.failed_start(lab, "ended while it was starting")
    # The control plane listens on the machine's loopback; what enters namespaces cannot stay there.
    go_home()
    before = 0 if started else client.get("/netlab/v1/status")["operations"]
    if not started:
        _hand_over(lab, client, text)
    if new is None:
        _put_back_experiments(client, tell)
        # What an up that was killed had begun to remove, this one may be to make.
        _wait_for_ending_pods(client, _pods_of(file.manifests))
    if file.manifests:
        tell(f"applying {_count(len(file.manifests), 'object')}")
    results = list(apply_manifests(client, file.manifests, file.topology.name))
    applied = [one for one in results if isinstance(one, Applied)]
    pruned = prune(client, keep=file.manifests)
    if pruned:
        tell(f"removing {_count(len(pruned), 'object')} of the topology before")
        # A Deployment's pods begin to end when the controllers have seen that it is gone.
        client.get("/netlab/v1/settled")
        _wait_for_ending_pods(client)
    tell("waiting until it answers")
    status = _settle(client)
    not_answering = _not_answering(client)
    return Up(
        started=started,
        operations=status["operations"] - before,
        applied=(*applied, *pruned),
        refused=tuple(one for one in results if isinstance(one, Refused)),
        not_ready=tuple(_not_ready(client)),
        not_answering=tuple(not_answering),
        foreign=() if started else _foreign(lab, client),
        kubeconfig=write_kubeconfig(lab),
    )


def _put_back_experiments(client: Client, tell: Tell) -> None:
    from netlab.lab import experiment_marks  # noqa: PLC0415 (a lab that is new has none)

    for line in experiment_marks.put_back(client):
        tell(line)


def _foreign(lab: str, client: Client) -> "tuple[Foreign, ...]":
    from netlab.lab.not_netlabs import read_foreign  # noqa: PLC0415 (a lab that is new has none)

    return tuple(read_foreign(lab, client, hosts(lab)))


def _is_answering(client: Client) -> bool:
    """Return whether a control plane of this very version answers; another's is started anew."""
    try:
        status = client.get("/netlab/v1/status")
    except LabError:
        return False
    return status.get("version") == __version__


def _was_starting(lab: str, client: Client, tell: Tell) -> bool:
    """Wait for a control plane that an earlier ``up`` started; return whether it answered."""
    found = starting_control_plane(lab)
    if found is None:
        return False
    tell("waiting for the control plane, which is starting")
    return start.answers_at_last(lab, partial(_is_answering, client), found, tell)


def _hand_over(lab: str, client: Client, text: bytes) -> None:
    if rundir.topology_file(lab).read_bytes() == text:
        client.request("POST", "/netlab/v1/resync")
    else:
        client.request("PUT", "/netlab/v1/topology", {"text": text.decode()})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _pods_of(manifests: Iterable[Object]) -> set[tuple[str, str]]:
    """Return namespace and name of each pod that stands among manifests."""
    pods = (placed(one) for one in manifests if one["kind"] == "Pod")
    return {(namespace_of(pod), name_of(pod)) for pod in pods}


def _wait_for_ending_pods(client: Client, pods: set[tuple[str, str]] | None = None) -> None:
    """Wait until no pod is ending any more, or for the longest grace a pod usually has.

    Args:
        client: To the lab.
        pods: Namespace and name of those to wait for; by default all.
    """

    def is_awaited(pod: Object) -> bool:
        return is_terminating(pod) and (pods is None or (namespace_of(pod), name_of(pod)) in pods)

    deadline = time.monotonic() + scaled(_GRACE_S)
    path = RESOURCES["pods"].path()
    while any(map(is_awaited, client.list_(path))) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _settle(client: Client) -> Object:
    deadline = time.monotonic() + scaled(_SETTLE_S)
    status = client.get("/netlab/v1/settled")
    while not (status["settled"] or status["failure"]) and time.monotonic() < deadline:
        status = client.get("/netlab/v1/settled")
    if not status["settled"] or status["failure"]:
        reason = status["failure"] or f"it is still at work after {scaled(_SETTLE_S):g} s"
        raise KernelError(f"the lab does not come to rest: {reason}", hint="sudo netlab doctor")
    for netns, refusal in status["refusedRules"].items():
        raise KernelError(f"{netns} refused its rules: {refusal}", hint="sudo netlab doctor")
    return status


def _not_answering(client: Client) -> list[str]:
    failed, unpromised = up_check.check(client, scaled(_ANSWER_S))
    return [*map(str, failed), *map(str, unpromised)]


def _not_ready(client: Client) -> list[str]:
    reasons = []
    for pod in client.list_(RESOURCES["pods"].path()):
        for status in items_of(status_of(pod), "containerStatuses"):
            waiting = (status.get("state") or {}).get("waiting")
            if waiting:
                where = f"{namespace_of(pod)}/{name_of(pod)}"
                reasons.append(f"pod {where}: {waiting['reason']}: {waiting.get('message', '')}")
    return reasons
