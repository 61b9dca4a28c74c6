"""The lab in box characters."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.model.graph import GraphHost, LabGraph
from netlab.render.graph.text import render_graph_text
from tests.unit.graph_samples import SMALL, dual, hostile, lab, large

AT_80 = """\
lab blue (any)

  ┌───────────────────────┐
  │ client  198.51.100.79 │
  └───────────┬───────────┘
              │
  ┌───────────┴──────────┐
  │ router  10.240.0.1   │
  │         198.51.100.1 │
  └───────────┬──────────┘
           ┌──┴─────────────────┬──────────────────────┐
  ┌────────┴───────┐ ┌──────────┴─────────┐ ┌──────────┴─────────┐
  │ lb  10.240.0.2 │ │ node1  10.240.0.3  │ │ node2  10.240.0.4  │
  └────────────────┘ │ external 192.0.2.3 │ │ external 192.0.2.4 │
                     │ pods 10.244.1.0/24 │ │ pods 10.244.2.0/24 │
                     │ gateway 10.244.1.1 │ │ gateway 10.244.2.1 │
                     ├────────────────────┤ ├────────────────────┤
                     │ web-1              │ │ no pod             │
                     │   10.244.1.2       │ └────────────────────┘
                     │ web-2 (not ready)  │
                     │   10.244.1.3       │
                     └────────────────────┘

Service default/web  NodePort, externalTrafficPolicy Cluster
    10.0.55.247:80/TCP http, NodePort 31704
    └▶ web-1 10.244.1.2:8080 on node1
    └▶ web-2 10.244.1.3:8080 on node1, not ready
Service default/none  ClusterIP, headless
    └▶ no endpoint
"""


DUAL_AT_80 = """\
  ┌────────┴───────┐ ┌─────────────┴────────────┐
  │ lb  10.240.0.2 │ │ node1  10.240.0.3        │
  └────────────────┘ │        fd00:10:240::3    │
                     │ external 192.0.2.3       │
                     │ external 2001:db8:192::3 │
                     │ pods 10.244.1.0/24       │
                     │ gateway 10.244.1.1       │
                     │ pods fd00:10:244:1::/64  │
                     │ gateway fd00:10:244:1::1 │
                     ├──────────────────────────┤
                     │ web-1 (not ready)        │
                     │   10.244.1.2             │
                     │   fd00:10:244:1::2       │
                     └──────────────────────────┘

Service default/web  NodePort, externalTrafficPolicy Cluster
    10.0.55.247:80, [fd00:10:96::577e]:80/TCP http, NodePort 31704
    └▶ web-1 10.244.1.2:8080, [fd00:10:244:1::2]:8080 on node1, not ready
"""


def crowded() -> LabGraph:
    clients = (
        GraphHost(name=f"client{n}", addresses=(ip_address(f"198.51.100.{n}"),)) for n in range(9)
    )
    return replace(large(), clients=tuple(clients))


def test_a_small_lab_is_drawn_with_all_its_addresses():
    assert render_graph_text(SMALL, 80) == AT_80


def test_each_address_of_a_second_family_has_a_line():
    assert render_graph_text(dual(), 80).endswith(DUAL_AT_80)


@pytest.mark.parametrize("width", [80, 100, 137, 200])
@pytest.mark.parametrize("every_pod", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, every_pod: bool):
    for graph in (SMALL, large(), crowded(), hostile(), dual()):
        drawing = render_graph_text(graph, width, every_pod=every_pod)
        assert max(map(len, drawing.splitlines())) <= width


def test_a_wider_terminal_makes_a_shorter_drawing():
    heights = [len(render_graph_text(large(), width).splitlines()) for width in (80, 140, 200)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3


def test_a_large_lab_shows_every_node_and_folds_pods():
    drawing = render_graph_text(large(), 80)

    assert all(f"│ node{number} " in drawing for number in range(1, 11))
    assert drawing.count(" x9 │") == 10
    assert len(drawing.splitlines()) < 75
    assert render_graph_text(large(), 80, every_pod=True).count("0311x") == 1


def test_every_line_of_the_drawing_ends_in_something():
    """A wire that ends in the open is a half of a box character."""
    for graph in (SMALL, large(), crowded()):
        for width in (80, 200):
            assert not set(render_graph_text(graph, width)) & set("╵╶╷╴")


def test_a_hostile_name_cannot_reach_the_terminal():
    assert "\x1b" not in render_graph_text(hostile(), 80)


def test_a_lab_without_anything_is_drawn_too():
    bare = replace(lab(), clients=(), balancers=(), router=None)
    assert render_graph_text(bare, 80) == "lab blue (any)\n\n\nno Service\n"
