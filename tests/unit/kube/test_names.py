from collections.abc import Callable

import pytest

from netlab.kube.names import (
    wrong_dns_label,
    wrong_dns_subdomain,
    wrong_label_key,
    wrong_label_value,
    wrong_port_name,
    wrong_service_name,
)

Rule = Callable[[str], str]

RIGHT: list[tuple[Rule, str]] = [
    (wrong_dns_label, "a"),
    (wrong_dns_label, "0-a"),
    (wrong_dns_label, "a" * 63),
    (wrong_dns_subdomain, "a.b-c.0"),
    (wrong_dns_subdomain, ".".join(["a" * 63] * 3)),
    (wrong_service_name, "web-1"),
    (wrong_label_key, "App_1.x"),
    (wrong_label_key, "example.com/App"),
    (wrong_label_value, ""),
    (wrong_label_value, "v1.2_3"),
    (wrong_port_name, "http-80"),
    (wrong_port_name, "a" * 15),
]
WRONG: list[tuple[Rule, str]] = [
    (wrong_dns_label, ""),
    (wrong_dns_label, "a.b"),
    (wrong_dns_label, "a\n"),
    (wrong_dns_label, "-a"),
    (wrong_dns_label, "a-"),
    (wrong_dns_label, "é"),
    (wrong_dns_label, "a" * 64),
    (wrong_dns_subdomain, "a..b"),
    (wrong_dns_subdomain, "A"),
    (wrong_dns_subdomain, "a" * 254),
    (wrong_service_name, "1web"),
    (wrong_label_key, "a/b/c"),
    (wrong_label_key, "/b"),
    (wrong_label_key, ""),
    (wrong_label_key, "a" * 64),
    (wrong_label_value, "-"),
    (wrong_label_value, "a b"),
    (wrong_port_name, "80"),
    (wrong_port_name, "a--b"),
    (wrong_port_name, "Http"),
    (wrong_port_name, "a" * 16),
]


@pytest.mark.parametrize(("rule", "name"), RIGHT)
def test_allows(rule: Rule, name: str):
    assert rule(name) == ""


@pytest.mark.parametrize(("rule", "name"), WRONG)
def test_refuses(rule: Rule, name: str):
    assert rule(name)
