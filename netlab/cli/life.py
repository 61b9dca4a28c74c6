"""``up`` and ``down``."""

import sys
import time
from typing import TYPE_CHECKING, Final

import click

from netlab.cli.completion import complete_topology
from netlab.cli.options import lab_option, say_left_out, strict_option
from netlab.cli.typed_commands import as_typed
from netlab.errors import KernelError, LabError, SpecError

if TYPE_CHECKING:
    from netlab.lab.up import Up
    from netlab.model.topology import TopologyFile

_SHOWN: Final = 20
"""Of what does not answer."""


@click.command()
@click.argument("topology", required=False, shell_complete=complete_topology)
@lab_option
@click.option("--dry-run", is_flag=True, help="Print the commands; change nothing, need no root.")
@click.option(
    "--wait",
    type=click.Choice(["promised", "all"]),
    default="promised",
    show_default=True,
    help="What must answer: what the Services' own rules promise, or every address of every "
    "Service; with all the exit code is 5 where one does not.",
)
@click.option(
    "--stand-in",
    is_flag=True,
    help="Have an echo server stand in for every image that netlab does not know.",
)
@strict_option("Refuse a file with objects that a lab has no use for; else they are left out.")
def up(
    topology: str | None, lab: str, *, dry_run: bool, wait: str, stand_in: bool, is_strict: bool
) -> None:
    """Build a lab from TOPOLOGY, or bring a running one to it; twice is once.

    TOPOLOGY is a built-in one (see netlab topologies), a file, or - for standard input. Without
    it a lab that is there keeps its own, and a new one gets source-ip.

    Example: sudo netlab up two-nodes
    """
    from netlab.lab.topologies import for_lab, read_topology, with_stand_in
    from netlab.topology.parse import parse_topology

    began = time.monotonic()
    text, source = read_topology(topology) if topology else for_lab(lab)
    file = parse_topology(text, source, is_strict=is_strict)
    say_left_out(file)
    if stand_in:
        text = with_stand_in(text)
        file = parse_topology(text, source)
    if dry_run:
        from netlab.lab.dry_run import commands

        for line in commands(lab, file):
            click.echo(line)
        return
    from netlab.lab import lock
    from netlab.lab.host import require_room, require_tools
    from netlab.rootless.enter import become_root

    become_root(home=False)
    require_tools(file.topology, _progress)
    require_room()
    with lock.held(lab):
        done = _bring_up(lab, text, file)
    if done.not_answering and wait == "all":
        raise KernelError("\n".join(_not_answering(done)), hint=f"sudo netlab status --lab {lab}")
    _say_what_is_up(lab, file, done, time.monotonic() - began)
    if done.refused:
        raise SpecError("\n".join(map(str, done.refused)))


def _bring_up(lab: str, text: bytes, file: "TopologyFile") -> "Up":
    from netlab.lab.start import start_if_new

    new = start_if_new(lab, text, _progress)
    # This is what is loaded while the control plane loads what it needs.
    from netlab.lab.up import up as bring_up

    return bring_up(lab, text, file, _progress, new)


def _say_what_is_up(lab: str, file: "TopologyFile", done: "Up", seconds: float) -> None:
    from netlab.render.commands import commands_for

    name = file.topology.name
    if not done.changed:
        click.echo(f"lab {lab} ({name}) is up already; nothing to do")
    else:
        answers = "" if done.not_answering else " and answers"
        click.echo(f"lab {lab} ({name}) is up{answers}, in {seconds:.1f} s")
    for reason in done.not_ready:
        click.echo(f"warning: {reason}", err=True)
    for line in _not_answering(done):
        click.echo(line, err=True)
    if done.foreign:
        from netlab.render.status import foreign_lines

        click.echo(as_typed("\n".join(foreign_lines(lab, done.foreign))), err=True)
    if file.topology.message:
        click.echo(as_typed(f"\n{commands_for(lab, file.topology.message.rstrip())}"))
    click.echo(f"\nfor kubectl: export KUBECONFIG={done.kubeconfig}")


@click.command()
@lab_option
@click.option("--all", "every", is_flag=True, help="Remove every lab of this machine.")
def down(lab: str, every: bool) -> None:  # noqa: FBT001 (click's flags)
    """Remove everything of a lab: processes, namespaces, files.

    Needs neither the lab's control plane nor any file of it.

    Example: sudo netlab down
    """
    from netlab.lab import down as removal
    from netlab.lab import lock
    from netlab.rootless.enter import become_root

    become_root(ending=True)
    labs = removal.known_labs() if every else [lab]
    if not labs:
        click.echo("there is no lab on this machine")
    for name in labs:
        with lock.held(name):
            removed = removal.down(name)
        if not removed:
            click.echo(f"there is no lab {name}; nothing to remove")
            continue
        click.echo(
            f"lab {name} is down: removed {_count(removed.namespaces, 'namespace')} and "
            f"{_count(removed.processes + removed.control_plane, 'process')}; "
            "the host's own network was never touched"
        )


@click.command()
@lab_option
def reset(lab: str) -> None:
    """Build a lab anew from the topology it has, whatever was done to it since.

    Objects that were made or changed, rules, routes, connections, captures: all of it goes.

    Example: sudo netlab reset
    """
    from netlab.lab import down as removal
    from netlab.lab import lock
    from netlab.lab.host import require_room, require_tools
    from netlab.lab.topologies import for_lab
    from netlab.topology.parse import parse_topology

    began = time.monotonic()
    from netlab.rootless.enter import become_root

    become_root(home=False)
    if lab not in removal.known_labs():
        raise LabError(f"there is no lab {lab}", hint=f"type: sudo netlab up --lab {lab}")
    text, source = for_lab(lab)
    file = parse_topology(text, source)
    require_tools(file.topology, _progress)
    require_room()
    with lock.held(lab):
        removal.down(lab)
        done = _bring_up(lab, text, file)
    _say_what_is_up(lab, file, done, time.monotonic() - began)


def _not_answering(done: "Up") -> list[str]:
    """Return what to say of Services that do not answer, a line each."""
    found = done.not_answering
    if not found:
        return []
    lines = [f"{_count(len(found), 'address')} of Services without an answer:"]
    lines += [f"  {one}" for one in found[:_SHOWN]]
    return lines if len(found) <= _SHOWN else [*lines, f"  and {len(found) - _SHOWN} more"]


def _progress(step: str) -> None:
    print(f"  {step} ...", file=sys.stderr, flush=True)


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"
