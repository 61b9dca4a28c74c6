"""Text from outside, made safe to print: a rule's comment may hold anything."""


def printable(text: str) -> str:
    r"""Return ``text`` with every character that is not printable as its escape.

    That takes in terminal escapes, newlines and the marks that turn the direction of writing.

    >>> printable("red \x1b[31m\nnext")
    'red \\x1b[31m\\nnext'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
