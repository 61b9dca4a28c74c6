"""Rules of kube-proxy's table, and rules that are not."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.model.addresses import Address, Family, Network
from netlab.model.packets import AddrPort
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    DnatStatement,
    IifNameMatch,
    LocalAddressMatch,
    MapLookup,
    MarkStatement,
    MasqueradeStatement,
    Match,
    NewConnectionMatch,
    OtherRule,
    ProtocolMatch,
    RandomVerdict,
    Rule,
    Statement,
    UnmarkedMatch,
    UpdateSetStatement,
    VerdictStatement,
    rule,
)


@pytest.mark.parametrize(
    "words",
    [
        "ip daddr 10.0.0.1",
        "ct state established accept",
        "counter drop",
        "ip daddr 10.0.0.1drop",
        "ip daddr . th dport vmap @x",
        "ip daddr 10.0.0.1/8 drop",
        "drop drop",
        "",
    ],
    ids=[
        "no statement", "another state", "a counter", "no blank", "another key",
        "no network", "two statements", "nothing",
    ],
)  # fmt: skip
def test_words_that_kube_proxy_does_not_say_are_kept_as_they_are(words: str):
    assert parse_rule(words, "why") == rule(then=OtherRule(words), comment="why")
    assert parse_rule(words).words == words


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ("meta mark set meta mark | 0x00004000", "mark set mark or 0x4000"),
        ("meta mark set meta mark ^ 0x00004000", "mark set mark xor 0x4000"),
        ("meta mark & 0x00004000 == 0x00000000 return", "mark and 0x4000 == 0 return"),
        ("meta mark & 0x00004000 == 0 return", "mark and 0x4000 == 0 return"),
    ],
)
def test_what_nft_spells_otherwise_is_the_same_rule(listed: str, written: str):
    assert parse_rule(listed) == parse_rule(written)
    assert parse_rule(listed).words == written


names = st.text("abcXYZ0189-_./", min_size=1, max_size=20)
masks = st.integers(1, 2**32 - 1)
hosts = {
    Family.IPV4: st.ip_addresses(v=4),
    Family.IPV6: st.ip_addresses(v=6),
}
families = st.sampled_from(Family)
protocols = st.sampled_from(["tcp", "udp", "sctp"])
ports = st.integers(0, 65535)
verdicts = st.builds(VerdictStatement, st.sampled_from(["drop", "reject", "return"])) | st.builds(
    VerdictStatement, st.sampled_from(["jump", "goto"]), names
)


@st.composite
def address_matches(draw: st.DrawFn) -> AddressMatch:
    family = draw(families)
    host = hosts[family].filter(lambda one: getattr(one, "scope_id", None) is None)
    network = st.ip_addresses(v=4 if family is Family.IPV4 else 6).flatmap(
        lambda one: st.integers(1, one.max_prefixlen).map(lambda size: network_of(one, size))
    )
    made = draw(st.lists(host | network, max_size=4))
    return AddressMatch(
        family=family,
        is_source=draw(st.booleans()),
        is_inverted=draw(st.booleans()),
        addresses=tuple(made),
        is_list=len(made) == 1 and draw(st.booleans()),
        set_name="" if made else draw(names),
    )


def network_of(address: Address, size: int) -> Network:
    return ip_network(f"{address}/{size}", strict=False)


matches = (
    address_matches()
    | st.builds(ProtocolMatch, protocols, st.none() | ports)
    | st.builds(IifNameMatch, names, st.booleans())
    | st.builds(LocalAddressMatch, st.booleans())
    | st.builds(UnmarkedMatch, masks)
    | st.builds(NewConnectionMatch)
)
endpoints = st.builds(AddrPort, hosts[Family.IPV4] | hosts[Family.IPV6], ports)
statements = (
    verdicts
    | st.builds(MapLookup, names, st.none() | families)
    | st.lists(verdicts, min_size=1, max_size=5).map(lambda many: RandomVerdict(tuple(many)))
    | st.builds(MarkStatement, masks, st.booleans())
    | st.builds(UpdateSetStatement, names, families)
    | st.builds(DnatStatement, endpoints)
    | st.builds(MasqueradeStatement)
)


@given(st.lists(matches, max_size=4), statements)
def test_words_read_back_as_the_rule_that_wrote_them(asked: list[Match], statement: Statement):
    written = Rule(tuple(asked), statement)

    assert parse_rule(written.words) == written


@given(st.lists(address_matches(), max_size=2))
def test_the_canonical_form_is_its_own_and_means_the_same(asked: list[AddressMatch]):
    written = rule(*asked, then=VerdictStatement("drop"))
    once = written.canonical()

    assert once.canonical() == once
    assert parse_rule(once.words) == once
    for before, after in zip(asked, once.matches, strict=True):
        assert isinstance(after, AddressMatch)
        for one in (*before.addresses, *after.addresses):
            address = one if isinstance(one, Address) else one.network_address
            assert before.holds(address) == after.holds(address)
