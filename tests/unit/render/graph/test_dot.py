"""The digraph; tests/kernel/test_graph.py has graphviz read it."""

from netlab.render.graph.dot import render_graph_dot
from tests.unit.graph_samples import SMALL, dual, hostile, large


def test_nodes_are_clusters_and_services_lead_to_their_pods():
    lines = render_graph_dot(SMALL).splitlines()

    assert lines[0] == 'digraph "lab blue" {'
    assert "  subgraph cluster_n0 {" in lines
    assert '    label="node1\\n10.240.0.3";' in lines
    assert '    p0x1 [label="web-2\\n10.244.1.3, not ready"];' in lines
    assert "  p0x0 -> s0 [dir=back, style=dashed];" in lines
    assert "  router -> g0 [lhead=cluster_n0];" in lines
    assert lines[-1] == "}"


def test_a_second_family_stands_below_the_main_one():
    lines = render_graph_dot(dual()).splitlines()

    assert '    label="node1\\n10.240.0.3\\nfd00:10:240::3";' in lines
    assert '    p0x0 [label="web-1\\n10.244.1.2\\nfd00:10:244:1::2, not ready"];' in lines


def test_a_hostile_name_stays_inside_its_quotes():
    [line] = [
        one for one in render_graph_dot(hostile()).splitlines() if one.startswith("    p0x0 [")
    ]
    assert line == (
        "    p0x0 [label=\"x\\\"];</script><script>alert('&amp;');\\\\n  end\\\\x1b[31m --> \\\\"
        '\\n10.244.1.2"];'
    )


def test_an_arrow_to_folded_pods_is_drawn_once():
    assert render_graph_dot(large()).count("-> s0 ") == 20
