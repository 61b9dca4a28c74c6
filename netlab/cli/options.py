"""Options that many commands share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netlab.cli.completion import complete_lab
from netlab.model.addresses import Family
from netlab.model.names import LAB_NAME

if TYPE_CHECKING:
    from netlab.model.topology import ManifestFile

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _checked(_context: click.Context, _parameter: click.Parameter, lab: str) -> str:
    if not LAB_NAME.fullmatch(lab):
        raise click.BadParameter(
            f"{lab!r} is no name of a lab: it has 1 to 32 lower case letters and digits"
        )
    return lab


def lab_option(command: _Command) -> _Command:
    """Add ``--lab NAME``, which the command gets as the argument ``lab``."""
    return click.option(
        "--lab",
        default="default",
        envvar="NETLAB_LAB",
        metavar="NAME",
        show_default=True,
        show_envvar=True,
        shell_complete=complete_lab,
        callback=_checked,
        help="The lab to speak to.",
    )(command)


def recursive_option(command: _Command) -> _Command:
    """Add ``-R``, which the command gets as the argument ``is_recursive``."""
    return click.option(
        "-R",
        "--recursive",
        "is_recursive",
        is_flag=True,
        help="Read the files of folders in folders, too.",
    )(command)


def strict_option(help_: str) -> Callable[[_Command], _Command]:
    """Return what adds ``--strict``, which the command gets as the argument ``is_strict``."""
    return click.option("--strict", "is_strict", is_flag=True, help=help_)


def say_left_out(file: "ManifestFile") -> None:
    """Say what of a file a lab has no use for, and what it will not act on."""
    for line in file.left_out:
        click.echo(f"Note: {line}", err=True)
    for line in file.warnings:
        click.echo(f"Warning: {line}", err=True)


def family_option(help_: str) -> Callable[[_Command], _Command]:
    """Return what adds ``--family``, ``-4`` and ``-6``; the command gets a Family or None."""
    families = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}

    def read(_context: object, _parameter: object, text: str | None) -> Family | None:
        return families[text] if text else None

    def add(command: _Command) -> _Command:
        choice = click.Choice(list(families))
        short = {"-4": "ipv4", "-6": "ipv6"}
        for flag, family in reversed(short.items()):
            said = f"As --family {family} does."
            command = click.option(flag, "family", flag_value=family, callback=read, help=said)(
                command
            )
        return click.option("--family", type=choice, callback=read, help=help_)(command)

    return add


def wireshark_profile_option(command: _Command) -> _Command:
    """Add ``--wireshark-profile DIR``, which the command gets as the argument ``profile``."""
    return click.option(
        "--wireshark-profile",
        "profile",
        default="",
        metavar="DIR",
        help="Write a Wireshark profile for such files to DIR, such as "
        "~/.config/wireshark/profiles/netlab: columns, colours, names.",
    )(command)


def write_wireshark_profile(directory: str) -> None:
    """Write the profile where one is wanted, and say how to use it."""
    from pathlib import Path

    from netlab.capture.wireshark_profile import write_profile

    if not directory:
        return
    path = Path(directory).expanduser().absolute()
    write_profile(path)
    use = f"wireshark -C {path.name}"
    if path.parent.name != "profiles":
        use = f"copy it to ~/.config/wireshark/profiles, then: {use}"
    click.echo(f"Wireshark profile: {path} ({use})", err=True)
