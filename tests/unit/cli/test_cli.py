"""The command line as its user meets it: help, mistakes, exit codes, and what it costs to start."""

import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from netlab import cli
from netlab.cli.options import lab_option
from netlab.errors import (
    ExpectationError,
    HostError,
    KernelError,
    LabError,
    NetlabError,
    SpecError,
)

COMMANDS = cli.netlab.list_commands(click.Context(cli.netlab))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netlab", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def command(name: str) -> click.Command:
    found = cli.netlab.get_command(click.Context(cli.netlab), name)
    assert found
    return found


def test_help_lists_every_command():
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    listed = re.findall(r"^  ([a-z]+)  +\S", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str):
    found = command(name)
    assert found.name == name
    assert found.help
    assert CliRunner().invoke(found, ["--help"]).exit_code == 0


def test_help_of_a_command_is_what_its_own_option_prints():
    assert run("help", "trace").stdout == run("trace", "--help").stdout
    assert run("help").stdout == run("--help").stdout


def test_help_of_a_misspelt_command_says_what_is_near():
    done = run("help", "trac")
    assert done.returncode == 2
    assert "Did you mean trace?" in done.stderr


def test_a_verb_of_kubectls_names_the_command_that_has_it():
    done = run("describe", "pod", "web-1")
    assert done.returncode == 2
    assert "kubectl has it: sudo netlab kubectl describe pod web-1" in done.stderr


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        pytest.param(
            "import netlab.cli",
            ["aiohttp", "asyncio", "cryptography", "psutil", "pyroute2", "scapy", "yaml"],
            id="help",
        ),
        pytest.param(
            "import netlab.cli.life, netlab.cli.status, netlab.cli.exec, netlab.cli.demo",
            ["aiohttp", "psutil", "pyroute2", "scapy", "yaml"],
            id="a command before it is called",
        ),
    ],
)
def test_libraries_are_loaded_by_the_commands_that_need_them(program: str, unwanted: list[str]):
    program += f"; import sys; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


EXAMPLES = [
    line for name in COMMANDS for line in re.findall(r"Example: (.+)", command(name).help or "")
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_typed(example: str):
    words = shlex.split(example)
    program = words.index("netlab")
    assert words[:program] in ([], ["sudo"])
    name, *arguments = words[program + 1 :]
    command(name).make_context(name, arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["stauts"], "There is no command 'stauts'. Did you mean status?", id="near"),
        pytest.param(["qqqqqq"], "There is no command 'qqqqqq'.", id="like none"),
        pytest.param(["up", "--lab", "a-b"], "'a-b' is no name of a lab", id="a lab's name"),
        pytest.param(["up", "--nonsense"], "No such option", id="an option"),
        pytest.param(["exec", "node1"], "Missing argument 'COMMAND...'", id="too little"),
        pytest.param(
            ["demo", "nonsense"], "there are connect-applications, clusterip", id="an experiment"
        ),
    ],
)
def test_a_wrong_command_line_is_told_on_stderr(arguments: list[str], told: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_environment_names_the_lab():
    done = run("up", "--dry-run", "two-nodes", NETLAB_LAB="mine")
    assert done.returncode == 0
    assert "ip netns add netlab-mine-router" in done.stdout
    assert run("up", "--dry-run", NETLAB_LAB="not-mine").returncode == 2


def test_a_topology_that_is_not_there_ends_in_3():
    done = run("up", "--dry-run", "nowhere.yaml")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: nowhere.yaml: there is no such file\n"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ExpectationError, 1),
        (SpecError, 3),
        (HostError, 4),
        (KernelError, 5),
        (LabError, 6),
        (NetlabError, 70),
    ],
)
def test_a_failure_is_a_sentence_a_hint_and_an_exit_code(
    failure: type[NetlabError],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def fail() -> None:
        raise failure("it does not work", hint="do this")

    monkeypatch.setattr(cli.netlab, "main", lambda *_, **__: fail())
    monkeypatch.setattr(sys, "argv", ["netlab", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == "Error: it does not work\nHint: do this\n"


def test_a_failure_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail() -> None:
        raise LabError("no host \x1b[2Jx:\nnext line", hint="not \r")

    monkeypatch.setattr(cli.netlab, "main", lambda *_, **__: fail())
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr().err
    assert told == "Error: no host \\x1b[2Jx:\nnext line\nHint: not \\r\n"


@pytest.mark.parametrize(
    ("outcome", "code", "told"),
    [
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="Ctrl-C"),
        pytest.param(click.Abort(), 130, "interrupted", id="Ctrl-C at a question"),
        pytest.param(ZeroDivisionError("x"), 70, "This is a bug in netlab", id="a bug of ours"),
    ],
)
def test_an_end_that_is_no_failure_of_the_users(
    outcome: BaseException,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def end() -> None:
        raise outcome

    monkeypatch.setattr(cli.netlab, "main", lambda *_, **__: end())
    monkeypatch.setattr(sys, "argv", ["netlab"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert told in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_failure():
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m netlab schema | head -c 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


@pytest.mark.parametrize(
    ("redirection", "ended"),
    [
        pytest.param(">&-", (0, ""), id="a closed standard output"),
        pytest.param(
            "> /dev/full",
            (4, "Error: cannot write the answer: No space left on device\n"),
            id="a full disk",
        ),
    ],
)
def test_an_answer_that_cannot_be_written_is_no_bug(redirection: str, ended: tuple[int, str]):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m netlab schema {redirection}"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == ended


def test_the_version_is_told():
    assert run("--version").stdout.startswith("netlab, version ")


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("default", True),
        ("a" * 32, True),
        ("a" * 33, False),
        ("", False),
        ("Lab", False),
        ("a-b", False),
        ("a\n", False),
    ],
)
def test_the_name_of_a_lab_is_checked(name: str, taken: bool):
    @click.command()
    @lab_option
    def show(lab: str) -> None:
        click.echo(lab)

    done = CliRunner().invoke(show, ["--lab", name])
    assert done.exit_code == (0 if taken else 2)
    assert done.stdout == (f"{name}\n" if taken else "")
