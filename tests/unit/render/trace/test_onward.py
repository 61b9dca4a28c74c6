"""A connection that ends at a proxy, drawn with the one that the proxy made."""

import json
from dataclasses import replace

from netlab.cli.page_files import read_page_files
from netlab.render.trace.document import trace_document
from netlab.render.trace.mermaid import render_mermaid
from netlab.render.trace.page import render_trace_page
from netlab.render.trace.svg import render_trace_svg
from netlab.render.trace.tree import TraceStyle, render_trace
from tests.unit.trace_samples import delivered

ONWARD = replace(delivered(), caller="lb", target="tcp://10.240.0.4:31704")
TRACE = replace(delivered(), onward=ONWARD)


def test_the_text_has_both_verdicts():
    text = render_trace(TRACE, TraceStyle(width=100))
    assert text.count("✔ DELIVERED") == 2
    assert "The connection ended at lb, which made another one for it:" in text
    assert "which makes one of its own to" in text


def test_one_picture_has_both():
    picture = render_trace_svg(TRACE)
    assert picture.count("DELIVERED") == 2
    assert "lb → tcp://10.240.0.4:31704" in picture
    page = render_trace_page(TRACE, read_page_files())
    assert "The connection of lb" in page


def test_the_diagram_goes_on():
    alone, both = render_mermaid(delivered()), render_mermaid(TRACE)
    assert both.startswith(alone.rstrip("\n"))
    assert len(both) > len(alone)


def test_the_document_holds_the_other_document():
    document = trace_document(TRACE)
    assert document["onward"]["flow"]["caller"] == "lb"
    assert document["onward"]["onward"] is None
    assert json.dumps(document)
