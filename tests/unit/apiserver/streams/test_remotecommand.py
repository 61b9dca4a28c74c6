"""What exec and attach ask for, and how they end."""

import json

import pytest

from netlab.apiserver.streams import remotecommand as rc
from netlab.apiserver.streams.remotecommand import Options, Stream, TerminalSize


def test_a_query_is_a_command_with_its_arguments_in_order():
    query = "command=sh&command=-c&command=echo+%22a+b%22&container=web&stdout=true&stderr=true"
    assert rc.parse_options(query) == Options(
        command=("sh", "-c", 'echo "a b"'), container="web", stdout=True, stderr=True
    )


@pytest.mark.parametrize("text", ["true", "True", "1", "t", "TRUE"])
def test_flags_are_read_as_go_reads_them(text: str):
    assert rc.parse_options(f"stdin={text}").stdin


@pytest.mark.parametrize("query", ["", "stdin=false", "stdin=0", "stdin="])
def test_other_flags_are_not_set(query: str):
    assert not rc.parse_options(query).stdin


def test_an_empty_argument_stays():
    assert rc.parse_options("command=echo&command=").command == ("echo", "")


def test_a_terminal_has_a_size_and_no_stderr():
    options = Options(command=("sh",), stdin=True, stdout=True, stderr=True, tty=True)
    assert options.streams == {Stream.ERROR, Stream.STDIN, Stream.STDOUT, Stream.RESIZE}


def test_channels_have_the_numbers_of_kubernetes():
    assert [rc.CHANNELS[n] for n in range(5)] == ["stdin", "stdout", "stderr", "error", "resize"]


def test_the_best_protocol_of_both_is_chosen():
    offered = ["v3.channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io"]
    assert rc.choose_protocol(offered, ("v5.channel.k8s.io", "v4.channel.k8s.io")) == offered[2]
    assert rc.choose_protocol(["channel.k8s.io"], ("v4.channel.k8s.io",)) is None


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b'{"Width":111,"Height":33}\n', TerminalSize(111, 33)),
        (b'{"Width":0,"Height":33}', None),
        (b'{"Width":70000,"Height":33}', None),
        (b'{"Width":111}', None),
        (b"[]", None),
        (b"no json", None),
    ],
)
def test_a_size_is_two_numbers_or_nothing(data: bytes, size: TerminalSize | None):
    assert rc.parse_resize(data) == size


def test_an_exit_code_is_a_cause():
    status = json.loads(rc.exit_status(3))
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert json.loads(rc.exit_status(0))["status"] == "Success"


def test_a_failure_to_start_is_an_internal_error():
    status = json.loads(rc.failure_status("no such file"))
    assert (status["reason"], status["message"]) == ("InternalError", "no such file")
