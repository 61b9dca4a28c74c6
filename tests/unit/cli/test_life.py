import os

import click
import pytest
from click.testing import CliRunner

from netlab.cli.life import down, up
from netlab.errors import HostError
from netlab.lab.topologies import builtin_names


@pytest.mark.parametrize("name", builtin_names())
def test_a_dry_run_prints_commands_and_needs_no_root(name: str):
    done = CliRunner().invoke(up, [name, "--dry-run", "--lab", "dry"])
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "ip netns add netlab-dry-router && ip -n netlab-dry-router link set lo up"
    assert lines[-1] == "NETLAB"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
@pytest.mark.parametrize("command", [up, down])
def test_without_root_nothing_is_tried(command: click.Command):
    done = CliRunner().invoke(command, [])
    assert isinstance(done.exception, HostError)
