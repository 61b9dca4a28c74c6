"""Rules found by their handles."""

import pytest

from netlab.trace.rules_by_handle import book_by_handle, service_of
from tests.unit.trace_samples import HANDLES, RULES


def test_the_nth_handle_of_a_chain_is_its_nth_line():
    text = "*nat\n:A - [0:0]\n:B - [0:0]\n-A A -j ONE\n-A B -j TWO\n-A A -j THREE\nCOMMIT\n"

    book = book_by_handle(text, {("nat", "A"): [7, 3], ("nat", "B"): [5]})

    assert {key: (rule.index, rule.target) for key, rule in book.items()} == {
        ("nat", "A", 7): (1, "ONE"),
        ("nat", "A", 3): (2, "THREE"),
        ("nat", "B", 5): (1, "TWO"),
    }


def test_a_chain_whose_rules_and_handles_differ_in_number_is_left_out():
    handles = {**HANDLES, ("filter", "INPUT"): [5, 6]}

    assert ("filter", "INPUT", 5) not in book_by_handle(RULES, handles)


def test_a_newline_in_a_comment_does_not_shift_the_numbers():
    text = '*filter\n-A X -m comment --comment "one\n-A X -j DROP" -j ONE\n-A X -j TWO\nCOMMIT\n'

    book = book_by_handle(text, {("filter", "X"): [1, 2]})

    assert [book["filter", "X", n].target for n in (1, 2)] == ["ONE", "TWO"]
    assert book["filter", "X", 1].comment == "one\n-A X -j DROP"


@pytest.mark.parametrize(
    ("comment", "service"),
    [
        pytest.param("default/web", "default/web", id="a Service alone"),
        pytest.param("default/web:http cluster IP", "default/web:http", id="a ClusterIP"),
        pytest.param("default/web -> 10.0.0.1:80", "default/web", id="an endpoint"),
        pytest.param("default/web has no endpoints", "default/web", id="a refusal"),
        pytest.param("kubernetes service portals", "", id="no Service"),
        pytest.param("http://x/y", "", id="a URL"),
    ],
)
def test_a_comment_names_its_service(comment: str, service: str):
    assert service_of(comment) == service
