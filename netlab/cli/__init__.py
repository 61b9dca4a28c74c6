"""The command line: parse, call, print.

Each command lives in a module of its own and is imported when it is called or asked for help, so
that ``netlab --help`` loads none of the libraries that commands use. Here failures become
sentences and exit codes.
"""

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import click

from netlab import __version__
from netlab.cli.ascii_forms import use_ascii_forms
from netlab.errors import HostError, NetlabError

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "up": ("life:up", "Build a lab, or bring a running one to a topology."),
    "down": ("life:down", "Remove everything of a lab."),
    "reset": ("life:reset", "Build a lab anew from the topology it has."),
    "status": ("status:status", "Show a lab: hosts, processes, Services."),
    "list": ("status:list_", "List the labs of this machine."),
    "demo": ("demo:demo", "Run and explain an experiment of the tutorials."),
    "matrix": ("matrix:matrix", "Who calls what, and the address the pod saw."),
    "trace": ("trace:trace", "The true path of one connection, and the rules that decided."),
    "capture": ("capture:capture", "Packets at any points of the lab, in one annotated file."),
    "graph": ("graph:graph", "Draw the lab: text, Mermaid, dot, SVG."),
    "conntrack": (
        "conntrack:conntrack",
        "The connections a host tracks, and their NAT.",
    ),
    "rules": ("rules:rules", "What a node's rules say, in words, with counters."),
    "exec": ("exec:exec_", "Run a command in a host of the lab."),
    "shell": ("exec:shell", "Open a shell in a host of the lab."),
    "logs": ("logs:logs", "Print what a pod has written."),
    "get": ("get:get", "Show Kubernetes objects."),
    "apply": ("objects:apply", "Create or change objects from a file."),
    "delete": ("objects:delete", "Delete objects."),
    "scale": ("objects:scale", "Set the number of replicas."),
    "patch": ("objects:patch", "Change fields of an object."),
    "kubeconfig": ("kubectl:kubeconfig", "Print the path of the file kubectl finds the lab by."),
    "kubectl": ("kubectl:kubectl", "Run kubectl against the lab."),
    "compile": ("compile:compile_", "Print the rules kube-proxy would load; offline, no root."),
    "predict": ("predict:predict", "What would become of a packet; offline, no root."),
    "images": ("images:images", "List what container images run."),
    "topologies": ("topologies:topologies", "List the built-in topologies."),
    "validate": ("topologies:validate", "Check topology files, without root."),
    "schema": ("topologies:schema", "Print the JSON schema of topology files, or of a trace."),
    "doctor": ("doctor:doctor", "Try each thing a lab needs on this machine."),
    "help": ("help:help_", "Show the help of a command."),
}
"""Module and attribute of each command, and its line of help; in the order of the help."""

_KUBECTLS: Final = frozenset(
    {"annotate", "attach", "cordon", "cp", "create", "debug", "describe", "diff", "drain", "edit"}
    | {"events", "explain", "expose", "label", "logs", "port-forward", "replace", "rollout", "run"}
    | {"set", "taint", "uncordon", "wait", "api-resources"}
)
"""Verbs of kubectl's that hands type here."""

_INTERRUPTED: Final = 130
_BUG: Final = 70
_NO_FILES: Final = {errno.EMFILE, errno.ENFILE}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _ReaderLeftError(Exception):
    """Nobody reads standard output any more; Click would make exit code 1 of a BrokenPipeError."""


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeftError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"netlab.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 (the table above)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            if name in _KUBECTLS:
                hint = f" kubectl has it: sudo netlab kubectl {' '.join(args)}"
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.version_option(__version__, prog_name="netlab")
def netlab() -> None:
    """Lay a Kubernetes Service network in one Linux kernel, and watch its packets.

    First steps: sudo netlab up; sudo netlab demo nodeport; sudo netlab down
    """


def main() -> NoReturn:
    """Run the command line and end the process with the exit code of what happened."""
    _open_what_is_closed()
    use_ascii_forms()
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        result: Any = netlab.main(arguments, prog_name=_called_as(), standalone_mode=False)
    except NetlabError as error:
        return _tell(error)
    except (click.ClickException, click.Abort, click.exceptions.Exit) as error:
        return _tell_click(error)
    except _ReaderLeftError:
        _write_no_more()
        return 0
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 (a bug of ours is told, too)
        return _tell_other(error)
    return result if isinstance(result, int) else 0


def _called_as() -> str:
    """Return the name that help and completion go by: another tool may be called netlab, too."""
    return "k8s-netlab" if os.path.basename(sys.argv[0]) == "k8s-netlab" else "netlab"  # noqa: PTH119 (imports pathlib)


def _open_what_is_closed() -> None:
    """Have /dev/null for standard streams that are closed: else the next file takes their place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            if nowhere != number:
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode))


def _write_no_more() -> None:
    """Keep Python from trying to flush the rest: who read it has left, or there is no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _tell_other(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    # A file has a name; standard output has none.
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        _write_no_more()
        return _tell(HostError(f"cannot write the answer: {error.strerror}"))
    if isinstance(error, OSError) and error.errno in _NO_FILES:
        return _tell(_too_few_descriptors())
    traceback.print_exc()
    print("This is a bug in netlab; a report needs the lines above.", file=sys.stderr)
    return _BUG


def _too_few_descriptors() -> HostError:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return HostError(
        f"too few files may be open: this process may have {soft}",
        hint="ulimit -n 1024 allows more in this shell, where its hard limit does",
    )


def _tell(error: NetlabError) -> int:
    from netlab.cli.typed_commands import as_typed

    print(f"Error: {_shown(as_typed(str(error)))}", file=sys.stderr)
    if error.hint:
        print(f"Hint: {_shown(as_typed(error.hint))}", file=sys.stderr)
    return error.exit_code


def _shown(text: str) -> str:
    """Return a message, of several lines perhaps, that moves no cursor and changes no colour."""
    from netlab.render.printable import printable

    return "\n".join(map(printable, text.split("\n")))


def _tell_click(error: click.ClickException | click.Abort | click.exceptions.Exit) -> int:
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    print("interrupted", file=sys.stderr)
    return _INTERRUPTED
