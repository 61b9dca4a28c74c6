"""What is written where an output's encoding has no such character: its ASCII form.

Python ends a program with an error there. A terminal of Latin-1 has no ``─``, and a path drawn with
``-`` is as good.

Two libraries mean it well and write UTF-8 where ASCII is asked for: Python itself in the locale C
(PEP 540), and click on every stream of ASCII, which it takes for a mistake. So such a stream gets
an encoding of another name, which is ASCII all the same.
"""

import codecs
import io
import os
import sys
from encodings import ascii as ascii_codec
from typing import Final

_ERRORS: Final = "netlab.ascii_forms"
_ENCODING: Final = "netlab_ascii"
_PLAIN: Final = ("C", "POSIX")
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
    codecs.register(_codec)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = _is_plain_locale() or codecs.lookup(stream.encoding).name == "ascii"
            encoding = _ENCODING if is_ascii else None
            stream.reconfigure(encoding=encoding, errors=_ERRORS)


def _is_plain_locale() -> bool:
    """Return whether the user asks for the locale C, and not for an encoding beside it.

    Where LANG alone asks for it, Python has taken it for a machine without a locale (PEP 538).
    """
    if "PYTHONIOENCODING" in os.environ or os.environ.get("PYTHONUTF8") == "1":
        return False
    return os.environ.get("LC_ALL", "") in _PLAIN


def _codec(name: str) -> codecs.CodecInfo | None:
    if name != _ENCODING:
        return None
    found = ascii_codec.getregentry()
    return codecs.CodecInfo(
        name=_ENCODING,
        encode=found.encode,
        decode=found.decode,
        incrementalencoder=found.incrementalencoder,
        incrementaldecoder=found.incrementaldecoder,
        streamreader=found.streamreader,
        streamwriter=found.streamwriter,
    )


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
