"""No value of an object gets into a text but through a writer that writes what its reader reads.

Each writer of a text that somebody else reads, a program or another part of netlab, has a row in
``WRITERS``: how a value gets into the text, and how it is read out of it again. A hostile value is
either refused, or read back as the very same; it is never two, never another, never a line of its
own.

A new writer gets a row: a function that puts one value where an object's value goes and returns
what ``read`` reads there. Where a real program is the reader (env, sh), it is run. Refuse with
``ValueError`` or a ``NetlabError``: agents leave such an object out by its name.
"""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from random import Random  # noqa: TID251 (seeded)
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netlab.apiserver.store import Store
from netlab.apiserver.streams.logs import LogOptions, LogReader
from netlab.client.kubeconfig import kubeconfig
from netlab.errors import NetlabError
from netlab.kube.objects import Key, Object
from netlab.kubelet.container_spec import container_directory, process_of, volume_directory
from netlab.kubelet.etc_files import etc_files, hostname_of
from netlab.kubelet.expansion import expanded
from netlab.kubelet.process_config import read_process, write_process
from netlab.kubelet.runtime.container import Process, decoded_process, encoded
from netlab.kubelet.runtime.logs import ContainerLog, log_file
from netlab.kubelet.volume_files import write_volume
from netlab.kubelet.volumes import File
from netlab.linux import channel
from netlab.loadbalancer.balancer import BalancedNode, Balancer, BalancerPort
from netlab.loadbalancer.haproxy import haproxy_configuration, served_addresses
from netlab.model.addresses import Family
from netlab.model.names import file_name, pod_netns
from netlab.model.rundir import pod_directory
from netlab.model.topology import LoadBalancerClass
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.matches import Comment, InInterface
from netlab.netfilter.iptables.parse import parse as parse_rules
from netlab.netfilter.iptables.render import render as render_rules
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Jump
from netlab.netfilter.iptables.words import comment_text
from netlab.netfilter.nftables import parse as nft_parse
from netlab.netfilter.nftables import table as nft
from netlab.netfilter.nftables.render import render as render_table
from netlab.plan.ops import CreateNetns
from tests.unit.kubelet.samples import sources_of
from tests.unit.topology_samples import topology_of

LAB: Final = "default"
HOSTILE: Final = (
    *(
        "",
        " ",
        "a b",
        "a\nb",
        "\n",
        "a\tb",
        "a\rb",
        "a\0b",
        "\x1b[2J",
        "\x7f",
        "é",
        "日本",
        "\u202e",
    ),
    *('"', '\\"', "a\\", "\\n", "'", "''", "`id`", "$(id)", "$HOME", "${x}", "%s", "{}", "{{", "}"),
    *("#", ";", "a;b", "|", "&", "-", "--", "-j ACCEPT", "-A INPUT", "a,b", "a=b", "=", ":", "::"),
    *(
        "..",
        ".",
        "/",
        "../x",
        "/etc/passwd",
        "a/../b",
        "\ud800",
        "\u2028",
        "x" * 300,
        "*",
        "COMMIT",
    ),
    *('x" } ; flush ruleset', "x\n10.0.0.1 evil", "web\nserver s 1.2.3.4:80", "null", "!!python/x"),
)
VALUES: Final = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=12),
    st.text(alphabet="aZ09-._/\\\"'\n\t\0{}$;# \u2028\ud800", max_size=8),
)
TOPOLOGY: Final = topology_of("{nodes: 1}")
POD: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "u1"},
    "spec": {
        "nodeName": "node1",
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "busybox", "command": ["true"]}],
    },
    "status": {"podIPs": [{"ip": "10.244.1.2"}]},
}


@dataclass(frozen=True, kw_only=True)
class Writer:
    """One way of a value into a text, and out of it."""

    name: str
    through: Callable[[str], Any]
    """Writes a value and returns what its reader reads."""
    kept: Callable[[str], Any] = str
    """What must be read: the value itself, but for comments, which are for people."""
    examples: int = 150


