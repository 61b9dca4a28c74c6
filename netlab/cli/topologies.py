"""``validate``, ``schema``, ``topologies``: look at topology files; no root, no lab."""

import json
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from netlab.cli.completion import complete_topology
from netlab.cli.options import recursive_option, say_left_out, strict_option
from netlab.cli.terminal_width import line_width
from netlab.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netlab.model.topology import Manifest

_SCHEMAS: Final = ("topology", "trace", "matrix", "conntrack", "graph")


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_topology
)
@recursive_option
@strict_option("Refuse objects that a lab has no use for; else they are left out.")
def validate(files: tuple[str, ...], *, is_recursive: bool, is_strict: bool) -> None:
    """Check topology files and manifests without building anything.

    FILE is a path, a folder, the name of a built-in topology, or - for standard input. Every
    problem of every file is told, with its line and a hint.
    """
    complaints: list[str] = []
    for name in files:
        with _collected(complaints):
            for text, source in _texts(name, is_recursive=is_recursive):
                with _collected(complaints):
                    click.echo(_summary(text, source, is_strict=is_strict))
    if complaints:
        raise SpecError("\n".join(complaints))


@contextmanager
def _collected(complaints: list[str]) -> "Iterator[None]":
    """Go on after a file that is wrong, and keep what is."""
    try:
        yield
    except SpecError as error:
        complaints.append(f"{error} ({error.hint})" if error.hint else str(error))


def _texts(name: str, *, is_recursive: bool) -> list[tuple[bytes, str]]:
    from netlab.cli.manifest_files import read_files
    from netlab.lab.topologies import read_topology

    if Path(name).is_dir():
        return read_files([name], is_recursive=is_recursive)
    return [read_topology(name)]


@click.command()
@click.argument("what", type=click.Choice(_SCHEMAS), default="topology")
def schema(what: str) -> None:
    """Print a JSON schema: of topology files, for editors, or of what a command writes.

    WHAT is topology (the default), or a command whose `-o json` it describes: trace, matrix,
    conntrack, graph.
    """
    if what == "topology":
        from netlab.topology.schema import TOPOLOGY_SCHEMA

        found = TOPOLOGY_SCHEMA
    else:
        from importlib.resources import files

        text = files("netlab.render").joinpath(f"{what}.schema.json").read_text(encoding="utf-8")
        found = json.loads(text)
    click.echo(json.dumps(found, indent=2))


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
def topologies(output: str) -> None:
    """List the built-in topologies."""
    rows = _builtin()
    answer = {"schema": "netlab.topologies/1", "topologies": rows}
    match output:
        case "json":
            click.echo(json.dumps(answer, indent=2))
        case "yaml":
            import yaml

            click.echo(yaml.safe_dump(answer, sort_keys=False), nl=False)
        case _:
            from netlab.render.table import table

            titles = ("name", "nodes", "clients", "purpose")
            cells = [tuple(str(row[title]) for title in titles) for row in rows]
            click.echo(table(titles, cells, None if output == "wide" else line_width()))


def _summary(text: bytes, source: str, *, is_strict: bool) -> str:
    from netlab.model.topology import TopologyFile
    from netlab.topology.parse import parse_spec

    found = parse_spec(text, source, is_strict=is_strict)
    say_left_out(found)
    if not isinstance(found, TopologyFile):
        return f"{source}: {', '.join(_kinds(found.manifests)) or 'nothing for a lab'}"
    nodes, clients = len(found.topology.nodes), len(found.topology.clients)
    hosts = [_count(nodes, "node"), _count(clients, "client")]
    return f"{source}: {', '.join([*hosts, *_kinds(found.manifests)])}"


def _kinds(manifests: "Sequence[Manifest]") -> list[str]:
    counted = Counter(str(manifest["kind"]) for manifest in manifests)
    return [_count(number, kind) for kind, number in counted.items()]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 or word == 'Endpoints' else 's'}"


def _builtin() -> list[dict[str, object]]:
    from netlab.lab.topologies import builtin_names, purpose, read_topology
    from netlab.topology.parse import parse_topology

    rows: list[dict[str, object]] = []
    for name in builtin_names():
        text, source = read_topology(name)
        topology = parse_topology(text, source).topology
        rows.append(
            {
                "name": name,
                "nodes": len(topology.nodes),
                "clients": len(topology.clients),
                "purpose": purpose(text),
            }
        )
    return rows
