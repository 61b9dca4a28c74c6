"""What is written where an output's encoding has no such character: its ASCII form.

Python ends a program with an error there. A terminal of Latin-1 has no ``─``, and a path drawn with
``-`` is as good.
"""

import codecs
import io
import sys
from typing import Final

_ERRORS: Final = "netlab.ascii_forms"
_FORMS: Final = {
    **dict.fromkeys("─╴╶", "-"),
    **dict.fromkeys("│╵╷", "|"),
    **dict.fromkeys("└┬┌┐┘┴┤├┼", "+"),
    **dict.fromkeys("▶▸", ">"),
    **dict.fromkeys("●○·", "*"),
    **dict.fromkeys("✖✕⊘", "x"),
    **dict.fromkeys("“”", '"'),
    "→": "->",
    "⇒": "=>",
    "←": "<-",
    "⇄": "<->",
    "…": "...",
    "µ": "u",
    "✔": "ok",
    "✓": "ok",
    "▲": "^",
    "≡": "=",
    "∅": "none",
    "↷": "~",
    "⌖": "+",
    "✎": "*",
}


def use_ascii_forms() -> None:
    """Have standard output and standard error write ASCII forms of what they cannot encode."""
    codecs.register_error(_ERRORS, _ascii_form)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _ascii_form(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if all("\udc80" <= letter <= "\udcff" for letter in text):
        # A byte of a file's name that is no text, as Python carries it.
        return text.encode("ascii", "surrogateescape"), error.end
    return "".join(map(_spelt, text)), error.end


def _spelt(letter: str) -> str:
    form = _FORMS.get(letter)
    return form if form is not None else letter.encode("ascii", "backslashreplace").decode()
