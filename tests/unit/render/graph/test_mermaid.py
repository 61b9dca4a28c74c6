"""The flowchart."""

import re

from netlab.render.graph.mermaid import render_graph_mermaid
from tests.unit.graph_samples import HOSTILE, SMALL, dual, hostile, large

STATEMENT = re.compile(
    r'flowchart TB|  %% .*|  +\w+[\[({>]+"[^"]*"[\])}]+|  +\w+ (---|-\.->) \w+'
    r'|  subgraph \w+\["[^"]*"\]|  end'
)


def test_nodes_hold_their_pods_and_services_lead_to_them():
    lines = render_graph_mermaid(SMALL).splitlines()

    assert lines[0] == "flowchart TB"
    at = lines.index('  subgraph n0["node1<br/>10.240.0.3"]')
    assert lines[at + 1] == '    g0("gateway 10.244.1.1<br/>10.244.1.0/24")'
    assert lines[at + 2] == '    p0x0["web-1<br/>10.244.1.2"]'
    assert "  router --- g0" in lines
    assert "  s0 -.-> p0x0" in lines
    assert "  c0 --- router" in lines
    assert any("NodePort, externalTrafficPolicy Cluster" in line for line in lines)


def test_a_second_family_stands_below_the_main_one():
    lines = [line.replace("#58;", ":") for line in render_graph_mermaid(dual()).splitlines()]

    at = lines.index('  subgraph n0["node1<br/>10.240.0.3<br/>fd00:10:240::3"]')
    assert "<br/>10.244.1.0/24<br/>fd00:10:244:1::/64" in lines[at + 1]
    assert lines[at + 2] == '    p0x0["web-1<br/>10.244.1.2<br/>fd00:10:244:1::2, not ready"]'


def test_every_line_is_a_statement_even_with_a_hostile_name():
    for graph in (SMALL, large(), hostile(), dual()):
        for line in render_graph_mermaid(graph).splitlines():
            assert STATEMENT.fullmatch(line), line
    assert HOSTILE not in render_graph_mermaid(hostile())
    assert "<script" not in render_graph_mermaid(hostile())


def test_an_arrow_to_folded_pods_is_drawn_once():
    assert render_graph_mermaid(large()).count("s0 -.->") == 20
    assert render_graph_mermaid(large(), every_pod=True).count("s0 -.->") == 100
