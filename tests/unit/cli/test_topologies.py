import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from netlab.cli.topologies import schema, topologies, validate
from netlab.errors import SpecError
from netlab.lab.topologies import DEFAULT, builtin_names, purpose, read_topology
from netlab.render.trace.document import trace_document
from tests.unit.trace_samples import delivered

TOPOLOGY = "apiVersion: netlab/v1\nkind: Topology\n"


def complaint(result: Result) -> str:
    assert isinstance(result.exception, SpecError)
    assert result.exception.exit_code == 3
    return str(result.exception)


def test_says_what_each_right_file_holds(tmp_path: Path):
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n")
    result = CliRunner().invoke(validate, ["source-ip", str(manifests)])
    assert result.exit_code == 0
    assert result.stdout.split("\n") == [
        "source-ip.yaml: 3 nodes, 1 client, 1 Deployment, 2 Services",
        f"{manifests}: 1 Namespace",
        "",
    ]


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_topologies_are_right(name: str):
    assert CliRunner().invoke(validate, [name]).exit_code == 0


def test_reads_standard_input():
    result = CliRunner().invoke(validate, ["-"], input=TOPOLOGY)
    assert result.stdout == "<stdin>: 1 node, 1 client\n"


def test_tells_the_problems_of_all_files_and_what_the_right_ones_hold(tmp_path: Path):
    for number in (1, 2):
        text = f"{TOPOLOGY}spec: {{mtu: {number}, nodez: 1}}"
        (tmp_path / f"{number}.yaml").write_text(text)
    files = [str(tmp_path / "1.yaml"), "two-nodes", str(tmp_path / "2.yaml")]
    result = CliRunner().invoke(validate, files)
    assert [line.split(": ")[1] for line in complaint(result).split("\n")] == [
        "spec.mtu",
        "spec.nodez",
    ] * 2
    assert result.stdout == "two-nodes.yaml: 2 nodes, 1 client, 1 Pod, 1 Service\n"


def test_a_name_that_is_nearly_a_built_in_one_is_corrected():
    told = complaint(CliRunner().invoke(validate, ["two-node"]))
    assert told == 'two-node: there is no such file (did you mean "two-nodes"?)'


def test_a_name_like_no_other_brings_the_list_of_them():
    told = complaint(CliRunner().invoke(validate, ["xyz"]))
    assert all(name in told for name in builtin_names())


def test_a_missing_path_is_just_missing():
    assert complaint(CliRunner().invoke(validate, ["/no/such.yaml"])).endswith("no such file")


def test_a_folder_stands_for_its_files(tmp_path: Path):
    told = complaint(CliRunner().invoke(validate, [str(tmp_path)]))
    assert "holds no file of manifests" in told
    (tmp_path / "lab.yaml").write_text(TOPOLOGY)
    (tmp_path / "bad.yaml").write_text("[")
    done = CliRunner().invoke(validate, [str(tmp_path)])
    assert f"{tmp_path}/lab.yaml: " in done.stdout
    assert f"{tmp_path}/bad.yaml:" in complaint(done)


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path):
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(50_000_000)
    told = complaint(CliRunner().invoke(validate, [str(huge)]))
    assert told.endswith("the file is longer than 20 MB: 50 MB (is it the right one?)")


def test_an_endless_file_ends():
    told = complaint(CliRunner().invoke(validate, ["/dev/zero"]))
    assert "the file is longer than 20 MB" in told


UNREADABLE = {
    "a file below a file": ("/etc/passwd/lab.yaml", "there is no such file"),
    "a name with a zero byte": ("a\0b", "is no file name"),
    "a name of 300 letters": ("n" * 300, "cannot be read: File name too long"),
}


@pytest.mark.parametrize(("name", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_opened_is_a_sentence(name: str, told: str):
    with pytest.raises(SpecError) as caught:
        read_topology(name)
    assert told in str(caught.value)


def test_without_a_file_there_is_nothing_to_check():
    assert CliRunner().invoke(validate, []).exit_code == 2


def test_the_schema_of_a_trace_is_printed_on_request():
    printed = json.loads(CliRunner().invoke(schema, ["trace"]).stdout)

    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed["$id"] == "netlab.trace/1"
    jsonschema.validate(trace_document(delivered()), printed)


@pytest.mark.parametrize("what", ["topology", "trace", "matrix", "conntrack", "graph"])
def test_every_schema_that_is_printed_is_a_schema(what: str):
    printed = json.loads(CliRunner().invoke(schema, [what]).stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert "netlab" in printed["title"]


def test_schema_is_one_that_editors_can_use():
    printed = json.loads(CliRunner().invoke(schema).stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    jsonschema.validate(yaml.safe_load(TOPOLOGY), printed)


def test_table_has_a_line_a_topology_with_the_default_first():
    title, first, *others = CliRunner().invoke(topologies).stdout.splitlines()
    assert title.split() == ["NAME", "NODES", "CLIENTS", "PURPOSE"]
    assert first.split()[:3] == [DEFAULT, "3", "1"]
    assert len(others) == len(builtin_names()) - 1


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_machines_get_the_same_as_people(output: str):
    printed = yaml.safe_load(CliRunner().invoke(topologies, ["-o", output]).stdout)
    assert printed["schema"] == "netlab.topologies/1"
    assert [row["name"] for row in printed["topologies"]] == builtin_names()
    assert all(row["purpose"] for row in printed["topologies"])


def test_a_topology_without_a_comment_has_no_known_purpose():
    assert purpose(TOPOLOGY.encode()) == ""
