"""``netlab help COMMAND``, which is what hands type."""

import click


@click.command("help")
@click.argument("command", required=False)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Show the help of COMMAND, as `netlab COMMAND --help` does; without it the list of commands.

    Example: netlab help trace
    """
    group = context.parent
    assert group is not None and isinstance(group.command, click.Group)  # noqa: S101, PT018
    if command is None:
        click.echo(group.get_help())
        return
    found = group.command.get_command(group, command)
    if found is None:
        group.command.resolve_command(group, [command])  # says what is near
        return
    click.echo(found.get_help(click.Context(found, info_name=command, parent=group)))
