"""What is wrong in a user's file: collected first, told together."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from netlab.errors import SpecError

FieldPath = tuple[str | int, ...]
"""Where a value stands in its document: keys and list positions from the top."""

_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it."""

    line: int | None = None
    """Counted from 1; None for an object that came without a file."""
    path: str = ""
    """As ``spec.nodes[2].address``; empty when the whole document is meant."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the problem as one line of printable text, without its file.

        >>> str(Problem(path="spec.mtu", message="must be at most 9000", hint="try 1500"))
        'spec.mtu: must be at most 9000 (try 1500)'
        """
        where = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return _printable(f"{where}{self.message}{hint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document, or one JSON object, and the lines its fields came from."""

    value: object
    lines: Mapping[FieldPath, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but comments stood there."""
        return self.value is None

    def line(self, path: FieldPath) -> int | None:
        """Return the line of ``path``, or of the nearest field around it that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


class Report:
    """The problems of one document, in the order they were found."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def add(self, path: FieldPath, message: str, hint: str = "") -> None:
        """Note a problem with the field at ``path``."""
        line = self.document.line(path)
        self.problems.append(Problem(line=line, path=spell_path(path), message=message, hint=hint))


def spell_path(path: FieldPath) -> str:
    """Return ``path`` as Kubernetes writes it in its own messages.

    >>> spell_path(("spec", "nodes", 2, "labels", "example.com/rack"))
    'spec.nodes[2].labels[example.com/rack]'
    """
    text = ""
    for part in path:
        if isinstance(part, int) or "." in part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def invalid(value: object, why: str) -> str:
    """Return the message for a value that is wrong, in Kubernetes' form.

    >>> invalid("Web", "must be lower case")
    'Invalid value: "Web": must be lower case'
    """
    return f"Invalid value: {spell_value(value)}: {why}"


def spell_value(value: object) -> str:
    """Return ``value`` as JSON, cut where it grows longer than a message should.

    >>> spell_value(["a", None])
    '["a", null]'
    """
    spelt = json.dumps(value)
    return spelt if len(spelt) <= _LONGEST_VALUE else f"{spelt[: _LONGEST_VALUE - 3]}..."


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return a hint that names the known word most like ``word``; empty when none is close.

    Args:
        word: What was written; its case does not matter.
        known: What could have been meant.
        likeness: How alike they must be, from 0 (not at all) to 1 (equal).

    >>> nearest("adress", ["name", "address"])
    'did you mean "address"?'
    """
    by_folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_folded, n=1, cutoff=likeness)
    return f'did you mean "{by_folded[close[0]]}"?' if close else ""


def check_unique(values: Iterable[tuple[FieldPath, object]], report: Report) -> None:
    """Report each value that an earlier path has too.

    Missing and empty ones are no values, nor are lists and mappings, whose type is told elsewhere.
    """
    holders: dict[object, FieldPath] = {}
    for path, value in values:
        if value is None or value == "" or isinstance(value, list | dict):
            continue
        if value in holders:
            holder = holders[value]
            line = report.document.line(holder)
            hint = f"{spell_path(holder)} has it" + (f", on line {line}" if line else "")
            report.add(path, f'Duplicate value: "{value}"', hint)
        holders.setdefault(value, path)


def refuse(problems: Iterable[Problem], source: str) -> SpecError:
    """Return the error that tells every problem of ``source``, one a line, in the file's order."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
    return SpecError("\n".join(_located(problem, source) for problem in ordered))


def _printable(text: str) -> str:
    """Return ``text`` without what could move a terminal's cursor: escapes stand for it."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _located(problem: Problem, source: str) -> str:
    line = f":{problem.line}" if problem.line is not None else ""
    return f"{source}{line}: {problem}"
