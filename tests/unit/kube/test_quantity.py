import pytest

from netlab.kube.quantity import milli, parse_quantity


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("1", 1000),
        ("250m", 250),
        ("0.5", 500),
        (".5", 500),
        ("1.", 1000),
        ("1k", 1_000_000),
        ("1Ki", 1_024_000),
        ("1e3", 1_000_000),
        ("1E", 10**21),
        ("100n", 1),
        ("-1", -1000),
        (2, 2000),
        (0.25, 250),
    ],
)
def test_a_quantity_is_a_number(text: object, thousandths: int):
    assert milli(text) == thousandths


@pytest.mark.parametrize(
    "text", ["", "x", "1Kib", "1 Gi", "1KB", "--1", "1\n", "٣", None, True, "1e"]
)
def test_what_is_no_quantity_is_none(text: object):
    assert parse_quantity(text) is None
