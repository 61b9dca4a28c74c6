"""How processes of containers are ended: hooks, SIGTERM, and SIGKILL when time is up.

A pod that is being deleted is asked to end when every node holds the rules that lead new
connections to others, however busy the machine is; where rules are refused again and again, it is
asked nevertheless. Sidecars are asked when the other containers have ended.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from netlab.kube.kinds.pod.containers import container_spec
from netlab.kube.kinds.pod.status import is_sidecar
from netlab.kube.objects import Object, metadata_of, spec_of
from netlab.kube.timestamps import seconds
from netlab.kubelet.prober import Prober
from netlab.linux import processes
from netlab.model.processes import ProcessId

_GRACE_S: Final = 30
RULES_S: Final = 5.0
"""A pod is not asked to end for so long, at most, when rules still lead to it."""


def grace_s(pod: Object) -> float:
    """Return how many seconds a pod's containers have to end; less than none is one."""
    asked = spec_of(pod).get("terminationGracePeriodSeconds")
    return float(_GRACE_S if asked is None else asked if asked >= 0 else 1)


class Termination:
    """Ends processes.

    Args:
        prober: Runs hooks.
        rules_follow: Waits until every node holds the rules that follow from the objects.
    """

    def __init__(self, prober: Prober, rules_follow: Callable[[], Awaitable[None]]) -> None:
        self.prober = prober
        self._rules_follow = rules_follow
        self.asking: dict[ProcessId, asyncio.Task[None]] = {}
        """What asks each process to end, or has."""

    def ended(self, process: ProcessId) -> None:
        """Take note that a process has ended."""
        self.asking.pop(process, None)

    def end_pod(
        self, pod: Object, left: Mapping[str, ProcessId], now: float
    ) -> tuple[list[str], float]:
        """Have the processes of a pod that is being deleted ended.

        Args:
            pod: The pod.
            left: What runs of it, by container.
            now: Wall clock seconds.

        Returns:
            The containers that are asked from now on, and when to look again.
        """
        deadline = _deadline(pod, now)
        if deadline <= now:
            self.kill(left.values())
            return [], now + 1
        main = {name: one for name, one in left.items() if not is_sidecar(pod, name)}
        new = {
            name: process for name, process in (main or left).items() if process not in self.asking
        }
        if new:
            latest_s = min(RULES_S, (deadline - now) / 2)
            self._ask(pod, new, self._ended_rules(latest_s), deadline - now)
        return list(new), deadline

    def end(self, pod: Object, those: Mapping[str, ProcessId], now: float, grace_s: float) -> None:
        """Have containers of a pod ended that goes on."""
        del now
        new = {name: process for name, process in those.items() if process not in self.asking}
        if new:
            self._ask(pod, new, _nothing(), grace_s, kill=True)

    def kill(self, those: Iterable[ProcessId]) -> None:
        """Kill processes at once."""
        for process in those:
            processes.send_signal(process, signal.SIGKILL)

    def _ask(
        self,
        pod: Object,
        those: Mapping[str, ProcessId],
        first: Awaitable[None],
        grace_s: float,
        *,
        kill: bool = False,
    ) -> None:
        task = asyncio.ensure_future(self._terminate(pod, those, first, grace_s, kill=kill))
        self.asking.update(dict.fromkeys(those.values(), task))

    async def _ended_rules(self, latest_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(latest_s):
                await self._rules_follow()

    async def _terminate(
        self,
        pod: Object,
        those: Mapping[str, ProcessId],
        first: Awaitable[None],
        grace_s: float,
        *,
        kill: bool,
    ) -> None:
        """Ask processes to end when ``first`` is over and their hooks have run."""
        await first
        asked = (self._ask_one(pod, name, process, grace_s) for name, process in those.items())
        await asyncio.gather(*asked)
        if kill:
            await asyncio.sleep(grace_s)
            self.kill(process for process in those.values() if process in self.asking)

    async def _ask_one(self, pod: Object, name: str, process: ProcessId, grace_s: float) -> None:
        spec = container_spec(pod, name)
        hook = (spec.get("lifecycle") or {}).get("preStop")
        if hook and process in self.asking:
            # What comes of it changes nothing: the container ends.
            await self.prober.probe(pod, spec, hook, max(grace_s, 1.0))
        if process in self.asking:
            processes.send_signal(process, signal.SIGTERM)


async def _nothing() -> None:
    """Wait for nothing."""


def _deadline(pod: Object, now: float) -> float:
    """Return when the pod's grace period is over, in wall clock seconds."""
    # The timestamp of deletion is the time by which the pod is to be gone, cut to a whole second:
    # with the next one no pod has less time than it was given.
    marked = metadata_of(pod).get("deletionTimestamp")
    return seconds(marked) + 1 if marked else now + _GRACE_S
