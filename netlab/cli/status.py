"""``status`` and ``list``."""

import json
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.options import lab_option
from netlab.cli.typed_commands import as_typed

if TYPE_CHECKING:
    from netlab.model.status import LabStatus

_OUTPUT = click.Choice(["table", "wide", "json", "yaml"])


@click.command()
@lab_option
@click.option(
    "-o", "--output", type=_OUTPUT, default="table", show_default=True, help="Form of the answer."
)
def status(lab: str, output: str) -> int:
    """Show a lab: its hosts with processes, CPU and memory, and its Services.

    Ends with exit code 1 when something is wrong with the lab.

    Example: sudo netlab status
    """
    from netlab.lab.status import put_back_left, read_status
    from netlab.rootless.enter import become_root

    become_root()
    for line in put_back_left(lab):
        click.echo(as_typed(line), err=True)
    found = read_status(lab)
    if output in {"json", "yaml"}:
        _print_data({"schema": "netlab.status/1", **asdict(found)}, output)
    else:
        from netlab.render.status import render_status

        # A pipe has no width, and who reads it misses no column.
        width = max(80, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
        click.echo(as_typed(render_status(found, is_wide=output == "wide", width=width)))
    return 0 if found.state == "up" else 1


@click.command("list")
@click.option(
    "-o", "--output", type=_OUTPUT, default="table", show_default=True, help="Form of the answer."
)
def list_(output: str) -> None:
    """List the labs of this machine.

    Example: sudo netlab list
    """
    from netlab.lab.status import read_all
    from netlab.render.table import table
    from netlab.rootless.enter import become_root

    become_root()
    found = read_all()
    if output in {"json", "yaml"}:
        _print_data({"schema": "netlab.list/1", "labs": [_summary(lab) for lab in found]}, output)
    elif not found:
        click.echo(as_typed("there is no lab on this machine; build one: sudo netlab up"))
    else:
        rows = [list(map(str, _summary(lab).values())) for lab in found]
        click.echo(as_typed(table(["lab", "state", "topology", "hosts", "advice"], rows)))


def _summary(lab: "LabStatus") -> dict[str, Any]:
    return {
        "lab": lab.lab,
        "state": lab.state,
        "topology": lab.topology,
        "hosts": len(lab.hosts),
        "advice": lab.advice,
    }


def _print_data(value: dict[str, Any], output: str) -> None:
    if output == "json":
        click.echo(as_typed(json.dumps(value, indent=2)))
        return
    import yaml

    click.echo(yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False), nl=False)
