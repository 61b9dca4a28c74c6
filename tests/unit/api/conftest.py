"""A control plane's API on a real Unix socket, served from a thread of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.api.lab_server import LabServer, lab_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LabServer]:
    with lab_server(tmp_path) as running:
        yield running
