"""Resource quantities: ``100m``, ``64Mi``, ``1e3``.

Source: Kubernetes, ``apimachinery/pkg/api/resource`` (ParseQuantity).
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

_FORM: Final = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,3})\Z",
    re.ASCII,
)
_SUFFIXES: Final = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** (place + 1) for place, suffix in enumerate("kMGTPE")},
    **{f"{suffix}i": Decimal(1024) ** (place + 1) for place, suffix in enumerate("KMGTPE")},
    "": Decimal(1),
}


def parse_quantity(text: object) -> Decimal | None:
    """Return the number that a quantity stands for, or None for what is none.

    >>> parse_quantity("100m"), parse_quantity("1Ki"), parse_quantity("x")
    (Decimal('0.100'), Decimal('1024'), None)
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return Decimal(text)
    if isinstance(text, float):
        return Decimal(repr(text))
    found = _FORM.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    number, suffix = found.groups()
    factor = _SUFFIXES.get(suffix)
    return Decimal(number) * (Decimal(f"1{suffix}") if factor is None else factor)


def milli(text: object) -> int:
    """Return a quantity in thousandths, rounded up; 0 for what is none.

    >>> milli("250m"), milli(2), milli(None)
    (250, 2000, 0)
    """
    found = parse_quantity(text)
    return 0 if found is None else int((found * 1000).to_integral_value(ROUND_CEILING))
