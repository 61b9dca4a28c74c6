"""``doctor``."""

import json
from dataclasses import asdict

import click

_UNABLE = 4


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
def doctor(output: str) -> int:
    """Try each thing a lab needs on this machine, and say what to install or load.

    Everything is tried in a namespace that is thrown away. Ends with exit code 4 when something is
    missing that no lab can do without.

    Example: sudo netlab doctor
    """
    from netlab.errors import HostError
    from netlab.lab.doctor_checks import check_machine
    from netlab.lab.trace_checks import check_trace_sources
    from netlab.rootless.enter import become_root

    try:
        become_root()
    except HostError as error:
        findings = list(check_machine(error))
    else:
        findings = [*check_machine(), *check_trace_sources()]
    if output == "json":
        found = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"schema": "netlab.doctor/1", "findings": found}, indent=2))
    else:
        for finding in findings:
            mark = "ok  " if finding.works else ("FAIL" if finding.is_needed else "warn")
            detail = f": {finding.detail}" if finding.detail else ""
            click.echo(f"{mark}  {finding.name}{detail}")
            if not finding.works and finding.hint:
                click.echo(f"      -> {finding.hint}")
    return 0 if all(finding.works or not finding.is_needed for finding in findings) else _UNABLE
