"""Bodies of requests, in each media type that clients send."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from netlab.errors import SpecError
from netlab.kube import protobuf
from netlab.kube.status import StatusError, bad_request

JSON: Final = "application/json"
YAML: Final = "application/yaml"

_MAX_DEPTH: Final = 200
"""Deeper than any object of the API; no value is walked further than Python can."""


def media_type_of(content_type: str) -> str:
    """Return the media type that a header ``Content-Type`` names; JSON's where it names none.

    >>> media_type_of("Application/JSON; charset=utf-8"), media_type_of("")
    ('application/json', 'application/json')
    """
    return content_type.partition(";")[0].strip().lower() or "application/json"


def decode(body: bytes, content_type: str) -> Any:  # noqa: ANN401 any JSON
    """Return a body as JSON.

    Args:
        body: As it came.
        content_type: Its media type.

    Raises:
        StatusError: It cannot be read (``BadRequest``), or is of another type
            (``UnsupportedMediaType``).
    """
    read = _DECODERS.get(content_type)
    if read is None:
        raise unsupported(_ACCEPTED)
    value = read(body)
    _check_depth(value)
    return value


def unsupported(accepted: tuple[str, ...]) -> StatusError:
    """Return the refusal of a body's media type."""
    return StatusError(
        f"the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)}",
        code=415,
        reason="UnsupportedMediaType",
    )


_HALF_A_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _json(body: bytes) -> Any:  # noqa: ANN401 any JSON
    try:
        value = json.loads(body, parse_constant=_no_number)
        if not _HALF_A_PAIR.search(body):
            return value
        # What is no character is replaced, as Go's decoder does.
        whole = _SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
        return json.loads(whole)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body of the request is no JSON: {error}") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _yaml(body: bytes) -> Any:  # noqa: ANN401 any JSON
    if body.lstrip()[:1] == b"{":
        return _json(body)
    from netlab.documents.yaml_text import read_documents  # noqa: PLC0415 few clients send it

    documents, problems = read_documents(body)
    if problems or len(documents) != 1:
        told = "; ".join(str(problem) for problem in problems) or "one document is wanted"
        raise bad_request(f"the body of the request is no YAML: {told}")
    return documents[0].value


def _protobuf(body: bytes) -> Any:  # noqa: ANN401 any JSON
    try:
        return protobuf.decode(body)
    except SpecError as error:
        raise bad_request(str(error)) from error


_DECODERS: Final[dict[str, Callable[[bytes], Any]]] = {
    "": _json,
    "application/octet-stream": _json,
    JSON: _json,
    YAML: _yaml,
    "application/apply-patch+yaml": _yaml,
    "application/json-patch+json": _json,
    "application/merge-patch+json": _json,
    "application/strategic-merge-patch+json": _json,
    protobuf.MEDIA_TYPE: _protobuf,
}
_ACCEPTED: Final = (JSON, YAML, protobuf.MEDIA_TYPE)


def _check_depth(value: object) -> None:
    """Refuse a value that is nested deeper than what walks it can go."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return
    raise bad_request(f"the body of the request is nested more than {_MAX_DEPTH} deep")
