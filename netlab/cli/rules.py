"""``netlab rules``: what the kernel of a node holds, in words."""

import json

import click

from netlab.cli.completion import complete_host, complete_service
from netlab.cli.options import lab_option
from netlab.cli.terminal_width import line_width


@click.command()
@click.argument("node", shell_complete=complete_host)
@click.option(
    "--service",
    default="",
    metavar="NS/NAME",
    shell_complete=complete_service,
    help="Only the rules of this Service.",
)
@click.option("--explain", is_flag=True, help="Show each rule below its sentence.")
@click.option(
    "--diff", "is_diff", is_flag=True, help="Show where they are not what they should be."
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Form.")
@lab_option
def rules(node: str, service: str, explain: bool, is_diff: bool, output: str, lab: str) -> int:  # noqa: FBT001
    """Read the rules of NODE back and say each in a sentence.

    They are grouped by Service; the number is that of the packets a rule has counted, and - for one
    of kube-proxy's nftables mode, which does not count. With --diff,
    lines with - are missing from the kernel, lines with + are there but not netlab's; the exit
    code is then 1 when there is any.

    Example: sudo netlab rules node1 --service default/web --explain
    """
    if is_diff and (service or explain):
        raise click.UsageError(
            "--diff shows all rules; it goes with neither --service nor --explain"
        )
    from netlab.rootless.enter import become_root

    become_root()
    return _diff(lab, node, output) if is_diff else _show(lab, node, service, output, explain)


def _show(lab: str, node: str, service: str, output: str, explain: bool) -> int:  # noqa: FBT001
    from netlab.lab.rules import read_groups
    from netlab.render.rules import render_rules, rules_document

    groups = read_groups(lab, node, service)
    if output == "json":
        click.echo(json.dumps(rules_document(node, groups), indent=2))
    elif groups:
        click.echo(render_rules(groups, explain=explain, width=line_width()))
    else:
        click.echo(f"{node} holds no rule.", err=True)
    return 0


def _diff(lab: str, node: str, output: str) -> int:
    from netlab.client.rule_differences import read_differences
    from netlab.render.rules import differences_document, render_differences

    found = read_differences(lab, node)
    if output == "json":
        click.echo(json.dumps(differences_document(node, found), indent=2))
    elif found:
        click.echo(render_differences(found))
    else:
        click.echo(f"The rules of {node} are as they should be.", err=True)
    return 1 if found else 0