def _pod(**spec: Any) -> Object:  # noqa: ANN401
    return {**POD, "spec": {**POD["spec"], **spec}}


def _in_container(**fields: Any) -> Object:  # noqa: ANN401
    return _pod(containers=[{**POD["spec"]["containers"][0], **fields}])


def _rules(value: str) -> Ruleset:
    chain = Chain("X", (rule("X", InInterface(value), target=Jump("Y")),))
    return Ruleset(Family.IPV4, (Table("filter", (chain, Chain("Y", ()))),))


def through_interface_of_a_rule(value: str) -> str:
    (table,) = parse_rules(render_rules(_rules(value)), Family.IPV4).tables
    (found,) = next(one for one in table.chains if one.name == "X").rules
    assert normalise(_rules(value)).tables == (table,)
    (match,) = [one for one in found.matches if isinstance(one, InInterface)]
    return match.ifname


def through_comment_of_a_rule(value: str) -> str:
    chain = Chain("X", (rule("X", Comment(value), target=Jump("X")),))
    ruleset = Ruleset(Family.IPV4, (Table("filter", (chain,)),))
    (table,) = parse_rules(render_rules(ruleset), Family.IPV4).tables
    ((found,),) = [one.rules for one in table.chains]
    return found.comment


def through_comment_of_nft(value: str) -> str:
    one = nft.Element(key="10.0.0.1", comment=nft.as_comment(value))
    named = nft.NamedSet(name="s", type="ipv4_addr", elements=(one,))
    text = render_table(nft.Table(family=Family.IPV4, chains=(), sets=(named,)))
    ((found,),) = [one.elements for one in nft_parse.parse(text).sets]
    return found.comment


def _etc(pod: Object, name: str) -> list[list[str]]:
    lines = etc_files(pod, TOPOLOGY)[name].decode().split("\n")
    return [line.split() for line in lines if not line.startswith("#")]


def through_hostname(value: str) -> str:
    pod = _pod(hostname=value)
    [[found], []] = _etc(pod, "hostname")
    (own,) = [words[1] for words in _etc(pod, "hosts") if words[:1] == ["10.244.1.2"]]
    assert own == found
    return found


def through_alias(value: str) -> str:
    pod = _pod(hostAliases=[{"ip": "1.2.3.4", "hostnames": [value]}])
    ((_, found),) = [words for words in _etc(pod, "hosts") if words[:1] == ["1.2.3.4"]]
    return found


def through_address_of_an_alias(value: str) -> str:
    before = len(_etc(_pod(hostAliases=[{"ip": "1.2.3.4", "hostnames": ["n"]}]), "hosts"))
    lines = _etc(_pod(hostAliases=[{"ip": value, "hostnames": ["n"]}]), "hosts")
    assert len(lines) == before
    ((found, _),) = [words for words in lines if words[1:] == ["n"]]
    assert ip_address(found) == ip_address(value)
    return value


def through_search_domain(value: str) -> str:
    pod = _pod(dnsPolicy="None", dnsConfig={"searches": [value], "nameservers": ["1.2.3.4"]})
    lines = _etc(pod, "resolv.conf")
    assert lines[1:] == [["nameserver", "1.2.3.4"], []]
    (_, found) = lines[0]
    return found


def through_option_of_resolv_conf(value: str) -> str:
    pod = _pod(dnsConfig={"options": [{"name": "o", "value": value}]})
    (found,) = [words for words in _etc(pod, "resolv.conf") if words[:1] == ["options"]]
    return found[-1].removeprefix("o:")


