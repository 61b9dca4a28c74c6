"""Kubernetes' rules for names, and the words it refuses a bad one with.

Each function returns what is wrong with a name, or an empty string.

Source: Kubernetes, apimachinery, ``pkg/util/validation``.
"""

import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_SERVICE: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")

_SEARCH: Final = re.compile(r"[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?\Z")
_HEADER: Final = re.compile(r"[-A-Za-z0-9]+\Z")
_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+\Z")


def _rule(said: str, pattern: str, *examples: str) -> str:
    """Return a rule as Kubernetes tells it (``validation.RegexError``)."""
    shown = " or ".join(f"'{one}', " for one in examples)
    return f"{said} (e.g. {shown}regex used for validation is '{pattern}')"


_LABEL_RULE: Final = _rule(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    "my-name",
    "123-abc",
)
_SUBDOMAIN_RULE: Final = _rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character",
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "example.com",
)
_SEARCH_RULE: Final = _rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
    "or '.', and must start and end with an alphanumeric character",
    r"[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*",
    "example.com",
)
_SERVICE_RULE: Final = _rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    "my-name",
    "abc-123",
)
_LABEL_VALUE_RULE: Final = _rule(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character",
    "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
    "MyValue",
    "my_value",
    "12345",
)
_QUALIFIED_RULE: Final = _rule(
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character",
    "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    "MyName",
    "my.name",
    "123-abc",
)
_QUALIFIED_FORM: Final = (
    _rule(
        "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character",
        "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
        "MyName",
        "my.name",
        "123-abc",
    )
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_HEADER_RULE: Final = _rule(
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    "[-A-Za-z0-9]+",
    "X-Header-Name",
)
_WILDCARD_RULE: Final = _rule(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character",
    r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "*.example.com",
)
_PATH: Final = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+\Z")
_PATH_RULE: Final = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
_ENV_RULE: Final = (
    "a valid environment variable name must consist only of printable ASCII characters other "
    "than '='"
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


def wrong_wildcard_host(name: str) -> str:
    """Return why ``name`` is no host of an Ingress: a subdomain, or ``*.`` and one.

    >>> wrong_wildcard_host("*.example.com"), wrong_wildcard_host("a.*.com")[:29]
    ('', 'a wildcard DNS-1123 subdomain')
    """
    if "*" not in name:
        return wrong_dns_subdomain(name)
    if len(name) > 253:
        return "must be no more than 253 bytes"
    rest = name.removeprefix("*.")
    return _WILDCARD_RULE if rest == name or wrong_dns_subdomain(rest) else ""


def wrong_domain_prefixed_path(name: str) -> str:
    """Return why ``name`` is no domain with a path (the controller of an IngressClass).

    >>> wrong_domain_prefixed_path("example.com/ingress")
    ''
    """
    domain, _, path = name.partition("/")
    if not domain or not path:
        return 'must be a domain-prefixed path (such as "acme.io/foo")'
    return wrong_dns_subdomain(domain) or ("" if _PATH.match(path) else _PATH_RULE)


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
    return wrong_qualified_name(key)


def wrong_qualified_name(key: str) -> str:
    """Return why ``key`` is no ``name`` nor ``subdomain/name`` (labels, annotations, resources).

    >>> wrong_qualified_name("/rack")
    'prefix part must be non-empty'
    """
    if key.count("/") > 1:
        return _QUALIFIED_FORM
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (wrong := wrong_dns_subdomain(prefix)):
        return f"prefix part {wrong}"
    if not name:
        return "name part must be non-empty"
    if len(name) > 63:
        return "name part must be no more than 63 bytes"
    return "" if _QUALIFIED.match(name) else _QUALIFIED_RULE


def wrong_env_name(name: str) -> str:
    """Return why ``name`` cannot be an environment variable's.

    >>> wrong_env_name("a.b c"), wrong_env_name("a=b")[:40]
    ('', 'a valid environment variable name must c')
    """
    return "" if name.isascii() and name.isprintable() and "=" not in name else _ENV_RULE


def wrong_header_name(name: str) -> str:
    """Return why ``name`` cannot be an HTTP header's."""
    return "" if _HEADER.match(name) else _HEADER_RULE


def wrong_search_path(name: str) -> str:
    """Return why ``name`` cannot be a domain that a resolver searches; ``.`` can.

    >>> wrong_search_path("svc.cluster.local.")
    ''
    """
    bare = name.removesuffix(".")
    if len(bare) > 253:
        return "must be no more than 253 bytes"
    return "" if not bare or all(map(_SEARCH.match, bare.split("."))) else _SEARCH_RULE


def wrong_port_name(name: str) -> str:
    """Return why ``name`` cannot be a container port's name (an IANA service name, RFC 6335).

    >>> wrong_port_name("http-web")
    ''
    """
    if len(name) > 15:
        return "must be no more than 15 bytes"
    if not re.fullmatch("[-a-z0-9]+", name):
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search("[a-z]", name):
        return "must contain at least one letter (a-z)"
    if "--" in name:
        return "must not contain consecutive hyphens"
    if "-" in (name[0], name[-1]):
        return "must not begin or end with a hyphen"
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
