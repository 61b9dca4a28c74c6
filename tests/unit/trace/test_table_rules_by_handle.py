"""Rules of kube-proxy's nftables table, found by their handles."""

from netlab.netfilter.nftables.parse import parse_listing
from netlab.trace.rules_by_handle import KnownRule
from netlab.trace.table_rules_by_handle import table_book
from tests.unit.kubeproxy.nftables.listed import LISTING

LISTED = parse_listing(LISTING)
BOOK = table_book(LISTED)


def rule(chain: str, index: int) -> KnownRule:
    names = [name for name in LISTED.handles if name.startswith(chain)]
    return BOOK["kube-proxy", names[0], LISTED.handles[names[0]][index - 1]]


def test_a_rule_tells_its_place_service_and_endpoint():
    known = rule("endpoint-SVLGPL42", 3)
    assert (known.index, known.text) == (3, "meta l4proto tcp dnat to 10.244.1.2:8080")
    assert (known.service, known.endpoint) == ("default/web:http", "10.244.1.2:8080")
    assert known.target == "DNAT"


def test_what_a_rule_does_has_the_name_that_iptables_gives_it():
    assert rule("masquerading", 3).target == "MASQUERADE"
    assert rule("reject-chain", 1).target == "REJECT"
    assert rule("firewall-SUSTUHLJ", 1).target == "DROP"
    assert rule("service-SUSTUHLJ", 2).target == ""


def test_a_rule_that_looks_up_knows_its_map():
    known = rule("services", 1)
    assert known.entries["10.0.0.80 . tcp . 80"].service == "default/web:http"
    refused = rule("nodeport-endpoints-check", 1).entries["tcp . 30081"]
    assert refused.service == "default/lone"
    assert refused.text == 'tcp . 30081 comment "default/lone" : goto reject-chain'


def test_every_rule_of_the_listing_is_known():
    assert len(BOOK) == sum(map(len, LISTED.handles.values()))