def _haproxy(namespace: str, name: str, node: str) -> str:
    balancer = Balancer(
        namespace=namespace,
        name=name,
        kind=LoadBalancerClass.PROXY,
        addresses=(ip_address("203.0.113.1"),),
        ports=(BalancerPort(name="", protocol="TCP", port=80, node_port=30080),),
        health_port=10256,
    )
    own = BalancedNode(name=node, addresses=(ip_address("10.240.0.3"),))
    text = haproxy_configuration([balancer], {balancer.key: [own]})
    assert len(text.splitlines()) == 27, text
    return text


def through_name_in_haproxy(value: str) -> str:
    (found,) = served_addresses(_haproxy("default", value, "node1"))
    return found.removeprefix("default/")


def through_node_in_haproxy(value: str) -> str:
    text = _haproxy("default", "web", value)
    (found,) = [line.split()[1] for line in text.splitlines() if line.startswith("    server ")]
    return found


def through_kubeconfig(value: str) -> str:
    found = yaml.safe_load(kubeconfig(value, 6443, b"a", b"b", b"c"))
    (cluster,) = found["clusters"]
    name: str = cluster["name"]
    return name.removeprefix("netlab-")


def _process(value: str) -> Process:
    return Process(
        argv=("run", value),
        env={"A": value},
        working_directory="/",
        uid=0,
        gid=0,
        groups=(),
        capabilities=0,
    )


def through_process_file(value: str) -> str:
    with TemporaryDirectory() as directory:
        write_process(Path(directory), _process(value))
        found = read_process(Path(directory))
    assert found == _process(value)
    return value


def through_memory_of_the_zygote(value: str) -> str:
    assert decoded_process(encoded(_process(value))) == _process(value)
    return value


def through_channel(value: str) -> str:
    ours, theirs = channel.pair()
    with ours, theirs:
        channel.send(ours, _process(value))
        found, _ = channel.receive(theirs)
    assert found == _process(value)
    return value


def _expanded(value: str) -> str:
    """Return a value as Kubernetes has it: two dollar signs are one."""
    return expanded(value, {})


def through_environment(value: str) -> str:
    """Have a program print the environment that it was given."""
    pod = _in_container(env=[{"name": "A", "value": value}])
    own = process_of(pod, pod["spec"]["containers"][0], sources_of(TOPOLOGY))
    done = subprocess.run(["/usr/bin/env", "-0"], env=own.env, capture_output=True, check=True)
    found = dict(one.split(b"=", 1) for one in done.stdout.split(b"\0")[:-1])
    return found[b"A"].decode(errors="surrogateescape")


def through_argument(value: str) -> str:
    """Have a program print the arguments that it was given."""
    pod = _in_container(command=["/bin/sh", "-c", 'printf "%s\\0" "$@"', "sh", value, "end"])
    own = process_of(pod, pod["spec"]["containers"][0], sources_of(TOPOLOGY))
    done = subprocess.run(own.argv, capture_output=True, check=True)
    found, end, last = done.stdout.split(b"\0")
    assert (end, last) == (b"end", b"")
    return found.decode(errors="surrogateescape")


def through_store(value: str) -> str:
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "m", "namespace": "default"},
        "data": {"a": value},
    }
    with TemporaryDirectory() as directory:
        for _ in range(2):
            store = Store(Path(directory, "store.db"), clock=lambda: 0.0, random=Random(1))  # noqa: S311
            found = store.get(Key("configmaps", "default", "m")) or store.create(obj)
            store.close()
    data: str = found["data"]["a"]
    return data


def through_log(value: str) -> str:
    """Have a line in a container's log, as ``kubectl logs`` shows it."""
    written = value.encode(errors="surrogatepass")
    with TemporaryDirectory() as directory:
        log = ContainerLog(Path(directory), 0, lambda: 1_800_000_000_000_000_000)
        log.write(b"stdout", written + b"\n")
        log.close()
        shown = LogReader(LogOptions()).feed(log_file(Path(directory), 0).read_bytes())
    return shown.removesuffix(b"\n").decode(errors="surrogatepass")


