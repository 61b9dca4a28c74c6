"""The picture of a lab."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from netlab.model.graph import LabGraph
from netlab.render.graph.svg import letter, render_graph_svg
from tests.unit.graph_samples import SMALL, dual, hostile, lab, large, service

SVG = "{http://www.w3.org/2000/svg}"


def texts(graph: LabGraph, *, every_pod: bool = False) -> list[str]:
    picture = ET.fromstring(render_graph_svg(graph, every_pod=every_pod))
    return ["".join(found.itertext()) for found in picture.iter(f"{SVG}text")]


def test_everything_is_in_the_picture_in_words():
    found = texts(SMALL)

    for words in ("client", "router", "lb", "node1", "gateway 10.244.1.1", "web-1", "10.244.1.2"):
        assert words in found
    assert "10.244.1.3, not ready" in found
    assert "10.0.55.247:80/TCP http, NodePort 31704" in found
    assert "NodePort, externalTrafficPolicy Cluster" in found
    assert "no pod" in found


def test_both_families_are_in_the_picture():
    found = texts(dual())

    for words in ("10.240.0.3", "fd00:10:240::3", "gateway fd00:10:244:1::1", "10.244.1.2"):
        assert words in found
    assert "fd00:10:244:1::2, not ready" in found
    assert "10.0.55.247:80, [fd00:10:96::577e]:80/TCP http, NodePort 31704" in found


def test_addresses_that_find_no_room_in_a_line_have_two():
    node, web = dual().nodes[0], dual().services[0]
    ends = tuple(replace(end, pod="source-ip-app-746d9df86c-v6klv") for end in web.endpoints)
    found = texts(lab(node, services=(replace(web, endpoints=ends),)))

    assert "→ source-ip-app-746d9df86c-v6klv 10.244.1.2:8080," in found
    assert "  [fd00:10:244:1::2]:8080 on node1, not ready" in found


def test_a_pod_has_the_letter_of_each_service_it_is_behind():
    # At the Service itself and at its two pods; the other Service has no pod.
    assert texts(SMALL).count("A") == 3
    assert texts(SMALL).count("B") == 1


def test_more_letters_than_there_is_room_for_are_counted():
    many = replace(SMALL, services=tuple(service(f"s{n}", SMALL.nodes[0]) for n in range(9)))
    assert texts(many).count("+6") == 2


@pytest.mark.parametrize("graph", [SMALL, large(), hostile(), lab()], ids=lambda g: g.topology)
def test_nothing_lies_outside_of_the_picture(graph: LabGraph):
    picture = ET.fromstring(render_graph_svg(graph))
    width, height = (float(picture.get(side, "0")) for side in ("width", "height"))

    for box in picture.iter(f"{SVG}rect"):
        x, y, w, h = (float(box.get(key, "0")) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
    for words in picture.iter(f"{SVG}text"):
        assert 0 <= float(words.get("y", "0")) <= height


def test_a_large_lab_folds_its_pods_unless_all_are_asked_for():
    assert sum(words.startswith("storefront-") for words in texts(large())) == 10
    assert sum(words.startswith("agent-") for words in texts(large(), every_pod=True)) == 10
    assert len(texts(large(), every_pod=True)) > len(texts(large())) + 150


def test_a_hostile_name_stays_text():
    picture = render_graph_svg(hostile())
    assert "<script" not in picture
    assert "\x1b" not in picture


def test_letters_go_on_after_the_last():
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"
    ]  # fmt: skip
