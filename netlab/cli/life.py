"""``up`` and ``down``."""

import sys
import time

import click

from netlab.cli.completion import complete_topology
from netlab.cli.options import lab_option


@click.command()
@click.argument("topology", required=False, shell_complete=complete_topology)
@lab_option
@click.option("--dry-run", is_flag=True, help="Print the commands; change nothing, need no root.")
def up(topology: str | None, lab: str, dry_run: bool) -> None:  # noqa: FBT001 (click's flags)
    """Build a lab from TOPOLOGY, or bring a running one to it; twice is once.

    TOPOLOGY is a built-in one (see netlab topologies), a file, or - for standard input. Without
    it a lab that is there keeps its own, and a new one gets source-ip.

    Example: sudo netlab up two-nodes
    """
    from netlab.lab.topologies import for_lab, read_topology
    from netlab.topology.parse import parse_topology

    began = time.monotonic()
    text, source = read_topology(topology) if topology else for_lab(lab)
    file = parse_topology(text, source)
    if dry_run:
        from netlab.lab.dry_run import commands

        for line in commands(lab, file):
            click.echo(line)
        return
    from netlab.lab import lock
    from netlab.lab.host import require_room, require_root, require_tools
    from netlab.lab.up import up as bring_up
    from netlab.render.commands import commands_for

    require_root()
    require_tools(file.topology)
    require_room()
    with lock.held(lab):
        done = bring_up(lab, text, file, _progress)
    seconds = time.monotonic() - began
    name = file.topology.name
    if not done.changed:
        click.echo(f"lab {lab} ({name}) is up already; nothing to do")
    else:
        click.echo(f"lab {lab} ({name}) is up and answers, in {seconds:.1f} s")
    for reason in done.not_ready:
        click.echo(f"warning: {reason}", err=True)
    if file.topology.message:
        click.echo(f"\n{commands_for(lab, file.topology.message.rstrip())}")
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
    from netlab.lab.host import require_root

    require_root()
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


def _progress(step: str) -> None:
    print(f"  {step} ...", file=sys.stderr, flush=True)


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"
