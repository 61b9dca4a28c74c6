"""Objects that clients send as protobuf, decoded into the form they have in JSON.

Theory of operation
-------------------
kubectl's ``create`` commands, and all typed clients, send objects as protobuf from 1.32 on and have
no other form to fall back to. A body is four bytes of magic and an envelope (``runtime.Unknown``):
apiVersion and kind, then the object's own bytes. Its fields have the numbers of the public
``generated.proto`` files, which never change; ``protobuf_fields.json`` has them for every kind that
clients send (``scripts/protobuf_fields.py`` writes it), each with its JSON name and its Go type.

Go writes every field that is no pointer, empty or not. In JSON most of these are left out, so a
zero is dropped here unless the field is a pointer (``replicas: 0``, ``emptyDir: {}``), and an
inlined struct gives its fields to the one around it. A field that the table lacks is refused: what
a user asked for is never dropped.

Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf, k8s.io/apimachinery/pkg/apis/meta/v1.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from netlab.errors import SpecError

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"

_MAGIC: Final = b"k8s\0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_META: Final = "meta/v1."
_META_KINDS: Final = {"DeleteOptions", "CreateOptions"}
"""Kinds that every group has; they are those of ``meta/v1``."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types."""


class ProtobufError(SpecError):
    """A body is no protobuf of Kubernetes', or has a field that is not known here."""


def decode(body: bytes) -> dict[str, Any]:
    """Return the object in a body as JSON has it.

    Raises:
        ProtobufError: The body is cut off, malformed, of an unknown kind, or has unknown fields.
    """
    if not body.startswith(_MAGIC):
        raise ProtobufError("the body does not begin with the magic of Kubernetes' protobuf")
    try:
        envelope = dict(_wire_fields(body[len(_MAGIC) :]))
        type_meta = dict(_wire_fields(_as_bytes(envelope.get(1, b""))))
        api_version = _as_bytes(type_meta.get(1, b"")).decode()
        kind = _as_bytes(type_meta.get(2, b"")).decode()
        name = _type_name(api_version, kind)
        return {
            "apiVersion": api_version,
            "kind": kind,
            **_message(name, _as_bytes(envelope.get(2, b"")), kind),
        }
    except (IndexError, UnicodeDecodeError, OverflowError) as error:
        raise ProtobufError("the body is no valid protobuf") from error


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    text = files("netlab.kube").joinpath("protobuf_fields.json").read_text()
    table: Mapping[str, Mapping[str, str]] = json.loads(text)
    return table


def _type_name(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    # rbac.authorization.k8s.io is the package rbac, the group of pods has no name.
    package = group.partition(".")[0] or "core"
    name = f"{_META}{kind}" if kind in _META_KINDS else f"{package}/{version}.{kind}"
    if name not in _table():
        raise ProtobufError(f"no kind {kind!r} of {api_version!r} can be decoded from protobuf")
    return name


def _wire_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire_type = tag & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if wire_type == _BYTES:
            length, at = _varint(message, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ProtobufError(f"the body has a field of wire type {wire_type}")
        if at + length > len(message):
            raise ProtobufError("the body is cut off")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ProtobufError("the body has a number of more than 64 bits")


def _message(type_name: str, message: bytes, path: str) -> dict[str, Any]:
    fields = _table()[type_name]
    found: dict[str, Any] = {}
    for number, wire_value in _wire_fields(message):
        if str(number) not in fields:
            raise ProtobufError(f"unknown field {number} of {path} ({type_name})")
        name, _, go_type = fields[str(number)].partition(" ")
        _add(found, name, go_type, wire_value, f"{path}.{name}")
    return found


def _add(
    found: dict[str, Any], name: str, go_type: str, wire_value: int | bytes, path: str
) -> None:
    """Add one field to the fields found of its message."""
    if not name:
        found |= _message(go_type.lstrip("*"), _as_bytes(wire_value), path.rstrip("."))
    elif go_type.startswith("[]"):
        found.setdefault(name, []).append(_value(go_type[2:], wire_value, path))
    elif go_type.startswith("map[string]"):
        entry = dict(_wire_fields(_as_bytes(wire_value)))
        key = _as_bytes(entry.get(1, b"")).decode()
        of_type = go_type.removeprefix("map[string]")
        empty: int | bytes = 0 if of_type in _NUMBERS else b""
        found.setdefault(name, {})[key] = _value(of_type, entry.get(2, empty), f"{path}[{key}]")
    elif go_type.startswith("*"):
        found[name] = _value(go_type[1:], wire_value, path)
    else:
        value = _value(go_type, wire_value, path)
        if value:
            found[name] = value


def _value(go_type: str, wire_value: int | bytes, path: str) -> Any:  # noqa: ANN401 (JSON)
    if go_type in _NUMBERS:
        if not isinstance(wire_value, int):
            raise ProtobufError(f"{path} is no number")
        return _NUMBERS[go_type](wire_value)
    content = _as_bytes(wire_value)
    if go_type in _OWN_FORM:
        return _OWN_FORM[go_type](content)
    return _message(go_type, content, path)


def _as_bytes(wire_value: int | bytes) -> bytes:
    if isinstance(wire_value, int):
        raise ProtobufError("the body has a number where it should have a text or a message")
    return wire_value


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _time(content: bytes, timespec: str) -> str | None:
    fields = dict(_wire_fields(content))
    seconds, nanoseconds = fields.get(1, 0), fields.get(2, 0)
    if not fields or not isinstance(seconds, int) or not isinstance(nanoseconds, int):
        return None
    moment = _EPOCH + timedelta(seconds=_signed(seconds), microseconds=nanoseconds // 1000)
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _int_or_string(content: bytes) -> int | str:
    """Type 0 is a number, in field 2; type 1 is a text, in field 3."""
    fields = dict(_wire_fields(content))
    number = fields.get(2, 0)
    if fields.get(1):
        return _as_bytes(fields.get(3, b"")).decode()
    return _signed(number) if isinstance(number, int) else 0


def _raw_json(content: bytes) -> Any:  # noqa: ANN401 (JSON)
    raw = _as_bytes(dict(_wire_fields(content)).get(1, b""))
    try:
        return json.loads(raw) if raw else None
    except ValueError as error:
        raise ProtobufError("the body has an embedded object that is no JSON") from error


def _extra_value(content: bytes) -> list[str]:
    return [_as_bytes(item).decode() for _, item in _wire_fields(content)]


def _duration(content: bytes) -> str:
    nanoseconds = dict(_wire_fields(content)).get(1, 0)
    return f"{_signed(nanoseconds) / 1e9:g}s" if isinstance(nanoseconds, int) else "0s"


_NUMBERS: Final[Mapping[str, Callable[[int], Any]]] = {
    "int32": _signed,
    "int64": _signed,
    "bool": bool,
}
"""Types that are a number on the wire."""

_OWN_FORM: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "string": bytes.decode,
    "bytes": lambda content: base64.b64encode(content).decode(),
    "Time": lambda content: _time(content, "seconds"),
    "MicroTime": lambda content: _time(content, "microseconds"),
    "Duration": _duration,
    "Quantity": lambda content: _as_bytes(dict(_wire_fields(content)).get(1, b"")).decode(),
    "IntOrString": _int_or_string,
    "RawExtension": _raw_json,
    "FieldsV1": _raw_json,
    "ExtraValue": _extra_value,
}
"""Types whose JSON is not that of their fields."""
