"""Text that is not kube-proxy's own."""

import pytest

from netlab.errors import SpecError
from netlab.netfilter.nftables.parse import parse


@pytest.mark.parametrize(
    "line",
    [
        "add table ip filter",
        "flush ruleset",
        "add rule ip kube-proxy services",
        "add chain inet kube-proxy services",
        "table ip kube-proxy {",
    ],
)
def test_a_line_of_another_kind_is_quoted(line: str):
    text = f"add table ip kube-proxy\n{line}\n"
    with pytest.raises(SpecError, match=r"line 2 .*") as caught:
        parse(text)
    assert line in str(caught.value)
