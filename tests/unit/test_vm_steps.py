"""The lists that scripts/vm/check runs in its guests name commands that there are."""

import shlex
import sys
from pathlib import Path

import click
import pytest

from netlab.cli import netlab

SCRIPTS = Path(__file__).parents[2] / "scripts/vm"
sys.path.append(str(SCRIPTS))

from steps import LISTS, Step  # noqa: E402 (scripts/vm is no package)

COMMANDS = sorted(
    {
        step.command.replace("{nodeport}", "30080")
        for steps in LISTS.values()
        for step in steps()
        if isinstance(step, Step) and step.command.startswith("netlab ")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_step_is_a_command_line_that_netlab_takes(command: str):
    _, verb, *arguments = shlex.split(command)
    group = click.Context(netlab, info_name="netlab")
    found = netlab.get_command(group, verb)
    assert found is not None
    found.make_context(verb, arguments, parent=group)


def test_every_trace_that_reaches_the_kernel_is_held_against_a_prediction():
    of_no_address = "fd00"
    traces = [one for one in COMMANDS if one.startswith("netlab trace")]
    assert [one for one in traces if "--predict" not in one and of_no_address not in one] == []


def test_the_check_names_lists_that_there_are():
    text = (SCRIPTS / "check").read_text()
    named = {
        name
        for line in text.splitlines()
        for word in line.split()
        if word.startswith(("provision,", "without-ipv6,"))
        for name in word.split(",")
    }
    assert named
    assert named <= set(LISTS)
