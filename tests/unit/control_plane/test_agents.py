"""The loops of agents: what wakes them, what they wait for, and when a lab is settled."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from netlab.apiserver.store import Store
from netlab.control_plane import agents
from netlab.control_plane.agents import Agent, AgentLoops
from netlab.errors import KernelError

LONG_S = 60.0


def run(store: Store, scenario: Callable[[AgentLoops], Awaitable[None]]) -> None:
    async def main() -> None:
        loops = AgentLoops(store, time.time)  # noqa: TID251 (loops keep time)
        async with asyncio.timeout(10):
            await scenario(loops)

    asyncio.run(main())


async def running(loops: AgentLoops) -> asyncio.Task[None]:
    task = asyncio.ensure_future(loops.run())
    await loops.settled(5)
    return task


class Counted:
    """An agent's sync that counts its calls; it may be told what to return or raise."""

    def __init__(self) -> None:
        self.calls = 0
        self.called = asyncio.Event()
        self.wake_at: float | None = None
        self.error: Exception | None = None

    async def __call__(self, _now: float) -> float | None:
        self.calls += 1
        self.called.set()
        if self.error is not None:
            raise self.error
        return self.wake_at


def namespace(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def test_changes_of_its_resources_wake_an_agent_and_no_others(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        of_namespaces, of_pods, of_all = Counted(), Counted(), Counted()
        loops.add(Agent(name="a", sync=of_namespaces, wakes_on={"namespaces"}))
        loops.add(Agent(name="b", sync=of_pods, wakes_on={"pods"}))
        loops.add(Agent(name="c", sync=of_all, wakes_on=None))
        await running(loops)
        for name in ("one", "two"):
            store.create(namespace(name))
        assert not await loops.settled(0)
        assert await loops.settled(5)
        assert (of_namespaces.calls, of_pods.calls, of_all.calls) == (2, 1, 2)

    run(store, scenario)


def test_an_agent_that_waits_keeps_no_other_waiting(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        other, goes_on = Counted(), asyncio.Event()

        async def slow(_now: float) -> None:
            await goes_on.wait()

        loops.add(Agent(name="slow", sync=slow))
        loops.add(Agent(name="other", sync=other, wakes_on=None))
        asyncio.ensure_future(loops.run())  # noqa: RUF006 (ends with the scenario)
        await loops.caught_up("other", store.version)
        store.create(namespace("one"))
        await loops.caught_up("other", store.version)
        assert other.calls == 2
        assert not await loops.settled(0.02)
        goes_on.set()
        assert await loops.settled(5)

    run(store, scenario)


def test_who_waits_for_an_agent_goes_on_when_it_has_seen_all_changes(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        seen: list[int] = []

        async def sync(_now: float) -> None:
            found = store.version
            await asyncio.sleep(0)
            seen.append(found)

        loops.add(Agent(name="a", sync=sync, wakes_on={"namespaces"}))
        await running(loops)
        for number in range(5):
            store.create(namespace(f"one-{number}"))
            await loops.caught_up("a", store.version)
            assert seen[-1] == store.version
        # What wakes it not is no reason to wait.
        store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})
        await loops.caught_up("a", store.version)
        assert seen[-1] < store.version

    run(store, scenario)


def test_who_comes_after_an_agent_waits_while_it_works_and_not_where_it_cannot(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        first, goes_on = Counted(), asyncio.Event()

        async def sync(now: float) -> None:
            await goes_on.wait()
            await first(now)

        loops.add(Agent(name="first", sync=sync))
        asyncio.ensure_future(loops.run())  # noqa: RUF006 (ends with the scenario)
        waiting = asyncio.ensure_future(loops.at_rest("first"))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        first.error = KernelError("the kernel says no")
        goes_on.set()
        await asyncio.wait_for(waiting, 5)
        assert loops.failures() == ["the kernel says no"]

    run(store, scenario)


def test_who_waits_for_an_agent_waits_for_what_must_hold_too(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        refused = ["node1"]
        loops.add(Agent(name="a", sync=Counted()))
        await running(loops)
        waiting = asyncio.ensure_future(loops.caught_up("a", store.version, lambda: not refused))
        loops.wake("a")
        await loops.settled(5)
        assert not waiting.done()
        refused.clear()
        loops.wake("a")
        await waiting

    run(store, scenario)


def test_a_sync_that_fails_is_told_and_tried_again_a_little_later(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        broken, other = Counted(), Counted()
        broken.error = KernelError("the kernel says no")
        loops.add(Agent(name="broken", sync=broken, wakes_on=None))
        loops.add(Agent(name="other", sync=other, wakes_on=None))
        await running(loops)
        assert loops.failures() == ["the kernel says no"]
        for number in range(20):
            # However often it is woken, failing costs no more than one sync a second.
            store.create(namespace(f"one-{number}"))
            await loops.caught_up("other", store.version)
        assert broken.calls == 1
        broken.error = None
        await loops.caught_up("broken", store.version)
        assert loops.failures() == []
        assert broken.calls == 2

    run(store, scenario)


def test_a_bug_of_one_agent_is_told_by_its_name(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        broken = Counted()
        broken.error = KeyError("spec")
        loops.add(Agent(name="kubelet", sync=broken))
        await running(loops)
        assert loops.failures() == ["bug in kubelet: KeyError: 'spec'"]

    run(store, scenario)


def test_an_agent_syncs_at_the_time_that_it_has_named(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        sync = Counted()
        sync.wake_at = time.time() + 0.1  # noqa: TID251
        loops.add(Agent(name="a", sync=sync))
        await running(loops)
        assert sync.calls == 1
        at, sync.wake_at = sync.wake_at, time.time() + LONG_S  # noqa: TID251
        sync.called.clear()
        await sync.called.wait()
        assert time.time() >= at  # noqa: TID251

    run(store, scenario)


def test_a_sync_that_leaves_work_over_is_called_again_before_anyone_goes_on(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        left = [3]

        async def sync(now: float) -> float | None:
            left[0] -= 1
            return now if left[0] else None

        loops.add(Agent(name="a", sync=sync))
        asyncio.ensure_future(loops.run())  # noqa: RUF006
        await loops.caught_up("a", store.version)
        assert left == [0]

    run(store, scenario)


def test_a_lab_is_not_settled_while_an_agent_is_busy_beside_its_loop(store: Store):
    async def scenario(loops: AgentLoops) -> None:
        busy = [True]
        loops.add(Agent(name="a", sync=Counted(), is_busy=lambda: bool(busy)))
        asyncio.ensure_future(loops.run())  # noqa: RUF006
        assert not await loops.settled(0.05)
        busy.clear()
        loops.wake("a")
        assert await loops.settled(5)

    run(store, scenario)


def test_retries_come_at_most_once_a_second():
    assert agents.RETRY_S >= 1
