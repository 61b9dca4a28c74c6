"""Kubernetes' rules for names, and the words it refuses a bad one with.

Each function returns what is wrong with a name, or an empty string.

Source: Kubernetes, apimachinery, ``pkg/util/validation``.
"""

import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_SERVICE: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")

_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+\Z")

_LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_SERVICE_RULE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character"
)
_LABEL_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character"
)
_QUALIFIED_RULE: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character"
)
_CONFIG_KEY_RULE: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def wrong_dns_label(name: str) -> str:
    """Return why ``name`` is no RFC 1123 label (hosts, namespaces, container names).

    >>> wrong_dns_label("node1")
    ''
    """
    return _wrong(name, 63, _LABEL, _LABEL_RULE)


def wrong_dns_subdomain(name: str) -> str:
    """Return why ``name`` is no RFC 1123 subdomain (most Kubernetes objects).

    >>> wrong_dns_subdomain("web.example")
    ''
    """
    if len(name) > 253:
        return "must be no more than 253 bytes"
    labels = name.split(".")
    return "" if all(_LABEL.match(label) for label in labels) else _SUBDOMAIN_RULE


def wrong_service_name(name: str) -> str:
    """Return why ``name`` is no DNS-1035 label (Services).

    >>> wrong_service_name("2048")[:35]
    'a DNS-1035 label must consist of lo'
    """
    return _wrong(name, 63, _SERVICE, _SERVICE_RULE)


def wrong_label_value(value: str) -> str:
    """Return why ``value`` cannot be a label's value; an empty one can."""
    return _wrong(value, 63, _QUALIFIED, _LABEL_VALUE_RULE) if value else ""


def wrong_label_key(key: str) -> str:
    """Return why ``key`` cannot be a label's key: ``name``, or ``subdomain/name``.

    >>> wrong_label_key("example.com/rack")
    ''
    """
    prefix, slash, name = key.rpartition("/")
    if slash and wrong_dns_subdomain(prefix):
        return "prefix part " + _SUBDOMAIN_RULE
    return _wrong(name, 63, _QUALIFIED, _QUALIFIED_RULE)


def wrong_port_name(name: str) -> str:
    """Return why ``name`` cannot be a container port's name (an IANA service name, RFC 6335).

    >>> wrong_port_name("http-web")
    ''
    """
    if len(name) > 15:
        return "must be no more than 15 bytes"
    if not _LABEL.match(name):
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if "--" in name:
        return "must not contain consecutive hyphens"
    if not any(character.isalpha() for character in name):
        return "must contain at least one letter (a-z)"
    return ""


def wrong_config_key(key: str) -> str:
    """Return why ``key`` cannot be a key of a ConfigMap's or a Secret's data.

    >>> wrong_config_key("default.conf")
    ''
    """
    if key in {".", ".."}:
        return f"must not be '{key}'"
    return _wrong(key, 253, _CONFIG_KEY, _CONFIG_KEY_RULE)


def wrong_path_segment(name: str) -> str:
    """Return why ``name`` cannot be a part of a path (roles and their bindings).

    >>> wrong_path_segment("system:node")
    ''
    """
    if name in {".", ".."}:
        return f"may not be '{name}'"
    found = next((character for character in "/%" if character in name), "")
    return f"may not contain '{found}'" if found else ""


def _wrong(name: str, longest: int, pattern: re.Pattern[str], rule: str) -> str:
    if len(name) > longest:
        return f"must be no more than {longest} bytes"
    return "" if pattern.match(name) else rule
