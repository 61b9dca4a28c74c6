"""What nft 1.0.6 lists after kube-proxy's text for the same objects was loaded."""

import pytest

from netlab.errors import SpecError
from netlab.kube.proxy_objects import parse_proxy_objects
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.kubeproxy.view import proxy_view
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.table import Hook
from tests.unit.kubeproxy.nftables.listed import LISTING, OBJECTS


def test_a_listing_is_the_table_that_was_loaded():
    view = proxy_view(parse_proxy_objects([(OBJECTS, "objects.yaml")]), "node1")
    inputs = view.node, view.services, view.slices, view.configuration, view.family
    assert table_differences(compile_table(*inputs), parse_listing(LISTING).table) == []


def test_each_rule_has_its_handle():
    listing = parse_listing(LISTING)
    for chain in listing.table.chains:
        assert len(chain.rules) == len(listing.handles[chain.name])
    assert listing.handles["masquerading"] == tuple(sorted(listing.handles["masquerading"]))


def test_handles_may_be_left_out():
    lines = (line.partition(" # handle ")[0] for line in LISTING.splitlines())
    assert parse_listing("\n".join(lines)).table == parse_listing(LISTING).table


@pytest.mark.parametrize(
    ("priority", "number"),
    [
        pytest.param("dstnat - 10", -110, id="a name and a distance"),
        pytest.param("srcnat", 100, id="a name"),
        pytest.param("-110", -110, id="a number"),
    ],
)
def test_a_priority_is_a_number_however_it_is_spelled(priority: str, number: int):
    text = (
        "table ip kube-proxy {\n\tchain x {\n"
        f"\t\ttype nat hook output priority {priority}; policy drop;\n\t}}\n}}\n"
    )
    [chain] = parse_listing(text).table.chains
    assert chain.hook == Hook(type="nat", name="output", priority=number, policy="drop")


def test_clients_that_stay_with_an_endpoint_are_no_part_of_the_table():
    text = (
        "table ip kube-proxy {\n\tset affinity-x {\n\t\ttype ipv4_addr\n\t\tsize 65535\n"
        "\t\tflags dynamic,timeout\n\t\ttimeout 1h30m\n"
        "\t\telements = { 10.0.0.1 expires 59m56s, 10.0.0.2 expires 59m57s }\n\t}\n}\n"
    )
    [named] = parse_listing(text).table.sets
    assert (named.timeout_s, named.elements) == (5400, ())


def test_members_on_many_lines_are_all_read():
    text = (
        "table ip6 kube-proxy {\n\tset cluster-ips {\n\t\ttype ipv6_addr\n"
        "\t\telements = { fd00::1, fd00::2,\n\t\t\t     fd00::3 }\n\t}\n}\n"
    )
    [named] = parse_listing(text).table.sets
    assert [one.key for one in named.elements] == ["fd00::1", "fd00::2", "fd00::3"]


@pytest.mark.parametrize("text", ["", "table ip nat {\n}\n", "Error: No such file"])
def test_another_text_is_refused(text: str):
    with pytest.raises(SpecError, match="no listing of table kube-proxy"):
        parse_listing(text)
