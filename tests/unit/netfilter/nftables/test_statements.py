"""Rules of kube-proxy's table, and rules that are not."""

import re

import pytest

from netlab.errors import SpecError
from netlab.netfilter.nftables.statements import read_rule


@pytest.mark.parametrize(
    "words",
    [
        "ip daddr 10.0.0.1",
        "ct state established accept",
        "counter drop",
        "ip daddr 10.0.0.1drop",
        "ip daddr . th dport vmap @x",
    ],
    ids=["no action", "another state", "a counter", "no blank", "another key"],
)
def test_words_that_kube_proxy_does_not_say_are_quoted(words: str):
    with pytest.raises(SpecError, match=re.escape(words)):
        read_rule(words)
