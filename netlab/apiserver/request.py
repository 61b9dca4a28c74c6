"""A request to a resource, read whole, and what it is answered with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from netlab.apiserver.bodies import decode
from netlab.apiserver.negotiation import Form, form_of
from netlab.apiserver.paths import Target
from netlab.kube.objects import Object
from netlab.kube.status import StatusError, bad_request

_FIELD_VALIDATION: Final = ("Ignore", "Strict", "Warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, read whole."""

    target: Target
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    """Media type of the body, without parameters."""
    accept: str = ""
    user_agent: str = ""

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may come of it.

        Raises:
            StatusError: It asks for a dry run that there is not (``Invalid``).
        """
        given = self.query.get("dryRun", "")
        if given not in {"", "All"}:
            raise bad_request(f'Invalid value: "{given}": supported values: "All"')
        return given == "All"

    @property
    def field_validation(self) -> str:
        """What becomes of fields that a kind has not: ``Ignore``, ``Strict`` or ``Warn``."""
        given = self.query.get("fieldValidation") or "Warn"
        if given not in _FIELD_VALIDATION:
            known = ", ".join(f'"{one}"' for one in _FIELD_VALIDATION)
            raise bad_request(f'fieldValidation: Unsupported value: "{given}": {known}')
        return given

    @property
    def field_manager(self) -> str:
        """Who owns the fields that this request sets: what it says, or its client's program."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0] or "unknown"

    @property
    def form(self) -> Form:
        """In which form the answer is wanted."""
        return form_of(self.accept)

    def json(self) -> Any:  # noqa: ANN401 any JSON
        """Return the body as JSON, whatever media type it came in.

        Raises:
            StatusError: It cannot be read (``BadRequest``, ``UnsupportedMediaType``).
        """
        return decode(self.body, self.content_type)

    def object(self) -> Object:
        """Return the body, which must be a JSON object.

        Raises:
            StatusError: It is something else (``BadRequest``).
        """
        found = self.json()
        if not isinstance(found, dict):
            raise bad_request("the body of the request must be a JSON object")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with."""

    body: Object
    code: int = 200
    warnings: tuple[str, ...] = ()


Clock = Callable[[], float]


def is_true(text: str) -> bool:
    """Return whether a query value is true as Go reads it."""
    return text.lower() in {"1", "t", "true"}


def not_allowed() -> StatusError:
    """Return the refusal of a method that a path does not know."""
    return StatusError(
        "the server does not allow this method on the requested resource",
        code=405,
        reason="MethodNotAllowed",
    )
