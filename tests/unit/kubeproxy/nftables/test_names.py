import pytest

from netlab.kubeproxy.nftables.names import hashed, path_of


@pytest.mark.parametrize(
    ("port_name", "protocol", "name"),
    [
        ("ns1/svc1:p80", "tcp", "ULMVA6XW-ns1/svc1/tcp/p80"),
        ("ns2/svc2:p80", "tcp", "42NFTM6N-ns2/svc2/tcp/p80"),
        ("ns5/svc5:p80", "tcp", "HVFWP5L3-ns5/svc5/tcp/p80"),
    ],
    ids=["svc1", "svc2", "svc5"],
)
def test_name_is_kube_proxys_own(port_name: str, protocol: str, name: str):
    # Source: kube-proxy, pkg/proxy/nftables/proxier_test.go.
    assert hashed(path_of(port_name, protocol)) == name


def test_a_name_without_an_endpoints_colons_is_kube_proxys_own():
    name = "2CRNCTTE-ns1/svc1/tcp/p80__fd00.10.180..2.1/80"
    assert hashed("ns1/svc1/tcp/p80__fd00.10.180..2.1/80") == name


def test_a_name_too_long_for_the_kernel_is_cut_and_stays_unique():
    names = [hashed(f"{'n' * 300}/{number}") for number in (1, 2)]
    assert [len(name) for name in names] == [240, 240]
    assert names[0] != names[1]


def test_names_that_differ_in_what_nft_does_not_take_stay_apart():
    quoted, blank = hashed('a"b/tcp/'), hashed("a b/tcp/")
    assert quoted != blank
    assert quoted.endswith("-a_b/tcp/")
    assert blank.endswith("-a_b/tcp/")
