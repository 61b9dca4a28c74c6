"""A topology, and a control plane's API on a real Unix socket, served from a thread of the test."""

import asyncio
import random  # noqa: TID251 seeded, so that tests repeat
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import pytest

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.store import Store
from netlab.client.api_client import Client
from netlab.controllers.reconcile import Reconciler
from netlab.model.topology import Topology
from tests.unit.topology_samples import topology_of

NOW: Final = 1_800_000_000.0
NODES: Final = ", ".join(
    f"{{labels: {{topology.kubernetes.io/zone: zone-{number}}}}}" for number in (1, 2)
)


@pytest.fixture
def topology() -> Topology:
    """Return a topology of two nodes."""
    return topology_of(f"{{nodes: [{NODES}]}}")


@pytest.fixture
def store() -> Store:
    """Return the objects of a lab without nodes."""
    store = Store(None, clock=lambda: NOW, random=random.Random(7))  # noqa: S311
    bootstrap(store, [ip_network("10.0.0.0/16")])
    return store


@pytest.fixture
def writes() -> list[int]:
    """Return the store's version after each write that came through the API."""
    return []


@pytest.fixture
def socket_path(tmp_path: Path, store: Store, writes: list[int]) -> Iterator[Path]:
    """Serve the store, with its controllers, as the lab ``default``."""
    from aiohttp import web

    from netlab.apiserver.server import build_app

    path = tmp_path / "default" / "control.sock"
    path.parent.mkdir()
    reconciler = Reconciler(store)

    def changed() -> None:
        writes.append(store.version)
        reconciler.settle(NOW)

    app = build_app(store, clock=lambda: NOW, changed=changed)
    ready, done, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(path)).start()
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield path
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()


@pytest.fixture
def client(socket_path: Path) -> Client:
    """Return a client of the served lab."""
    return Client(socket_path)
