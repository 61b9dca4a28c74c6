import pytest
from click.testing import CliRunner

from netlab.cli.life import up
from netlab.lab.topologies import builtin_names


@pytest.mark.parametrize("name", builtin_names())
def test_a_dry_run_prints_commands_and_needs_no_root(name: str):
    done = CliRunner().invoke(up, [name, "--dry-run", "--lab", "dry"])
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "ip netns add netlab-dry-router && ip -n netlab-dry-router link set lo up"
    assert lines[-1] == "NETLAB"
