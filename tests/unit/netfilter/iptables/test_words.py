import pytest

from netlab.netfilter.iptables.words import comment_text, masked, quote, split, word

HOSTILE = [
    'say "hi"',
    "it's",
    "back\\slash",
    "-j",
    "two  blanks",
    "é à la carte",
    '" -j DROP',
    "\\",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_what_is_quoted_splits_back_into_one_word(text: str):
    assert split(f"-m comment --comment {quote(text)} -j DROP") == [
        "-m",
        "comment",
        "--comment",
        text,
        "-j",
        "DROP",
    ]


@pytest.mark.parametrize(
    "text", ["a\nb", "a\rb", "a\x00b", "a\x1bb", "a\u2028b", "a\x85b"], ids=repr
)
def test_a_comment_stays_on_one_line(text: str):
    assert comment_text(text) == "a b"
    assert quote(text) == '"a b"'


@pytest.mark.parametrize(
    ("text", "size"),
    [("x" * 300, 255), ("é" * 200, 254), ("x" * 255, 255)],
    ids=["ASCII", "two bytes a letter, cut between letters", "just fits"],
)
def test_a_comment_is_cut_to_what_the_kernel_keeps(text: str, size: int):
    assert len(comment_text(text).encode()) == size
    assert text.startswith(comment_text(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("eth0", "eth0"), ("veth+", "veth+"), ("10.0.0.0/8", "10.0.0.0/8"), ("a b", '"a b"')],
    ids=["a name", "a prefix", "a network", "two words"],
)
def test_a_word_is_bare_unless_it_has_to_be_quoted(text: str, expected: str):
    assert word(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0x4000/0x4000", (0x4000, 0x4000)), ("0x1", (1, 0xFFFF_FFFF)), ("16/0", (16, 0))],
    ids=["a mask", "no mask", "decimal"],
)
def test_mark(text: str, expected: tuple[int, int]):
    assert masked(text) == expected
