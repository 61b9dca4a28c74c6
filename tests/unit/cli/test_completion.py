"""What the shell offers at TAB; the names of a live lab are offered in tests/kernel."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from netlab.cli.completion import complete_host, complete_topology, silent
from netlab.client import hosts
from netlab.errors import LabError

CONTEXT = click.Context(click.Command("exec"))
PARAMETER = click.Argument(["host"])


@pytest.mark.parametrize("error", [PermissionError(13, "no"), LabError("no lab"), KeyError("x")])
def test_what_may_not_be_seen_is_left_out_in_silence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(_lab: str) -> list[str]:
        raise error

    monkeypatch.setattr(hosts, "names_of_hosts", refuse)
    assert complete_host(CONTEXT, PARAMETER, "no") == []
    assert capsys.readouterr() == ("", "")


def test_only_names_that_begin_so_are_offered():
    complete = silent(lambda _context, _begun: ["node1", "node2", "router"])
    assert complete(CONTEXT, PARAMETER, "no") == ["node1", "node2"]


def test_a_topology_is_a_built_in_one_or_a_file():
    assert "two-nodes" in complete_topology(CONTEXT, PARAMETER, "two")
    (item,) = complete_topology(CONTEXT, PARAMETER, "./")
    assert isinstance(item, click.shell_completion.CompletionItem)
    assert item.type == "file"


@pytest.mark.parametrize("name", ["netlab", "k8s-netlab"])
def test_completion_works_under_both_names(name: str, tmp_path: Path):
    program = tmp_path / name
    program.write_text(f"#!{sys.executable}\nfrom netlab.cli import main\nmain()\n")
    program.chmod(0o755)
    variable = f"_{name.upper().replace('-', '_')}_COMPLETE"
    words = {"COMP_WORDS": f"{name} topolog", "COMP_CWORD": "1", variable: "bash_complete"}
    done = subprocess.run(
        [program], env={**os.environ, **words}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "plain,topologies\n", done.stderr
