"""YAML text to plain values whose every field knows its line.

Theory of operation
-------------------
PyYAML's events are read one by one into dicts, lists and scalars, as its safe loader would, with
four differences that keep a file honest:

* a key that stands twice is a problem, where YAML loaders let the last one win;
* keys are strings, as in JSON, because Kubernetes objects travel as JSON;
* dates stay text, and so does ``22:22``, which YAML 1.1 would read as 1342;
* nesting and the number of values are bounded, aliases counted with all that they repeat, so that
  a few lines of anchors cannot stand for a billion values.

Problems of content are collected and reading goes on; a problem of form ends it.
"""

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader
from yaml.resolver import Resolver

from netlab.documents.problems import Document, FieldPath, Problem, spell_path

MAX_DEPTH: Final = 100
_TOO_DEEP: Final = f"values are nested more than {MAX_DEPTH} deep"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may hold; one that holds more is hardly the right one."""

    bytes: int
    values: int
    """Aliases included, with all that they repeat."""


ONE_LAB: Final = Limits(bytes=20_000_000, values=1_000_000)
"""A chart's custom resource definitions alone may be 4 MB."""
ONE_CLUSTER: Final = Limits(bytes=64_000_000, values=4_000_000)
"""Every Service and EndpointSlice of a large cluster, as kubectl prints them."""


