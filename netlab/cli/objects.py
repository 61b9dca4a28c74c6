"""The small Kubernetes verbs that change objects: apply, delete, scale, patch.

They speak to the lab's API as kubectl does, and print what kubectl prints.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from netlab.cli.completion import complete_file, complete_kind, complete_object
from netlab.cli.object_names import namespace_option, resources_named, split_names
from netlab.cli.options import lab_option, recursive_option, say_left_out, strict_option
from netlab.client.api_client import Client
from netlab.errors import LabError, SpecError
from netlab.kube.ignored_fields import warnings_of
from netlab.kube.objects import Object, name_of, namespace_of, uid_of, with_metadata
from netlab.kube.resources import (
    Resource,
    resource_named,
    resource_of,
)
from netlab.kube.status import StatusError
from netlab.linux.timeouts import scaled
from netlab.model.rundir import control_socket
from netlab.rootless.enter import become_root

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PATCH_TYPES: Final = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}

_GONE_WITHIN_S: Final = 60.0
_POLL_S: Final = 0.05


def _files_option(*, required: bool) -> Callable[[_Command], _Command]:
    return click.option(
        "-f",
        "--filename",
        "files",
        multiple=True,
        required=required,
        metavar="FILE",
        shell_complete=complete_file,
        help="Manifests, or a folder of such; - is stdin. May be given several times.",
    )


@click.command()
@_files_option(required=True)
@recursive_option
@strict_option("Refuse objects that a lab has no use for; else they are left out.")
@namespace_option
@lab_option
def apply(**options: Any) -> None:  # noqa: ANN401 click's own
    """Create or change what files of manifests describe.

    An object that is refused stops no other; the exit code is 3 then.
    """
    from netlab.client.apply import Refused, apply_manifests

    manifests, refused = _manifests(options, is_partial=True)
    become_root()
    for one in apply_manifests(Client(control_socket(options["lab"])), manifests):
        if isinstance(one, Refused):
            refused.append(str(one))
            continue
        print(one, flush=True)
        _say_warnings(one.warnings, manifests)
    if refused:
        raise SpecError("\n".join(refused))


def _say_warnings(warnings: Sequence[str], manifests: Sequence[Object]) -> None:
    """Say what the server warns of, but for what was said when the file was read."""
    said = {line for one in manifests for line in warnings_of([one])} if warnings else set()
    for line in warnings:
        if line not in said:
            click.echo(f"Warning: {line}", err=True)


@click.command()
@click.argument("kind", required=False, shell_complete=complete_kind)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_object)
@_files_option(required=False)
@recursive_option
@click.option("--grace-period", type=click.IntRange(min=0), help="Seconds a pod may take to end.")
@click.option("--wait/--no-wait", default=True, help="Return when the objects are gone.")
@namespace_option
@lab_option
def delete(**options: Any) -> None:  # noqa: ANN401 click's own
    """Delete objects by name, or those that a file names."""
    become_root()
    client = Client(control_socket(options["lab"]))
    grace = options["grace_period"]
    body = {"propagationPolicy": "Background"} | (
        {} if grace is None else {"gracePeriodSeconds": grace}
    )
    deleted, refused = [], []
    for resource, namespace, name in _to_delete(options):
        path = resource.path(namespace, name)
        try:
            uid = uid_of(client.get(path))
            client.delete(path, body)
        except StatusError as refusal:
            refused.append(str(refusal))
            continue
        deleted.append((path, uid))
        print(f'{resource.typed} "{name}" deleted')
    if options["wait"]:
        for path, uid in deleted:
            _await_gone(client, path, uid)
    if refused:
        raise SpecError("\n".join(refused))


def _to_delete(options: dict[str, Any]) -> list[tuple[Resource, str, str]]:
    namespace = options["namespace"]
    if options["files"]:
        if options["kind"]:
            raise click.UsageError("give either objects or -f FILE, not both")
        manifests, _ = _manifests(options, is_partial=False)
        return [(resource_of(one), namespace_of(one), name_of(one)) for one in manifests]
    if not options["kind"]:
        raise click.UsageError("give KIND NAME, or -f FILE")
    kinds, names = split_names(options["kind"], options["names"])
    if not names:
        raise click.UsageError(f"give the name of what to delete: {kinds} NAME")
    return [(resource, namespace, name) for resource in resources_named(kinds) for name in names]


def _await_gone(client: Client, path: str, uid: str) -> None:
    end = time.monotonic() + scaled(_GONE_WITHIN_S)
    while (found := _find(client, path)) is not None and uid_of(found) == uid:
        if time.monotonic() > end:
            raise LabError(f"{path} is still there after {scaled(_GONE_WITHIN_S):.0f} s")
        time.sleep(_POLL_S)


@click.command()
@click.argument("kind", shell_complete=complete_kind)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_object)
@click.option("--replicas", type=click.IntRange(min=0), required=True, help="How many pods.")
@namespace_option
@lab_option
def scale(kind: str, names: tuple[str, ...], replicas: int, namespace: str, lab: str) -> None:
    """Set the replicas of a Deployment or ReplicaSet: `scale deploy/web --replicas 3`."""
    become_root()
    client = Client(control_socket(lab))
    for resource, name in _named(kind, names):
        if "scale" not in resource.subresources:
            raise SpecError(f"a {resource.kind} cannot be scaled", hint="scale a Deployment")
        path = resource.path(namespace, name, "scale")
        client.patch(path, {"spec": {"replicas": replicas}}, _PATCH_TYPES["merge"])
        print(f"{resource.typed}/{name} scaled")


@click.command()
@click.argument("kind", shell_complete=complete_kind)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_object)
@click.option("-p", "--patch", "text", required=True, metavar="JSON", help="The patch; YAML too.")
@click.option("--type", "type_", type=click.Choice(list(_PATCH_TYPES)), default="strategic")
@click.option(
    "--subresource",
    type=click.Choice(["status", "scale"]),
    help="Change this part of the object; a status is changed in no other way.",
)
@namespace_option
@lab_option
def patch(**options: Any) -> None:  # noqa: ANN401 click's own
    """Change fields of an object: `patch svc web -p '{"spec":{"type":"NodePort"}}'`.

    Give a Service a load balancer's address by hand: `patch svc web --subresource status -p
    '{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.10"}]}}}'`.
    """
    become_root()
    client = Client(control_socket(options["lab"]))
    body = _patch_body(options["text"])
    part = options["subresource"] or ""
    for resource, name in _named(options["kind"], options["names"]):
        if part and part not in resource.subresources:
            raise SpecError(f"a {resource.kind} has no subresource {part}")
        path = resource.path(options["namespace"], name, part)
        before = client.get(path)["metadata"]["resourceVersion"]
        after = client.patch(path, body, _PATCH_TYPES[options["type_"]])
        same = after["metadata"]["resourceVersion"] == before
        print(f"{resource.typed}/{name} patched{' (no change)' if same else ''}")


def _patch_body(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError(f"the patch is neither JSON nor YAML: {error}") from error


def _named(kind: str, names: Sequence[str]) -> list[tuple[Resource, str]]:
    kinds, found = split_names(kind, names)
    if not found:
        raise click.UsageError(f"give kind and name: {_example(kinds)}")
    return [(resource, name) for resource in resources_named(kinds) for name in found]


def _example(word: str) -> str:
    """Return how what was probably meant is written: ``web`` alone is a name without a kind."""
    return f"{word}/NAME" if word == "all" or resource_named(word) else f"deploy/{word}"


def _manifests(options: dict[str, Any], *, is_partial: bool) -> tuple[list[Object], list[str]]:
    """Return the objects of all files that were named, once every file has been read.

    With ``is_partial`` what is wrong with others of their objects, or with other files, is returned
    beside them, where it is an error otherwise.
    """
    from netlab.cli.manifest_files import read_files
    from netlab.model.topology import TopologyFile
    from netlab.topology.parse import parse_spec

    is_strict = options.get("is_strict", False)
    manifests: list[Object] = []
    complaints = []
    for text, source in read_files(options["files"], is_recursive=options["is_recursive"]):
        try:
            file = parse_spec(text, source, is_strict=is_strict, is_partial=is_partial)
        except SpecError as error:
            complaints.append(str(error))
            continue
        if isinstance(file, TopologyFile):
            click.echo(f"Note: the Topology left out: netlab up {source} builds it", err=True)
        say_left_out(file)
        complaints += [file.refused] if file.refused else []
        manifests += (_in_namespace(one, options["namespace"]) for one in file.manifests)
    if complaints and not is_partial:
        raise SpecError("\n".join(complaints))
    return manifests, complaints


def _in_namespace(manifest: Object, namespace: str) -> Object:
    if not resource_of(manifest).namespaced or namespace_of(manifest):
        return manifest
    return with_metadata(manifest, namespace=namespace)


def _find(client: Client, path: str) -> Object | None:
    try:
        return client.get(path)
    except StatusError as refusal:
        if refusal.reason != "NotFound":
            raise
        return None
