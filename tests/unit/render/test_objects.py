"""The server's tables as text, as kubectl lays them out."""

from netlab.kube.objects import Object
from netlab.render.objects import ObjectTable

COLUMNS: list[Object] = [
    {"name": "Name", "priority": 0, "format": "name"},
    {"name": "Data", "priority": 0, "format": ""},
    {"name": "Node", "priority": 1, "format": ""},
]


def row(*cells: object) -> Object:
    return {"cells": list(cells), "object": {"metadata": {"namespace": "default"}}}


def test_columns_are_as_wide_as_their_widest_cell():
    table = ObjectTable(COLUMNS, with_namespace=True)
    assert table.text([row("web", 1, "node1"), row("a-long-name", 12, "node2")]) == (
        "NAMESPACE   NAME          DATA\ndefault     web           1\ndefault     a-long-name   12"
    )


def test_wide_shows_every_column():
    assert ObjectTable(COLUMNS, is_wide=True).text([row("web", 1, "node1")]) == (
        "NAME   DATA   NODE\nweb    1      node1"
    )


def test_names_have_their_kind_before_them():
    text = ObjectTable(COLUMNS, prefix="pod/").text([row("web", 1, "node1")])
    assert text.splitlines()[1].split() == ["pod/web", "1"]


def test_later_rows_stand_under_the_first_head():
    table = ObjectTable(COLUMNS)
    first = table.text([row("a-long-name", 1, "")])
    later = table.text([row("web", 2, "")], with_head=False)
    assert first.splitlines()[0].index("DATA") == later.index("2")
