"""An experiment's findings as text: what the document says, what the kernel did, the path."""

import textwrap
from collections.abc import Sequence
from typing import Final

from netlab.render.path import Style, render_connection
from netlab.trace.findings import Finding

BOLD, RED, GREEN = "\x1b[1m", "\x1b[31m", "\x1b[32m"

_LABEL: Final = 10


def render_finding(number: int, finding: Finding, style: Style) -> str:
    """Return one step: the command, both sides, the verdict, the path and the lesson."""
    verdict = style.paint(GREEN, "PASS") if finding.holds else style.paint(RED, "FAIL")
    lines = [
        style.paint(BOLD, f"{number}. $ {finding.command}"),
        *_labelled("document", finding.document, style),
        *_labelled("kernel", finding.kernel, style),
        f"   {'':<{_LABEL}}{verdict}",
        "",
    ]
    path = "The caller's own routing refused it: no packet was sent.\n"
    if finding.connection is not None:
        path = render_connection(finding.connection, style, evidence=finding.evidence)
    return "\n".join([*lines, path, *_labelled("lesson", finding.lesson, style)]) + "\n"


def render_verdict(findings: Sequence[Finding]) -> str:
    """Return one sentence that sums the experiment up."""
    held = sum(finding.holds for finding in findings)
    if held == len(findings):
        return f"The kernel did what the document says in all {held} steps."
    return f"The kernel did what the document says in {held} of {len(findings)} steps."


def render_moral(moral: str, style: Style) -> str:
    """Return what there is to learn from the whole, as the last thing said."""
    words = textwrap.wrap(
        moral, style.width - 2, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return "\n".join([style.paint(BOLD, "What to remember"), *words]) + "\n"


def _labelled(label: str, text: str, style: Style) -> list[str]:
    return textwrap.wrap(
        text,
        style.width,
        initial_indent=f"   {label:<{_LABEL}}",
        subsequent_indent=" " * (3 + _LABEL),
        break_on_hyphens=False,
    )
