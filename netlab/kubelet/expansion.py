"""References to variables: ``$(NAME)`` in commands, arguments and values of the environment.

Source: Kubernetes, ``third_party/forked/golang/expansion``.
"""

import re
from collections.abc import Mapping
from typing import Final

_REFERENCE: Final = re.compile(r"\$(\$|\([^)]*\))")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its references replaced; one to an unknown variable stays as it is.

    >>> expanded("$(A)-$(B)-$$(A)-$A", {"A": "1"})
    '1-$(B)-$(A)-$A'
    """

    def value(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return variables.get(found[1][1:-1], found[0])

    return _REFERENCE.sub(value, text)
