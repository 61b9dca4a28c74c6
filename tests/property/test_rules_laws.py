"""Laws of rules: text and value are two forms of one thing, and every endpoint has its share."""

from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from netlab.kubeproxy.iptables.chains import split_evenly
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    InInterface,
    IpProtocol,
    Mark,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.iptables.parse import parse, parse_against
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.save_format import printed
from netlab.netfilter.iptables.sync import sync_text
from netlab.netfilter.iptables.targets import (
    Accept,
    Dnat,
    Drop,
    Jump,
    Masquerade,
    Reject,
    Return,
    SetMark,
)

OWN = ("KUBE-SERVICES", "KUBE-SVC-A", "NETLAB-X")
HOOKS = ("PREROUTING", "OUTPUT")

ports = st.integers(1, 65535)
bits = st.integers(0, 0xFFFF_FFFF)
names = st.from_regex(r"[A-Za-z][-A-Za-z0-9_]{0,14}", fullmatch=True)
addresses = st.integers(0, 2**32 - 1).map(IPv4Address)
networks = st.tuples(addresses, st.integers(1, 32)).map(
    lambda pair: IPv4Network(pair, strict=False)
)
states = st.frozensets(st.sampled_from(["INVALID", "NEW", "RELATED", "DNAT"]), min_size=1)

headers = st.tuples(
    st.none() | st.builds(Source, networks, st.booleans()),
    st.none() | st.builds(Destination, networks, st.booleans()),
    st.none() | st.builds(InInterface, names, st.booleans()),
)
extensions = st.lists(
    st.one_of(
        st.builds(Comment, st.text(max_size=300)),
        st.builds(AddrType, st.sampled_from(Side), st.just("LOCAL"), st.booleans()),
        st.builds(Mark, bits, bits, st.booleans()),
        st.builds(CtState, states, st.booleans()),
        st.builds(Statistic, st.floats(0, 1)),
        st.builds(RecentSet, names),
        st.builds(RecentCheck, names, st.integers(1, 10**6), st.booleans()),
    ),
    max_size=3,
)
transports = st.none() | st.tuples(
    st.sampled_from(["tcp", "udp", "sctp"]), st.none() | ports, st.none() | ports
)
targets = st.none() | st.one_of(
    st.sampled_from([Accept(), Drop(), Return(), Reject(), Masquerade(), Masquerade(True)]),
    st.sampled_from(OWN).map(Jump),
    st.builds(Dnat, addresses, st.none() | ports),
    st.builds(SetMark, bits, bits),
)


@st.composite
def rules(draw: st.DrawFn, chain: str):
    transport = draw(transports)
    of_transport = [] if transport is None else [IpProtocol(transport[0]), Ports(*transport)]
    matches = [*draw(headers), *draw(extensions), *of_transport]
    return rule(chain, *matches, target=draw(targets))


@st.composite
def rulesets(draw: st.DrawFn):
    chains = [
        Chain(name, tuple(draw(st.lists(rules(name), max_size=3, unique_by=str))), policy)
        for name, policy in (*((hook, "ACCEPT") for hook in HOOKS), *((own, None) for own in OWN))
    ]
    return Ruleset(Family.IPV4, (Table("nat", tuple(chains)),))


@given(rulesets())
def test_what_is_rendered_parses_back(ruleset: Ruleset):
    assert parse(render(ruleset), ruleset.family) == normalise(ruleset)


@given(rulesets())
def test_normal_form_is_final(ruleset: Ruleset):
    assert normalise(normalise(ruleset)) == normalise(ruleset)


@given(rulesets())
def test_a_ruleset_needs_nothing_to_reach_itself(ruleset: Ruleset):
    assert sync_text(ruleset, parse(render(ruleset), ruleset.family), KUBE_PROXY) == ""


def print_out(ruleset: Ruleset):
    """As iptables-save does."""
    text = render(ruleset)
    for chain in ruleset.tables[0].chains:
        for one in chain.rules:
            text = text.replace(f"\n{one}\n", f"\n{printed(one, ruleset.family)}\n")
    return text


@given(rulesets())
def test_what_is_printed_is_what_was_rendered(ruleset: Ruleset):
    assert parse(print_out(ruleset), ruleset.family) == normalise(ruleset)


@given(rulesets(), rulesets())
def test_knowing_what_is_wanted_changes_nothing_of_what_is_lacking(want: Ruleset, have: Ruleset):
    text = print_out(have)
    lacking = sync_text(want, parse(text, have.family), KUBE_PROXY)
    assert sync_text(want, parse_against(text, want), KUBE_PROXY) == lacking
    assert normalise(parse_against(text, want)) == normalise(have)


@given(st.text())
def test_any_comment_is_one_line_and_one_word(text: str):
    line = str(rule("X", Comment(text), target=Drop()))
    (found,) = parse(f"*nat\n:X - [0:0]\n{line}\nCOMMIT\n", Family.IPV4).tables[0].chains[0].rules
    assert found == rule("X", Comment(text), target=Drop())


@given(st.integers(1, 200))
def test_every_endpoint_has_the_same_chance(count: int):
    left = Fraction(1)
    shares = []
    for probability in split_evenly(count):
        share = left if probability is None else left * Fraction(probability)
        shares.append(share)
        left -= share
    assert len(shares) == count
    assert left == 0
    assert all(abs(share - Fraction(1, count)) < Fraction(1, 10**12) for share in shares)
