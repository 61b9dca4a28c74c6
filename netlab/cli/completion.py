"""What the shell offers when a user types TAB: the live names of a lab.

Completion runs while somebody types, as whoever they are. What it may not see it leaves out; it
never prints, and never fails.
"""

import os
from collections.abc import Callable, Iterable
from functools import wraps

import click
from click.shell_completion import CompletionItem

from netlab.errors import NetlabError

Names = list[str] | list[CompletionItem]
_Complete = Callable[[click.Context, click.Parameter, str], Names]


def silent(complete: Callable[[click.Context, str], Iterable[str]]) -> _Complete:
    """Return a completion that offers those of the names that fit, and nothing where it fails."""

    @wraps(complete)
    def offered(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
        del parameter
        try:
            _enter_own_labs()
            return [name for name in complete(context, begun) if name.startswith(begun)]
        except (NetlabError, OSError, KeyError):
            return []

    return offered


def _enter_own_labs() -> None:
    """Go where the labs of an ordinary user are; who has none may be about to type sudo."""
    from netlab.rootless.enter import become_root, is_root
    from netlab.rootless.holder import find_holder

    if not is_root() and find_holder() is not None:
        become_root()


def _lab(context: click.Context) -> str:
    return str(context.params.get("lab") or os.environ.get("NETLAB_LAB") or "default")


def _hosts(lab: str) -> list[str]:
    from netlab.client.hosts import names_of_hosts

    return names_of_hosts(lab)


def _objects(lab: str, word: str, namespace: str = "") -> list[tuple[str, str]]:
    """Return namespace and name of every object of a resource, as the lab's API lists them."""
    from netlab.client.api_client import Client
    from netlab.kube.objects import name_of, namespace_of
    from netlab.kube.resources import resource_named
    from netlab.model.rundir import control_socket

    resource = resource_named(word)
    if resource is None:
        return []
    found = Client(control_socket(lab)).list_(resource.path(namespace))
    return [(namespace_of(one), name_of(one)) for one in found]


@silent
def complete_lab(context: click.Context, begun: str) -> Iterable[str]:
    """Offer the labs of this machine."""
    from netlab.linux import netns_names

    del context, begun
    return netns_names.labs()


@silent
def complete_host(context: click.Context, begun: str) -> Iterable[str]:
    """Offer the hosts of the lab; the kernel knows them."""
    del begun
    return _hosts(_lab(context))


@silent
def complete_demo(context: click.Context, begun: str) -> Iterable[str]:
    """Offer the experiments."""
    from netlab.lab.demo.experiments import EXPERIMENTS

    del context, begun
    return [experiment.name for experiment in EXPERIMENTS]


@silent
def complete_service(context: click.Context, begun: str) -> Iterable[str]:
    """Offer every Service as NAMESPACE/NAME."""
    del begun
    return ["/".join(found) for found in _objects(_lab(context), "services")]


def complete_trace(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
    """Offer the hosts that a trace may start from, then what it may call."""
    if not context.params.get("words"):
        return complete_host(context, parameter, begun)
    return _complete_target(context, parameter, begun)


@silent
def _complete_target(context: click.Context, begun: str) -> Iterable[str]:
    scheme = begun.partition("://")[0] if "://" in begun else "http"
    lab = _lab(context)
    names = [*_hosts(lab), *(name for _, name in _objects(lab, "services", "default"))]
    return [f"{scheme}://{name}" for name in names]


@silent
def complete_kind(context: click.Context, begun: str) -> Iterable[str]:
    """Offer what the API calls its kinds, ``all``, and after a slash the objects' names."""
    from netlab.kube.resources import RESOURCES

    kinds, slash, _ = begun.partition("/")
    if slash:
        found = _objects(_lab(context), kinds, str(context.params.get("namespace") or "default"))
        return [f"{kinds}/{name}" for _, name in found]
    before, comma, _ = begun.rpartition(",")
    return [before + comma + name for name in (*RESOURCES, "all")]


@silent
def complete_object(context: click.Context, begun: str) -> Iterable[str]:
    """Offer the objects of the kind that was typed before."""
    del begun
    kind = str(context.params.get("kind") or "")
    namespace = str(context.params.get("namespace") or "default")
    return [name for _, name in _objects(_lab(context), kind, namespace)]


def complete_topology(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
    """Offer the built-in topologies, and files where what was typed is the start of none."""
    from netlab.lab.topologies import builtin_names

    names = [name for name in builtin_names() if name.startswith(begun)]
    return names or complete_file(context, parameter, begun)


def complete_file(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
    """Have the shell offer files."""
    del context, parameter
    return [CompletionItem(begun, type="file")]


def complete_program(context: click.Context, parameter: click.Parameter, begun: str) -> Names:
    """Offer the programs on the PATH for the first word, and files for all after it."""
    if context.params.get("command"):
        return complete_file(context, parameter, begun)
    return _complete_path(context, parameter, begun)


@silent
def _complete_path(context: click.Context, begun: str) -> Iterable[str]:
    del context, begun
    directories = [path for path in os.get_exec_path() if os.path.isdir(path)]  # noqa: PTH112
    return sorted({name for directory in directories for name in os.listdir(directory)})  # noqa: PTH208