_TAG: Final = "tag:yaml.org,2002:"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: about ten times quicker."""

_construct: Final = SafeConstructor()
_resolve: Final[Callable[..., str]] = Resolver().resolve


class _MalformedError(Exception):
    """Reading cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_documents(
    text: str | bytes, limits: Limits = ONE_LAB
) -> tuple[list[Document], list[Problem]]:
    """Return every document of ``text`` that is not empty, and what is wrong with the text.

    Documents are complete up to the first problem of form. A text without any document is a
    problem too.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        decoded = _decode(text, limits)
        # Extended as they come: what was read before a problem of form is kept.
        documents.extend(one for one in _documents(decoded, problems, limits) if not one.is_empty)
    except _MalformedError as error:
        problems.append(error.problem)
    except yaml.YAMLError as error:
        problems.append(_yaml_problem(error, text))
    if not documents and not problems:
        problems.append(Problem(message="the file is empty"))
    return documents, problems


def size_problem(size: int, limits: Limits) -> Problem:
    """Return what to say about a file of at least ``size`` bytes, which is too long to be read."""
    known = f": {size / 1e6:.0f} MB" if size > 2 * limits.bytes else ""
    message = f"the file is longer than {limits.bytes / 1e6:.0f} MB{known}"
    return Problem(message=message, hint="is it the right one?")


def _decode(text: str | bytes, limits: Limits) -> str:
    size = len(text)
    if size > limits.bytes:
        raise _MalformedError(size_problem(size, limits))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            message = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text"
            problem = Problem(line=line, message=message, hint="save the file as UTF-8")
            raise _MalformedError(problem) from error
    text = _apart(text)
    strange = Reader.NON_PRINTABLE.search(text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        message = f"character U+{ord(strange.group()):04X} cannot stand in YAML"
        raise _MalformedError(Problem(line=line, message=message))
    return text


def _apart(text: str) -> str:
    """Return a stream of JSON objects as documents of YAML, on the lines that they stand on.

    ``kubectl get -o json`` of several things and ``jq -c`` write one after the other.
    """
    if not text.lstrip().startswith("{"):
        return text
    decoder, ends, place = json.JSONDecoder(), [0], 0
    try:
        while place < len(text):
            _, place = decoder.raw_decode(text, place)
            while place < len(text) and text[place].isspace():
                place += 1
            ends.append(place)
    except (ValueError, RecursionError):
        # YAML's own form of a mapping, or no JSON; the reader of YAML says which.
        return text
    parts = [text[begin:end] for begin, end in pairwise(ends)]
    marks = ["", *("--- " if "\n" in part.rpartition("}")[2] else "\n--- " for part in parts)]
    return "".join(f"{mark}{part}" for mark, part in zip(marks, parts, strict=False))


def _yaml_problem(error: yaml.YAMLError, text: str | bytes) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [getattr(error, name, None) for name in ("context", "problem")]
    message = ", ".join(part for part in said if part) or str(error)
    line = mark.line + 1 if mark else None
    if "exceeded maximum nesting depth" in message:
        # libyaml has a limit of its own, 1,000, which it meets before any event is read.
        return Problem(line=line, message=_TOO_DEEP)
    hint = ""
    if mark and _is_indented_with_tab(text, mark.line):
        hint = "indent with spaces: YAML takes no tabs there"
    elif "mapping values are not allowed" in message:
        hint = "put a text that holds a colon and a space in quotes"
    return Problem(line=line, message=f"this is not YAML: {message}", hint=hint)


def _is_indented_with_tab(text: str | bytes, line: int) -> bool:
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else text).split("\n")
    wrong = lines[line] if line < len(lines) else ""
    return "\t" in wrong[: len(wrong) - len(wrong.lstrip())]


def _documents(text: str, problems: list[Problem], limits: Limits) -> Iterator[Document]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
    composer = _Composer(events, problems, limits.values)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            yield composer.document()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Anchor:
    value: object
    count: int
    height: int


class _Composer:
    """Builds values from events; the limits hold over all documents of a file."""

    def __init__(
        self, events: Iterator[yaml.Event], problems: list[Problem], max_values: int
    ) -> None:
        self._events = events
        self._problems = problems
        self._max_values = max_values
        self._values = 0
        self._anchors: dict[str, _Anchor] = {}
        self._lines: dict[FieldPath, int] = {}

    def document(self) -> Document:
        self._anchors = {}
        self._lines = {}
        return Document(value=self._value(next(self._events), ()), lines=self._lines)

    def _value(self, event: yaml.Event, path: FieldPath) -> object:
        self._lines.setdefault(path, _line(event))
        self._count(event, path, 1, 0)
        value: object
        match event:
            case yaml.AliasEvent():
                return self._alias(event, path)
            case yaml.MappingStartEvent():
                value = self._mapping(path)
            case yaml.SequenceStartEvent():
                value = self._sequence(path)
            case yaml.ScalarEvent():
                value = self._scalar(event, path)
            case _:
                raise _MalformedError(_problem(event, path, "this is not YAML"))
        anchor = getattr(event, "anchor", None)
        if anchor:
            count, height = _measure(value)
            self._anchors[anchor] = _Anchor(value=value, count=count, height=height)
        return value

    def _count(self, event: yaml.Event, path: FieldPath, count: int, height: int) -> None:
        self._values += count
        if self._values > self._max_values:
            message = f"the file holds more than {self._max_values:,} values, aliases included"
            raise _MalformedError(_problem(event, (), message))
        if len(path) + height > MAX_DEPTH:
            raise _MalformedError(_problem(event, (), _TOO_DEEP))

    def _alias(self, event: yaml.AliasEvent, path: FieldPath) -> object:
        anchor = self._anchors.get(event.anchor or "")
        if anchor is None:
            message = f"alias *{event.anchor} has no anchor &{event.anchor} that ends before it"
            self._problems.append(_problem(event, path, message))
            return None
        self._count(event, path, anchor.count, anchor.height)
        return copy.deepcopy(anchor.value)

    def _sequence(self, path: FieldPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: FieldPath) -> dict[str, object]:
        fields: dict[str, object] = {}
        merged: list[object] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if _is_merge(event):
                merged.append(self._value(next(self._events), (*path, "<<")))
                continue
            key = self._key(event, path)
            inside = (*path, key)
            if key in fields:
                message = f'"{key}" stands here twice, first on line {self._lines[inside]}'
                self._problems.append(_problem(event, inside, message, "remove one"))
                self._value(next(self._events), inside)
                continue
            self._lines[inside] = _line(event)
            fields[key] = self._value(next(self._events), inside)
        for source in merged:
            self._merge(fields, source, path)
        return fields

    def _merge(self, fields: dict[str, object], source: object, path: FieldPath) -> None:
        for one in source if isinstance(source, list) else [source]:
            if isinstance(one, dict):
                fields.update({key: one[key] for key in one.keys() - fields.keys()})
            else:
                line = self._lines[*path, "<<"]
                spelt = spell_path((*path, "<<"))
                message = "<< merges mappings only"
                self._problems.append(Problem(line=line, path=spelt, message=message))

    def _key(self, event: yaml.Event, path: FieldPath) -> str:
        value = self._value(event, (*path, "?"))
        del self._lines[*path, "?"]
        if isinstance(value, str):
            return value
        written = event.value if isinstance(event, yaml.ScalarEvent) else "a list or mapping"
        message = f"a key must be a string, but {written} is not"
        self._problems.append(_problem(event, path, message, "put it in quotes"))
        return str(written)

    def _scalar(self, event: yaml.ScalarEvent, path: FieldPath) -> object:
        tag = event.tag
        if tag is None or tag == "!":
            tag = _resolve(yaml.ScalarNode, event.value, event.implicit)
        read = _SCALARS.get(tag)
        if read is None:
            message = f"tag {tag.replace(_TAG, '!!')} is not for Kubernetes objects"
            self._problems.append(_problem(event, path, message))
            return event.value
        try:
            return read(event.value)
        except (ValueError, LookupError, OverflowError):
            message = f"{event.value[:40]!r} is not {tag.replace(_TAG, '!!')} as JSON knows it"
            self._problems.append(_problem(event, path, message))
            return None


def _problem(event: yaml.Event, path: FieldPath, message: str, hint: str = "") -> Problem:
    return Problem(line=_line(event), path=spell_path(path), message=message, hint=hint)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _is_merge(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _measure(value: object) -> tuple[int, int]:
    """Return how many values ``value`` is made of, and how deep they are nested."""
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not value:
        return 1, 0
    sizes = [_measure(one) for one in inside]  # type: ignore[attr-defined]
    return 1 + sum(count for count, _ in sizes), 1 + max(height for _, height in sizes)


def _integer(text: str) -> int | str:
    if ":" in text:
        return text
    number = int(_construct.construct_yaml_int(yaml.ScalarNode(_TAG + "int", text)))
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _float(text: str) -> float | str:
    if ":" in text:
        return text
    number = float(_construct.construct_yaml_float(yaml.ScalarNode(_TAG + "float", text)))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    return SafeConstructor.bool_values[text.lower()]


_SCALARS: Final[dict[str, Callable[[str], object]]] = {
    _TAG + "str": str,
    _TAG + "timestamp": str,
    _TAG + "value": str,
    _TAG + "merge": str,
    _TAG + "null": lambda _: None,
    _TAG + "bool": _boolean,
    _TAG + "int": _integer,
    _TAG + "float": _float,
}
