"""Names and labels of Kubernetes objects, and of the parts they are made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping, quoted
from netlab.documents.problems import FieldPath, Report, invalid, nearest
from netlab.kube.names import (
    wrong_dns_label,
    wrong_dns_subdomain,
    wrong_label_key,
    wrong_label_value,
    wrong_port_name,
    wrong_qualified_name,
)
from netlab.model.addresses import parse_ip

PROTOCOLS: Final = ("SCTP", "TCP", "UDP")

_ANNOTATION_BYTES: Final = 256 * 1024
_FINALIZERS: Final = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def check_metadata(
    metadata: object,
    path: FieldPath,
    report: Report,
    *,
    wrong_name: Callable[[str], str] = wrong_dns_subdomain,
    namespaced: bool = True,
) -> None:
    """Report what is wrong with an object's ``metadata``.

    Args:
        metadata: Of any form; its structure is checked elsewhere.
        path: Where it is.
        report: Takes the problems.
        wrong_name: Returns what is wrong with a name of this kind.
        namespaced: Whether objects of this kind live in a namespace.
    """
    fields = mapping(metadata)
    name = fields.get("name") or ""
    if not name and not fields.get("generateName"):
        report.add((*path, "name"), "Required value: name or generateName is required")
    elif isinstance(name, str) and name:
        wrong = wrong_name(name)
        if wrong:
            report.add((*path, "name"), invalid(name, wrong))
    namespace = fields.get("namespace")
    if not namespaced and namespace:
        report.add((*path, "namespace"), "Forbidden: not allowed on this type")
    elif isinstance(namespace, str) and namespace and wrong_dns_label(namespace):
        report.add((*path, "namespace"), invalid(namespace, wrong_dns_label(namespace)))
    check_labels(fields.get("labels"), (*path, "labels"), report)
    check_annotations(fields.get("annotations"), (*path, "annotations"), report)
    _check_finalizers(entries(fields.get("finalizers")), (*path, "finalizers"), report)
    _check_owners(fields, path, report)


def check_annotations(annotations: object, path: FieldPath, report: Report) -> None:
    """Report each key that no annotation can have, and more than there may be."""
    total = 0
    for key, value in mapping(annotations).items():
        if why := wrong_qualified_name(key.lower()):
            report.add((*path, key), invalid(key, why))
        total += len(key.encode(errors="surrogatepass"))
        total += len(value.encode(errors="surrogatepass")) if isinstance(value, str) else 0
    if total > _ANNOTATION_BYTES:
        report.add(path, f"Too long: may not be more than {_ANNOTATION_BYTES} bytes")


def _check_finalizers(finalizers: list[object], path: FieldPath, report: Report) -> None:
    for index, text in enumerate(finalizers):
        if not isinstance(text, str):
            continue
        if why := wrong_qualified_name(text):
            report.add((*path, index), invalid(text, why))
        elif "/" not in text and text not in _FINALIZERS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            report.add((*path, index), invalid(text, why))
    if {"orphan", "foregroundDeletion"} <= {text for text in finalizers if isinstance(text, str)}:
        why = "finalizer orphan and foregroundDeletion cannot be both set"
        report.add(path, invalid(finalizers, why))


def _check_owners(fields: Mapping[str, object], path: FieldPath, report: Report) -> None:
    controllers = []
    for inside, owner in items_of(fields, "ownerReferences", path):
        for field in ("kind", "name", "uid"):
            if owner.get(field) == "":
                report.add((*inside, field), invalid("", f"{field} must not be empty"))
        if owner.get("apiVersion") == "":
            report.add((*inside, "apiVersion"), invalid("", "version must not be empty"))
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            report.add(inside, invalid("v1, Kind=Event", "is disallowed from being an owner"))
        if owner.get("controller") is True:
            controllers.append(text_of(owner, "name"))
    if len(controllers) > 1:
        first, second = controllers[:2]
        told = "Only one reference can have Controller set to true. Found"
        why = f'{told} "true" in references for {first} and {second}'
        report.add((*path, "ownerReferences"), invalid(controllers, why))


def check_labels(labels: object, path: FieldPath, report: Report) -> None:
    """Report each key and each value that no label can have."""
    for key, value in mapping(labels).items():
        if wrong_label_key(key):
            report.add((*path, key), invalid(key, wrong_label_key(key)))
        if isinstance(value, str) and wrong_label_value(value):
            report.add((*path, key), invalid(value, wrong_label_value(value)))


def check_choice(value: object, choices: Iterable[str], path: FieldPath, report: Report) -> None:
    """Report a string that is not one of ``choices``; an empty or missing one has a default."""
    known = list(choices)
    if isinstance(value, str) and value and value not in known:
        message = f'Unsupported value: "{value}": supported values: {quoted(known)}'
        report.add(path, message, nearest(value, known))


def check_port(value: object, path: FieldPath, report: Report) -> None:
    """Report a number that is no port."""
    if isinstance(value, int) and not 1 <= value <= 65535:
        report.add(path, invalid(value, "must be between 1 and 65535, inclusive"))


def check_port_or_name(value: object, path: FieldPath, report: Report) -> None:
    """Report what is neither a port nor the name of a container's port."""
    check_port(value, path, report)
    if isinstance(value, str) and wrong_port_name(value):
        report.add(path, invalid(value, wrong_port_name(value)))


def check_address(value: object, path: FieldPath, report: Report) -> None:
    """Report a string that is no IP address."""
    if isinstance(value, str) and parse_ip(value) is None:
        report.add(
            path, invalid(value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        )


def items_of(
    fields: Mapping[str, object], key: str, path: FieldPath
) -> Iterator[tuple[FieldPath, dict[str, object]]]:
    """Yield path and fields of each mapping in the list ``fields[key]``."""
    for index, item in enumerate(entries(fields.get(key))):
        yield (*path, key, index), mapping(item)


def text_of(fields: Mapping[str, object], key: str, default: str = "") -> str:
    """Return the string ``fields[key]``; ``default`` where there is none."""
    value = fields.get(key)
    return value if isinstance(value, str) and value else default
