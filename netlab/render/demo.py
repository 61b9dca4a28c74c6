"""An experiment's findings as text: what is expected, what the kernel did, the path, the lesson."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from netlab.render.trace.tree import BOLD, GREEN, PLAIN, RED, TraceStyle, render_trace
from netlab.trace.trace import Trace

_LABEL: Final = 10


DOCUMENT, NETLAB = "document", "netlab"
"""Who says what is to be expected: the tutorial, or netlab where the tutorial does not speak of it
or is too short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of an experiment, held against what is expected of it."""

    command: str
    """What a person would type."""
    said_by: str
    """``document`` or ``netlab``."""
    statement: str
    """What is expected."""
    kernel: str
    """What the kernel did."""
    holds: bool
    """Whether that is the same."""
    trace: Trace
    lesson: str


def render_step(number: int, step: Step, style: TraceStyle, *, is_drawn: bool = True) -> str:
    """Return one step: the command, both sides, whether they agree, the path and the lesson.

    Without the drawing there is neither path nor lesson.
    """
    verdict = _paint(style, GREEN, "PASS") if step.holds else _paint(style, RED, "FAIL")
    lines = [
        _paint(style, BOLD, f"{number}. $ {step.command}"),
        *_labelled(step.said_by, step.statement, style),
        *_labelled("kernel", step.kernel, style),
        f"   {'':<{_LABEL}}{verdict}",
    ]
    if is_drawn:
        lines += ["", render_trace(step.trace, style), *_labelled("lesson", step.lesson, style)]
    return "\n".join(lines) + "\n"


def render_summary(steps: Iterable[Step]) -> str:
    """Return one sentence that sums the experiment up."""
    found = list(steps)
    of_document = [step.holds for step in found if step.said_by == DOCUMENT]
    others = [step.holds for step in found if step.said_by != DOCUMENT]
    said = [
        f"what {who} in {_of(sum(held), len(held))}"
        for who, held in (("the document says", of_document), ("netlab expects", others))
        if held
    ]
    return f"The kernel did {', and '.join(said)}."


def render_put_back(put_back: Iterable[str], style: TraceStyle) -> str:
    """Return what is otherwise now than when the commands were run; nothing where nothing is."""
    found = list(put_back)
    if not found:
        return ""
    text = f"The commands above were run before all was put back: {', '.join(found)}."
    return "\n".join(textwrap.wrap(text, style.width, break_on_hyphens=False)) + "\n"


def render_closing(closing: str, style: TraceStyle) -> str:
    """Return what there is to remember, as the last thing said."""
    words = textwrap.wrap(
        closing,
        style.width - 2,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return "\n".join([_paint(style, BOLD, "What to remember"), *words]) + "\n"


def _of(held: int, total: int) -> str:
    steps = f"step{'' if total == 1 else 's'}"
    return f"all {total} {steps}" if held == total else f"{held} of {total} {steps}"


def _paint(style: TraceStyle, code: str, text: str) -> str:
    return f"{code}{text}{PLAIN}" if style.colour else text


def _labelled(label: str, text: str, style: TraceStyle) -> list[str]:
    return textwrap.wrap(
        text,
        style.width,
        initial_indent=f"   {label:<{_LABEL}}",
        subsequent_indent=" " * (3 + _LABEL),
        break_on_hyphens=False,
    )
