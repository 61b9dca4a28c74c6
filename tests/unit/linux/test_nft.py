"""What of nft's complaints is told."""

from netlab.linux.nft import first_complaint

ONE = """\
/dev/stdin:2:14-20: Error: Could not process rule: No such file or directory
add rule ip kube-proxy services goto nowhere
                                     ^^^^^^^
"""


def test_a_complaint_is_told_with_its_line():
    assert first_complaint(ONE).splitlines() == [
        "line 2: Error: Could not process rule: No such file or directory",
        "  add rule ip kube-proxy services goto nowhere",
    ]


def test_of_many_the_first_is_told_and_the_others_are_counted():
    assert first_complaint(ONE + ONE).endswith("nowhere\n(and 1 complaint more)")
    assert first_complaint(ONE * 3000).endswith("(and 2999 complaints more)")


def test_other_words_are_told_as_they_are():
    assert first_complaint("netlink: Error: cache initialization failed\n") == (
        "netlink: Error: cache initialization failed"
    )
