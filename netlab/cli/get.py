"""``netlab get``: objects as kubectl shows them, in the server's own columns."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from netlab.cli.completion import complete_kind, complete_object
from netlab.cli.object_names import namespace_option, resources_named, split_names
from netlab.cli.options import lab_option
from netlab.client.api_client import Client
from netlab.errors import SpecError
from netlab.kube.objects import Object, metadata_of, name_of
from netlab.kube.resources import Resource, resource_of
from netlab.model.rundir import control_socket
from netlab.rootless.enter import become_root

_KUBECTLS_FORMS: Final = ("jsonpath", "go-template", "custom-columns", "template", "kyaml")


class _Form(click.Choice[str]):
    """A form of the answer; of those that kubectl alone has it says so."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value.startswith(_KUBECTLS_FORMS):
            self.fail(f"kubectl has this form: sudo netlab kubectl get ... -o {shlex.quote(value)}")
        return str(super().convert(value, param, ctx))


@click.command()
@click.argument("kind", shell_complete=complete_kind)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_object)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option("-l", "--selector", default="", help="Labels, such as app=web,tier!=test.")
@click.option(
    "-o",
    "--output",
    type=_Form(["table", "wide", "json", "yaml", "name"]),
    default="table",
    show_default=True,
    help="How to show them.",
)
@click.option("-w", "--watch", is_flag=True, help="Go on with every change of them.")
@lab_option
def get(**options: Any) -> None:  # noqa: ANN401 click's own
    """Show Kubernetes objects: `get pods`, `get svc web -o json`, `get all,endpointslices`."""
    wanted = _Wanted(**options)
    if wanted.names and not wanted.namespace:
        raise SpecError("a name belongs to one namespace", hint="leave out -A, or the name")
    match wanted.output:
        case "table" | "wide":
            _show_tables(wanted)
        case _:
            _show_objects(wanted)


class _Wanted:
    """What `get` is asked for."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 click's own
        become_root()
        self.client = Client(control_socket(options["lab"]))
        kinds, self.names = split_names(options["kind"], options["names"])
        self.resources = resources_named(kinds)
        self.has_one_kind = len(self.resources) == 1
        self.namespace = "" if options["all_namespaces"] else str(options["namespace"])
        self.selector = str(options["selector"])
        self.output = str(options["output"])
        self.is_watch = bool(options["watch"])
        if self.is_watch and not self.has_one_kind:
            raise click.UsageError("-w watches one kind")
        if self.is_watch and self.output not in {"table", "wide"}:
            raise click.UsageError("-w shows a table")

    def query(self, **more: str) -> dict[str, str]:
        """Return the query of a request for what is wanted."""
        return ({"labelSelector": self.selector} if self.selector else {}) | more

    def objects(self, resource: Resource) -> list[Object]:
        """Return the objects of one resource."""
        if self.names:
            paths = [resource.path(self.namespace, name) for name in self.names]
            return [self.client.get(path) for path in paths]
        return self.client.list_(resource.path(self.namespace), self.query())

    def tables(self, resource: Resource) -> Object:
        """Return the table of one resource; of several names, one with all rows."""
        if not self.names:
            return self.client.table(resource.path(self.namespace), self.query())
        paths = [resource.path(self.namespace, name) for name in self.names]
        tables = [self.client.table(path) for path in paths]
        return {**tables[0], "rows": [row for one in tables for row in one["rows"]]}


def _show_tables(wanted: _Wanted) -> None:
    from netlab.render.objects import ObjectTable

    found = [(resource, wanted.tables(resource)) for resource in wanted.resources]
    texts = []
    for resource, table in found:
        shown = ObjectTable(
            table["columnDefinitions"],
            is_wide=wanted.output == "wide",
            with_namespace=resource.namespaced and not wanted.namespace,
            prefix="" if wanted.has_one_kind else f"{resource.typed}/",
        )
        if table["rows"]:
            texts.append(shown.text(table["rows"]))
        if wanted.is_watch:
            print("\n".join(texts), end="\n" if texts else "", flush=True)
            for rows in _changes(wanted, resource, metadata_of(table)["resourceVersion"]):
                print(shown.text(rows, with_head=not texts), flush=True)
                texts.append("")
            return
    if texts:
        print("\n\n".join(texts))
        _print_notes(wanted)
    else:
        where = f"in {wanted.namespace} namespace." if wanted.namespace else ""
        print(f"No resources found {where}".rstrip(), file=sys.stderr)


def _print_notes(wanted: _Wanted) -> None:
    """Say which images are stood in for, beside the rows of pods."""
    from netlab.render.pod_notes import stand_in_lines

    for resource in wanted.resources:
        if resource.kind == "Pod":
            for line in stand_in_lines(wanted.objects(resource)):
                print(f"Note: {line}", file=sys.stderr)


def _changes(wanted: _Wanted, resource: Resource, version: str) -> Iterator[Sequence[Object]]:
    """Yield the rows of each change from a version on."""
    query = wanted.query(watch="true", resourceVersion=version)
    for event in wanted.client.watch_table(resource.path(wanted.namespace), query):
        rows: list[Object] = event["object"].get("rows") or []
        names = [name_of(row["object"]) for row in rows]
        if rows and (not wanted.names or set(names) & set(wanted.names)):
            yield rows


def _show_objects(wanted: _Wanted) -> None:
    objects = [obj for one in wanted.resources for obj in wanted.objects(one)]
    if wanted.output == "name":
        for obj in objects:
            print(f"{resource_of(obj).typed}/{name_of(obj)}")
        return
    objects = [_without_managers(obj) for obj in objects]
    is_one = len(wanted.names) == 1 and wanted.has_one_kind
    print(_document(objects[0] if is_one else _list(objects), wanted.output))


def _without_managers(obj: Object) -> Object:
    """Return an object without who owns which field, as kubectl shows it."""
    metadata = {key: one for key, one in metadata_of(obj).items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _list(objects: Sequence[Object]) -> Object:
    return {
        "apiVersion": "v1",
        "items": list(objects),
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def _document(obj: Object, output: str) -> str:
    if output == "json":
        return json.dumps(obj, indent=4)
    import yaml

    return str(yaml.safe_dump(obj, sort_keys=False, allow_unicode=True)).rstrip()
