"""Fields of plain objects, read so that a wrong one counts as missing.

Typed views are made with these: they never fail, and what is no address is left out, as kube-proxy
leaves it out. Telling users what is wrong with an object is the API's work.
"""

from collections.abc import Iterable, Mapping

from netlab.model.addresses import Address, Network, parse_cidr, parse_ip

Object = Mapping[str, object]
"""A Kubernetes object, or a part of one, as JSON decodes it."""


def part(obj: Object, key: str) -> Object:
    """Return the mapping ``obj[key]``, or an empty one."""
    value = obj.get(key)
    return value if isinstance(value, Mapping) else {}


def parts(obj: Object, key: str) -> list[Object]:
    """Return the mappings in the list ``obj[key]``."""
    value = obj.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(obj: Object, key: str, default: str = "") -> str:
    """Return the string ``obj[key]``; ``default`` where there is none, or an empty one."""
    value = obj.get(key)
    return value if isinstance(value, str) and value else default


def texts(obj: Object, key: str) -> list[str]:
    """Return the strings in the list ``obj[key]``."""
    value = obj.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(obj: Object, key: str) -> int | None:
    """Return the whole number ``obj[key]``, or None."""
    value = obj.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(obj: Object, key: str, *, default: bool) -> bool:
    """Return the truth value ``obj[key]``, or ``default``."""
    value = obj.get(key)
    return value if isinstance(value, bool) else default


def addresses(found: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses among texts; ``None`` of a headless Service is not one."""
    return tuple(address for one in found if (address := parse_ip(one)) is not None)


def networks(found: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks among texts."""
    return tuple(network for one in found if (network := parse_cidr(one.strip())) is not None)
