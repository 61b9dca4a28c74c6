"""The sequence diagram."""

from dataclasses import replace

from netlab.render.trace.mermaid import escaped, render_mermaid
from tests.unit.trace_samples import delivered, dropped


def test_a_delivered_request_is_drawn_with_its_rewrites():
    lines = render_mermaid(delivered()).splitlines()

    assert lines[:2] == ["sequenceDiagram", "  autonumber"]
    assert "  participant h1 as node2" in lines
    assert "  h0->>h1: SYN client#58;40000 to node2#58;30080" in lines
    assert (
        "  Note over h1: DNAT node2#58;30080 to web#58;8080 by KUBE-SEP-AAAA<br/>"
        "SNAT client#58;40000 to node2#58;7777 by POSTROUTING" in lines
    )


def test_a_drop_is_a_note_where_it_happened():
    assert "  Note over h1: dropped on node2 by filter INPUT #35;1" in render_mermaid(dropped())


def test_a_hostile_name_cannot_add_a_line_or_a_statement():
    names = {"10.244.1.2": "x\nNote over h0: <script>;"}

    text = render_mermaid(replace(delivered(), names=names))

    assert "<script>" not in text
    assert not any(line.startswith("Note over h0") for line in text.splitlines())
    assert escaped("#;") == "#35;#59;"
