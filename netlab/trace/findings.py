"""What an experiment showed: a document's statement held against the kernel's answer."""

from dataclasses import dataclass

from netlab.trace.paths import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One step of an experiment."""

    command: str
    """What a person would type for the same request."""
    document: str
    """What the document says, in a sentence."""
    kernel: str
    """What happened, as the echo server or the caller's socket put it."""
    holds: bool
    """Whether the kernel did what the document says."""
    connection: Connection | None
    """The packets of the request; None when it never left its socket."""
    evidence: tuple[str, ...] = ()
    """Further sentences about a loss, each with its source."""
    lesson: str
    """What there is to learn from it, in a sentence."""
