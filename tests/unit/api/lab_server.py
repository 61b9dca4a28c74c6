"""A control plane's API on a real Unix socket, served from a thread of the test."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from aiohttp import web

from netlab.api.app import build_app
from netlab.api.client import Client
from netlab.control.bootstrap import bootstrap
from netlab.control.reconcile import Reconciler
from netlab.control.store import Store

NOW = 1_800_000_000.0


@dataclass
class LabServer:
    """What a test may ask for and look at."""

    socket_path: Path
    store: Store
    reconciler: Reconciler
    writes: list[int] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return Client(self.socket_path)

    def changed(self) -> None:
        self.writes.append(self.store.version)
        self.reconciler.reconcile(NOW)


@contextmanager
def lab_server(directory: Path) -> Iterator[LabServer]:
    store = Store(None, clock=lambda: NOW, random=random.Random(7))
    bootstrap(store, [ip_network("10.0.0.0/16")])
    server = LabServer(
        socket_path=directory / "control.sock", store=store, reconciler=Reconciler(store)
    )
    app = build_app(store, clock=lambda: NOW, changed=server.changed)
    ready, loop, done = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(server.socket_path)).start()
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