def through_volume(value: str) -> str:
    with TemporaryDirectory() as top:
        directory = Path(top, "volumes", "v")
        write_volume(directory, {value: File(content=b"x", mode=0o644)}, None)
        files = [path for path in Path(top).rglob("*") if path.is_file() and not path.is_symlink()]
        (found,) = [path for path in files if "..data" not in path.parts]
        root = directory / "..1"
        assert found.is_relative_to(root)
        assert found == root / value
    return value


def through_directory_of_a_container(value: str) -> str:
    found = Path(container_directory(LAB, POD, value))
    assert found.resolve().parent == pod_directory(LAB, "u1").resolve()
    return found.name


def through_directory_of_a_volume(value: str) -> str:
    found = Path(volume_directory(LAB, POD, value))
    assert found.resolve().parent.parent == pod_directory(LAB, "u1").resolve()
    return found.name


def _named(pod: str) -> str:
    return pod_netns(LAB, "default", pod).removeprefix("netlab-default-default.")


def through_command_of_an_operation(value: str) -> str:
    """Read the name of a pod's namespace out of the command that makes it."""
    netns = pod_netns(LAB, "default", value)
    words = shlex.split(str(CreateNetns(netns=netns)))
    assert words[:3] == ["ip", "netns", "add"]
    return words[3].removeprefix("netlab-default-default.")


WRITERS: Final = (
    Writer(name="interface of an iptables rule", through=through_interface_of_a_rule),
    Writer(
        name="comment of an iptables rule",
        through=through_comment_of_a_rule,
        kept=comment_text,
    ),
    Writer(name="comment in nft", through=through_comment_of_nft, kept=nft.as_comment),
    Writer(
        name="/etc/hostname and /etc/hosts",
        through=through_hostname,
        kept=lambda value: hostname_of(_pod(hostname=value)),
    ),
    Writer(name="host alias", through=through_alias),
    Writer(name="address of a host alias", through=through_address_of_an_alias),
    Writer(name="search in resolv.conf", through=through_search_domain),
    Writer(name="option in resolv.conf", through=through_option_of_resolv_conf),
    Writer(name="Service in haproxy.cfg", through=through_name_in_haproxy),
    Writer(name="node in haproxy.cfg", through=through_node_in_haproxy),
    Writer(name="kubeconfig", through=through_kubeconfig),
    Writer(name="process.json", through=through_process_file),
    Writer(name="process for the zygote", through=through_memory_of_the_zygote),
    Writer(name="environment", through=through_environment, kept=_expanded, examples=60),
    Writer(name="argument", through=through_argument, kept=_expanded, examples=60),
    Writer(name="store", through=through_store, examples=60),
    Writer(name="log", through=through_log),
    Writer(name="file of a volume", through=through_volume),
    Writer(
        name="directory of a container", through=through_directory_of_a_container, kept=file_name
    ),
    Writer(name="directory of a volume", through=through_directory_of_a_volume, kept=file_name),
    Writer(name="command of an operation", through=through_command_of_an_operation, kept=_named),
    Writer(name="message to a child", through=through_channel),
)
REFUSALS: Final = (NetlabError, OSError, ValueError)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda one: one.name)
def test_a_value_is_refused_or_read_back_as_it_was(writer: Writer):
    read = []

    @settings(max_examples=writer.examples)
    @given(value=VALUES)
    @example(value="web")
    @example(value="10.9.8.7")
    def law(value: str) -> None:
        try:
            found = writer.through(value)
        except REFUSALS:
            return
        read.append(value)
        assert found == writer.kept(value)

    law()
    assert read, "everything is refused"


@pytest.mark.parametrize("writer", WRITERS, ids=lambda one: one.name)
def test_each_hostile_value_is_refused_or_read_back(writer: Writer):
    for value in HOSTILE:
        try:
            found = writer.through(value)
        except REFUSALS:
            continue
        assert found == writer.kept(value)
