"""Addresses and networks of a topology, which are written for one address family or for both.

``address: 10.240.0.9`` asks for an address of one family and leaves the other to be filled in;
``address: [10.240.0.9, "fd00:10:240::9"]`` asks for both, in any order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from netlab.documents.json_schema import entries
from netlab.documents.problems import FieldPath, Report, invalid, spell_path
from netlab.model.addresses import Address, Family, Network, family_of

Value = TypeVar("Value", bound=Address | Network)


@dataclass(frozen=True, slots=True)
class Asked(Generic[Value]):
    """An address or a network, and where the file asks for it."""

    path: FieldPath
    value: Value


ByFamily = Mapping[Family, Asked[Value]]


def read_families(spec: Mapping[str, object], report: Report) -> tuple[Family, ...]:
    """Return the address families of a lab, the main one first: IPv4 alone if nothing is asked."""
    asked = [one for one in entries(spec.get("ipFamilies")) if one in tuple(Family)]
    families = tuple(Family(cast("str", one)) for one in asked)
    path: FieldPath = ("spec", "ipFamilies")
    if entries(spec.get("ipFamilies")) == spec.get("ipFamilies") == []:
        report.add(path, "a lab needs one address family at least", "write [IPv4]")
    if len(families) != len(set(families)):
        report.add(path, invalid(asked, "a family may be named once"))
    return tuple(dict.fromkeys(families)) or (Family.IPV4,)


def read_by_family(
    value: object,
    path: FieldPath,
    families: Sequence[Family],
    parse: Callable[[object, FieldPath, Report], Value | None],
    report: Report,
) -> dict[Family, Asked[Value]]:
    """Return what a field asks for, by family; what is wrong is reported and left out.

    Args:
        value: A string, or a list of them.
        path: The field's.
        families: The lab's; a value of another is reported.
        parse: Turns one string into a value, or reports why it is none.
        report: Takes what is wrong.
    """
    found: dict[Family, Asked[Value]] = {}
    for at, text in _listed(value, path):
        parsed = parse(text, at, report)
        if parsed is None:
            continue
        family = family_of(parsed)
        if family not in families:
            others = " and ".join(families)
            hint = f"for both families write spec.ipFamilies: [{families[0]}, {family}]"
            report.add(at, invalid(text, f"is {family}; the lab has {others} alone"), hint)
        elif family in found:
            message = invalid(text, f"{spell_path(found[family].path)} is {family} already")
            report.add(at, message)
        else:
            found[family] = Asked(at, parsed)
    return found


def asked_in(family: Family, hosts: Iterable[ByFamily[Value]]) -> list[Value | None]:
    """Return what each host asks for in one family; None where it asks for nothing."""
    return [host[family].value if family in host else None for host in hosts]


def _listed(value: object, path: FieldPath) -> list[tuple[FieldPath, object]]:
    if isinstance(value, list):
        return [((*path, index), one) for index, one in enumerate(value)]
    return [(path, value)]
