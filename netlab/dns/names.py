"""Names that stand for addresses.

Source: RFC 1035, section 3.5; RFC 3596, section 2.5.
"""

from ipaddress import IPv6Address, ip_address
from typing import Final

from netlab.dns.records import Type

_IPV4, _IPV6 = ".in-addr.arpa", ".ip6.arpa"
_NIBBLES: Final = 32


def type_of(address: str) -> Type:
    """Return the type of the record that holds an address."""
    return Type.AAAA if ":" in address else Type.A


def reverse_name(address: str) -> str:
    """Return the name that leads back from an address.

    >>> reverse_name("10.0.0.1")
    '1.0.0.10.in-addr.arpa'
    """
    return ip_address(address).reverse_pointer


def address_of_reverse(name: str) -> str | None:
    """Return the address that a name leads back from; None when it does not.

    >>> address_of_reverse("1.0.0.10.in-addr.arpa"), address_of_reverse("0.10.in-addr.arpa")
    ('10.0.0.1', None)
    """
    if name.endswith(_IPV4):
        return _address(".".join(reversed(name.removesuffix(_IPV4).split("."))))
    if name.endswith(_IPV6):
        nibbles = name.removesuffix(_IPV6).split(".")
        if len(nibbles) != _NIBBLES or any(len(one) != 1 for one in nibbles):
            return None
        digits = "".join(reversed(nibbles))
        return _address(":".join(digits[i : i + 4] for i in range(0, _NIBBLES, 4)))
    return None


def address_in_label(label: str) -> str | None:
    """Return the address that a pod's name spells with dashes; None when it spells none.

    >>> address_in_label("10-244-1-2"), address_in_label("fd00--2"), address_in_label("web")
    ('10.244.1.2', 'fd00::2', None)
    """
    separator = "." if label.count("-") == 3 and "--" not in label else ":"
    return _address(label.replace("-", separator))


def _address(text: str) -> str | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return None
    return str(found)
