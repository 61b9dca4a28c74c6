"""netlab graph on a running lab, in all its forms."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.render.graph.dot import render_graph_dot
from tests.kernel.conftest import SUDO, Lab
from tests.unit.graph_samples import hostile, large

pytestmark = pytest.mark.kernel

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("two-nodes")
    return made


def graph(lab: Lab, *options: str) -> str:
    done = lab.run("graph", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def through_graphviz(text: str) -> list[str]:
    """Return the words of the picture that dot makes of a digraph."""
    assert shutil.which("dot"), "graphviz is not installed; sudo scripts/test.sh installs it"
    done = subprocess.run(
        ["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = ET.fromstring(done.stdout).iter(f"{SVG}text")
    return ["".join(words.itertext()) for words in found]


def test_text_has_the_lab_as_it_is(lab: Lab):
    drawing = graph(lab)

    assert drawing.startswith(f"lab {lab.name} (two-nodes)\n")
    for words in ("client  198.51.100.79", "node1  10.240.0.3", "gateway 10.244.1.1", "web-1"):
        assert words in drawing
    assert "Service default/web  NodePort, externalTrafficPolicy Cluster\n" in drawing
    assert "NodePort 30080\n    └▶ web-1 10.244.1.2:8080 on node1\n" in drawing


def test_graphviz_reads_the_digraph(lab: Lab):
    words = through_graphviz(graph(lab, "-o", "dot"))
    assert {"web-1", "node1", "gateway 10.244.1.1"} <= set(words)


def test_graphviz_reads_a_large_digraph_and_a_hostile_one():
    assert "agent-10" in through_graphviz(render_graph_dot(large()))
    # dot makes runs of blanks unbreakable.
    words = [w.replace("\xa0", " ") for w in through_graphviz(render_graph_dot(hostile()))]
    assert "x\"];</script><script>alert('&');\\n  end\\x1b[31m --> \\" in words


def test_svg_mermaid_and_json_say_the_same(lab: Lab):
    picture = ET.fromstring(graph(lab, "-o", "svg"))
    words = {"".join(found.itertext()) for found in picture.iter(f"{SVG}text")}
    assert {"web-1", "node2", "10.240.0.4", "default/web"} <= words

    assert '["web-1<br/>10.244.1.2"]' in graph(lab, "-o", "mermaid")

    document = json.loads(graph(lab, "-o", "json"))
    schema = json.loads((Path(netlab.render.__file__).parent / "graph.schema.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    [web] = [one for one in document["services"] if one["name"] == "default/web"]
    assert [end["pod"] for end in web["endpoints"]] == ["web-1"]
    assert web["ports"][0]["node_port"] == 30080


def test_an_unknown_form_names_those_there_are(lab: Lab):
    done = lab.run("graph", "-o", "png")
    assert done.returncode == 2
    assert "'text', 'mermaid', 'dot', 'svg', 'json'" in done.stderr


def test_a_lab_that_is_not_up_is_a_sentence(make_lab: Callable[[], Lab]):
    done = make_lab().run("graph")
    assert (done.returncode, done.stdout) == (6, "")
    assert f"Hint: {SUDO}netlab up" in done.stderr
