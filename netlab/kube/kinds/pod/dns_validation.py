"""What a pod says of names: ``dnsPolicy``, ``dnsConfig``, ``hostAliases``.

These become files of the pod, so nothing here may hold a blank or a line's end.

Source: Kubernetes, ``pkg/apis/core/validation`` (validatePodDNSConfig, ValidateHostAliases).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_required, check_text
from netlab.kube.metadata import check_address, check_choice, items_of
from netlab.kube.names import wrong_dns_subdomain, wrong_search_path

_POLICIES: Final = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_MAX_NAMESERVERS: Final = 3
_MAX_SEARCHES: Final = 32
_MAX_SEARCH_BYTES: Final = 2048


def check_dns(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with how a pod resolves names."""
    check_choice(spec.get("dnsPolicy"), _POLICIES, (*path, "dnsPolicy"), report)
    config, inside = mapping(spec.get("dnsConfig")), (*path, "dnsConfig")
    servers = entries(config.get("nameservers"))
    if spec.get("dnsPolicy") == "None" and not config:
        why = "must provide `dnsConfig` when `dnsPolicy` is None"
        report.add(inside, f"Required value: {why}")
    elif spec.get("dnsPolicy") == "None" and not servers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        report.add((*inside, "nameservers"), f"Required value: {why}")
    if len(servers) > _MAX_NAMESERVERS:
        why = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        report.add((*inside, "nameservers"), invalid(servers, why))
    for index, server in enumerate(servers):
        check_address(server, (*inside, "nameservers", index), report)
    _check_searches(entries(config.get("searches")), (*inside, "searches"), report)
    for at, option in items_of(config, "options", inside):
        check_required(option, "name", at, report)
        for field in ("name", "value"):
            check_text(option.get(field), _wrong_option, (*at, field), report)


def check_host_aliases(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with lines of a pod's ``/etc/hosts``."""
    for inside, alias in items_of(spec, "hostAliases", path):
        check_address(alias.get("ip"), (*inside, "ip"), report)
        for index, name in enumerate(entries(alias.get("hostnames"))):
            check_text(name, wrong_dns_subdomain, (*inside, "hostnames", index), report)


def _check_searches(searches: list[object], path: FieldPath, report: Report) -> None:
    if len(searches) > _MAX_SEARCHES:
        why = f"must not have more than {_MAX_SEARCHES} search paths"
        report.add(path, invalid(searches, why))
    texts = [text for text in searches if isinstance(text, str)]
    if len(" ".join(texts)) > _MAX_SEARCH_BYTES:
        why = f"must not have more than {_MAX_SEARCH_BYTES} characters (including spaces)"
        report.add(path, invalid(searches, f"{why} in the search list"))
    for index, text in enumerate(searches):
        check_text(text, wrong_search_path, (*path, index), report)


def _wrong_option(text: str) -> str:
    is_one_word = text.isprintable() and " " not in text
    return "" if is_one_word else "must be one word, as resolv.conf separates options by blanks"
