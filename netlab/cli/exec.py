"""``exec`` and ``shell``."""

import os
from typing import Final

import click

from netlab.cli.completion import complete_host, complete_program
from netlab.cli.options import lab_option

_KUBECTLS: Final = frozenset({"-i", "-t", "-it", "-ti", "--stdin", "--tty"})
"""Flags of `kubectl exec`; here the command always has the streams and the terminal."""


class _Exec(click.Command):
    """``exec`` as hands type it: kubectl's flags may stand before the program, not in it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Without -- the host ends what is not the program's.
        hosts = (number for number, word in enumerate(args) if not word.startswith("-"))
        end = args.index("--") if "--" in args else next(hosts, len(args))
        own = [word for word in args[:end] if word not in _KUBECTLS]
        return super().parse_args(ctx, own + args[end:])


@click.command("exec", cls=_Exec, context_settings={"ignore_unknown_options": True})
@lab_option
@click.argument("host", shell_complete=complete_host)
@click.argument(
    "command",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    shell_complete=complete_program,
)
def exec_(lab: str, host: str, command: tuple[str, ...]) -> int:
    """Run COMMAND in HOST: client, router, a node, or a pod (web-1, or namespace/web-1).

    deploy/web stands for the first pod of Deployment web. The exit code, the terminal and the
    standard streams are the command's own, so -it needs not be said.

    Example: sudo netlab exec node1 -- ip route
    """
    from netlab.lab.exec import run_inside
    from netlab.rootless.enter import become_root

    become_root()
    return run_inside(lab, host, command, {})


@click.command()
@lab_option
@click.argument("host", shell_complete=complete_host)
def shell(lab: str, host: str) -> int:
    """Open a shell in HOST; its prompt says where you are.

    Example: sudo netlab shell node1
    """
    from netlab.lab.exec import run_inside
    from netlab.rootless.enter import become_root

    become_root()
    program = "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh"
    options = ["--norc", "--noprofile"] if program.endswith("bash") else []
    prompt = {"PS1": f"{lab}/{host}# "}
    return run_inside(lab, host, [program, *options, "-i"], prompt)
