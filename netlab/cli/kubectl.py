"""``kubeconfig`` and ``kubectl``."""

import os
from pathlib import Path

import click

from netlab.cli.options import lab_option


@click.command()
@lab_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["path", "raw"]),
    default="path",
    show_default=True,
    help="The path of the file, or what is in it.",
)
def kubeconfig(lab: str, output: str) -> None:
    """Print the path of the file that kubectl reads to find the lab.

    In a shell: export KUBECONFIG=$(sudo netlab kubeconfig)

    Example: sudo netlab kubeconfig
    """
    path = _find(lab)
    click.echo(path.read_text() if output == "raw" else path, nl=output != "raw")


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@lab_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def kubectl(lab: str, arguments: tuple[str, ...]) -> None:
    """Run kubectl against the lab, with ARGUMENTS of its own.

    It is the system's, or that of the extra: pip install 'netlab-k8s[kubectl]'

    Example: sudo netlab kubectl get pods -o wide
    """
    from netlab.client.kubectl import run_kubectl

    run_kubectl(_find(lab), arguments)


def _find(lab: str) -> Path:
    """Return the path of the kubeconfig; root's lab has one for the user who typed sudo, too."""
    from netlab.client.kubeconfig_file import find_kubeconfig
    from netlab.model.rundir import kubeconfig_file
    from netlab.rootless.enter import become_root
    from netlab.rootless.holder import find_holder

    if find_holder() is not None or not os.access(kubeconfig_file(lab), os.R_OK):
        become_root(home=False)
    return find_kubeconfig(lab)
