"""What every test stands on: tests of pure code cannot reach the system.

Python reports each new socket and process to audit hooks (sys.addaudithook). A hook cannot be taken
away again, so there is one for the whole run, and a fixture says when it bites.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

TESTS: Final = Path(__file__).parent

PURE: Final = frozenset(
    {
        "unit/apiserver/streams",
        "unit/cni",
        "unit/kube",
        "unit/kubeproxy",
        "unit/model",
        "unit/netfilter",
        "unit/plan",
    }
    | {"unit/render", "unit/spec", "property", "golden"}
)
"""Directories whose tests are about values only."""
LOOPS: Final = frozenset(
    {"test_agent.py", "test_canaries.py", "test_proxier.py", "test_servers.py"}
)
"""Tests there of a component's loop, which have an event loop."""

EFFECTS: Final = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}
    | {"socket.__new__"}
)
"""Audit events (docs.python.org/3/library/audit_events.html)."""

# A slow machine is no failure of the law that is tested.
hypothesis.settings.register_profile("netlab", deadline=None)
# scripts/check without --all: pytest --hypothesis-profile=short.
hypothesis.settings.register_profile("short", deadline=None, max_examples=30)
hypothesis.settings.load_profile("netlab")


class SystemReachedError(BaseException):
    """A test of pure code reached the system; no ``except Exception`` hides it."""


_guard = {"on": False}


def _audit(event: str, args: tuple[object, ...]) -> None:
    if _guard["on"] and event in EFFECTS:
        raise SystemReachedError(f"{event} {args}: this test may not reach the system")


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def _pure_tests_stay_inside(request: pytest.FixtureRequest) -> Iterator[None]:
    directory = request.path.parent
    pure = request.path.name not in LOOPS and any(
        directory.is_relative_to(TESTS / name) for name in PURE
    )
    _guard["on"] = pure and request.node.get_closest_marker("kernel") is None
    yield
    _guard["on"] = False
