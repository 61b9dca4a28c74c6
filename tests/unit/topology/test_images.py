import pytest

from netlab.errors import SpecError
from netlab.lab.topologies import with_stand_in
from netlab.model.topology import TopologyImage
from netlab.topology.parse import parse_topology

TOPOLOGY = "apiVersion: netlab/v1\nkind: Topology\nspec: {nodes: 1, images: %s}\n"


def test_a_topology_names_what_stands_for_images():
    text = TOPOLOGY % "{acme/app: {command: [python3, -m, http.server]}, unknown: echo}"
    assert parse_topology(text, "t").topology.images == (
        TopologyImage(name="acme/app", command=("python3", "-m", "http.server")),
        TopologyImage(name="unknown", command=()),
    )


@pytest.mark.parametrize("images", ["{a: other}", "{a: {}}", "{a: {command: []}}", "[a]"])
def test_what_is_none_is_refused(images: str):
    with pytest.raises(SpecError):
        parse_topology(TOPOLOGY % images, "t")


def test_a_stand_in_is_added_and_the_rest_stays():
    text = (TOPOLOGY % "{a: {command: [x]}}" + "---\nkind: Pod\n").encode()
    assert b"unknown: echo" in with_stand_in(text)
    assert b"kind: Pod" in with_stand_in(text)
    assert b"command:" in with_stand_in(text)
