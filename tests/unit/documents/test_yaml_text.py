import pytest

from netlab.documents import yaml_text
from netlab.documents.yaml_text import ONE_LAB, read_documents


def values(text: str | bytes):
    found, problems = read_documents(text)
    assert problems == []
    return [document.value for document in found]


def complaints(text: str | bytes):
    return [f"{problem.line}: {problem}" for problem in read_documents(text)[1]]


READ = {
    "plain scalars have JSON's types": (
        "a: [1, 1.5, true, null, x]",
        {"a": [1, 1.5, True, None, "x"]},
    ),
    "quotes keep a number text": ("a: '80'", {"a": "80"}),
    "dates stay text": ("a: 2020-01-01", {"a": "2020-01-01"}),
    "sixty is no base for ports": ("a: 22:22", {"a": "22:22"}),
    "hexadecimal is a number": ("a: 0x1F", {"a": 31}),
    "an alias repeats its anchor": ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
    "merged keys give way to written ones": (
        "a: &x {b: 1, c: 1}\nd: {<<: *x, c: 2}",
        {"a": {"b": 1, "c": 1}, "d": {"b": 1, "c": 2}},
    ),
    "a byte order mark is no character": (b"\xef\xbb\xbfa: 1", {"a": 1}),
}


@pytest.mark.parametrize(("text", "value"), READ.values(), ids=READ)
def test_reads(text: str | bytes, value: object):
    assert values(text) == [value]


def test_documents_that_hold_nothing_are_left_out():
    assert values("---\n# nothing\n---\na: 1\n---\n") == [{"a": 1}]


def test_an_alias_is_a_copy():
    (value,) = values("a: &x {b: 1}\nc: *x")
    assert value["a"] is not value["c"]


def test_each_field_knows_its_line():
    (document,), _ = read_documents("# first\na:\n  - b: 1\n    c:\n      d\n")
    assert document.line(("a",)) == 2
    assert document.line(("a", 0, "c")) == 4
    assert document.line(("a", 0, "missing")) == 3


REFUSED = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", '3: a: "a" stands here twice, first on line 1'),
    "a key that is a number": ("x:\n  1: a", "2: x: a key must be a string, but 1 is not"),
    "a key that is a list": ("? [a]\n: b", "1: a key must be a string, but a list or mapping"),
    "an unknown alias": ("a: *b", "1: a: alias *b has no anchor &b that ends before it"),
    "an alias of what is around it": ("a: &a [*a]", "1: a[0]: alias *a has no anchor &a that"),
    "a foreign tag": ("a: !!binary aGk=", "1: a: tag !!binary is not for Kubernetes objects"),
    "a tag that tells a lie": ("a: !!int x", "1: a: 'x' is not !!int as JSON knows it"),
    "a number of more than 64 bits": ("a: 0x" + "f" * 5000, "1: a: '0xfff"),
    "a number JSON lacks": ("a: .nan", "1: a: '.nan' is not !!float as JSON knows it"),
    "a merge of no mapping": ("<<: 3", "1: <<: << merges mappings only"),
    "nothing": ("", "None: the file is empty"),
    "comments only": ("# hello\n", "None: the file is empty"),
    "bytes that are no text": (b"a: 1\nb: \xff", "2: byte 0xff is not UTF-8 text"),
    "a control character": ("a: 1\nb: \x01", "2: character U+0001 cannot stand in YAML"),
    "too deep nesting": ("[" * 102, "1: values are nested more than 100 deep"),
    "nesting too deep for libyaml itself": (
        "[" * 10_000,
        "1: values are nested more than 100 deep",
    ),
    "too many values": (
        "[" + "1," * ONE_LAB.values + "]",
        "1: the file holds more than 1,000,000 values",
    ),
    "too many bytes": ("#" * (ONE_LAB.bytes + 1), "None: the file is longer than 20 MB (is it the"),
    "far too many bytes": ("#" * 50_000_000, "None: the file is longer than 20 MB: 50 MB"),
}


@pytest.mark.parametrize(("text", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refuses(text: str | bytes, complaint: str):
    (told,) = complaints(text)
    assert told.startswith(complaint)


MALFORMED = {
    "a tab as indentation": ("a:\n\tb: 1", "2: this is not YAML: ", "YAML takes no tabs there"),
    "a colon in plain text": ("a: b: c", "1: this is not YAML: mapping values", "in quotes"),
    "an open bracket": ("a: 1\nb: [1", "3: this is not YAML: while parsing a flow", ""),
    "an open quote": ('a: "x\n', "2: this is not YAML: while scanning a quoted scalar", ""),
}


@pytest.mark.parametrize(("text", "begin", "end"), MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("as_bytes", [False, True], ids=["text", "bytes"])
def test_says_where_a_text_is_no_yaml(text: str, begin: str, end: str, as_bytes: bool):
    (complaint,) = complaints(text.encode() if as_bytes else text)
    assert complaint.startswith(begin)
    assert end in complaint


def test_the_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(yaml_text, "_LOADER", yaml_text.yaml.SafeLoader)
        for text, value in READ.values():
            assert values(text) == [value]


def test_a_bomb_of_aliases_is_told_and_not_built():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, letter in zip("abcdefghijk", "bcdefghijkl", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{before}'] * 10)}]")
    assert complaints("\n".join(lines)) == [
        "6: the file holds more than 1,000,000 values, aliases included"
    ]


def test_what_stands_before_malformed_text_is_kept():
    found, problems = read_documents("a: 1\n---\nb: [")
    assert [document.value for document in found] == [{"a": 1}]
    assert len(problems) == 1
