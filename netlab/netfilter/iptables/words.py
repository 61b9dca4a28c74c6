"""Words of iptables' text: quoting, splitting, and what a comment may hold.

iptables-restore reads line by line, splits at blanks, and takes ``"`` as the one kind of quote;
within quotes a backslash makes the next character plain. iptables-save quotes the same way.

Source: iptables, ``iptables/xshared.c`` (add_param_to_argv), ``libxtables/xtables.c``
(xtables_save_string).
"""

import re
from collections.abc import Iterator
from typing import Final

COMMENT_BYTES: Final = 255
"""``XT_MAX_COMMENT_LEN`` less the closing zero byte (linux/netfilter/xt_comment.h)."""

ALL_BITS: Final = 0xFFFF_FFFF
"""A mark's mask that hides nothing."""

_PLAIN: Final = re.compile(r"[-_0-9A-Za-z]+")
_WORD: Final = re.compile(r"[-_0-9A-Za-z.:/,+=@%*\[\]!]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPED: Final = re.compile(r"[\"\\']")
_BACKSLASHED: Final = r"\\\g<0>"
_SPLIT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of iptables-save, which prints a newline within a comment as it is."""
    held = ""
    for line in text.split("\n"):
        held = f"{held}\n{line}" if held else line
        # A comment line of iptables-save itself may hold an odd quote.
        if held.startswith("#") or not _is_open(held):
            yield held
            held = ""


def quote(text: str) -> str:
    r"""Return ``text`` as one word, in quotes unless it is of letters, digits, - and _ only.

    >>> print(quote('say "hi"'))
    "say \"hi\""
    """
    if _PLAIN.fullmatch(text):
        return text
    line = _one_line(text)
    return f'"{_ESCAPED.sub(_BACKSLASHED, line) if _ESCAPED.search(line) else line}"'


def word(text: str) -> str:
    """Return ``text`` as one word, bare if no reader can take it for two.

    Raises:
        ValueError: It would be read back as another: only a comment may lose what is not printable.
    """
    if _WORD.fullmatch(text):
        return text
    if not text.isprintable():
        raise ValueError(f"{text!r} is no word of a rule")
    return quote(text)


def split(line: str) -> list[str]:
    r"""Return the words of a line of iptables-save.

    >>> split(r'-A X -m comment --comment "a \"b\" c"')
    ['-A', 'X', '-m', 'comment', '--comment', 'a "b" c']
    """
    return [bare or re.sub(r"\\(.)", r"\1", quoted) for quoted, bare in _SPLIT.findall(line)]


def comment_text(text: str) -> str:
    r"""Return what the kernel can keep of ``text``: one line, at most 255 bytes of UTF-8.

    >>> comment_text("one\ntwo")
    'one two'
    """
    if len(text) <= COMMENT_BYTES and text.isascii() and text.isprintable():
        return text
    line = _one_line(text).encode("utf-8", "replace")
    return line[:COMMENT_BYTES].decode("utf-8", "ignore")


def masked(text: str) -> tuple[int, int]:
    """Return the value and mask of a mark such as ``0x4000/0x4000``; no mask is all 32 bits.

    Raises:
        ValueError: One of the two is no number.
    """
    value, _, mask = text.partition("/")
    return int(value, 0), int(mask, 0) if mask else ALL_BITS


def _is_open(line: str) -> bool:
    """Tell whether a quote has begun in ``line`` and not ended."""
    if "\\" not in line:
        return line.count('"') % 2 == 1
    return '"' in _QUOTED.sub("", line)


def _one_line(text: str) -> str:
    """Replace what is no printable character by a blank: a newline would begin a new command."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
