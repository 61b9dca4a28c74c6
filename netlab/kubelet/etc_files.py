"""The files that the kubelet writes into a container's /etc.

No value of an object gets into one of them unless it is a single word: a name with a line break in
it would be an entry of its own.

Source: Kubernetes, ``pkg/kubelet/kubelet_pods.go`` (ensureHostsFile), ``pkg/kubelet/network/dns``.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from netlab.kube.objects import Object, items_of, name_of, namespace_of, spec_of, status_of
from netlab.kubelet.sources import CreateContainerConfigError
from netlab.model.addresses import parse_ip
from netlab.model.topology import Topology

_CLUSTER_DOMAIN: Final = "cluster.local"
_KUBE_DNS: Final = 10
"""kube-dns is the tenth address of the services network."""
_ROUTER: Final = 1
"""The router is the first address of the nodes' network, and serves the outside world's names."""
_WORD: Final = re.compile(r"[\x21-\x7e]+\Z", re.ASCII)
_PASSWD: Final = b"""\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP: Final = b"root:x:0:\nnogroup:x:65534:\n"
_NSSWITCH: Final = b"passwd: files\ngroup: files\nhosts: files dns\n"


def hostname_of(pod: Object) -> str:
    """Return the name that a pod's processes see as the host's."""
    spec = spec_of(pod)
    if spec.get("hostNetwork"):
        return str(spec.get("nodeName") or "")[:63]
    return str(spec.get("hostname") or name_of(pod))[:63].rstrip("-.")


def etc_files(pod: Object, topology: Topology) -> dict[str, bytes]:
    """Return the files by their path below ``/etc``.

    Raises:
        CreateContainerConfigError: A name or an address that would not be one word.
    """
    return {
        "hostname": f"{_word(hostname_of(pod))}\n".encode(),
        "hosts": _hosts(pod, topology),
        "resolv.conf": resolv_conf(pod, topology),
        "passwd": _PASSWD,
        "group": _GROUP,
        "nsswitch.conf": _NSSWITCH,
    }


def _hosts(pod: Object, topology: Topology) -> bytes:
    """Return /etc/hosts as the kubelet writes it."""
    spec = spec_of(pod)
    hostname = _word(hostname_of(pod))
    names = [hostname]
    if spec.get("subdomain") and not spec.get("hostNetwork"):
        domain = _word(f"{namespace_of(pod)}.svc.{_CLUSTER_DOMAIN}")
        names.insert(0, f"{hostname}.{_word(spec['subdomain'])}.{domain}")
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::0\tip6-localnet",
        "fe00::0\tip6-mcastprefix",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
    ]
    if spec.get("hostNetwork"):
        lines += [
            f"{address}\t{node.name}" for node in topology.nodes for address in node.addresses
        ]
    else:
        found = items_of(status_of(pod), "podIPs")
        lines += ["\t".join([_address(one["ip"]), *names]) for one in found]
    aliases = items_of(spec, "hostAliases")
    if aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += [_alias(alias) for alias in aliases]
    return ("\n".join(lines) + "\n").encode()


def _alias(alias: Object) -> str:
    hostnames = map(_word, alias.get("hostnames") or ())
    return "\t".join([_address(alias.get("ip")), *hostnames])


def _address(text: object) -> str:
    found = parse_ip(text)
    if found is None:
        raise CreateContainerConfigError(f"{text!r} is no address, and gets into no file")
    return str(found)


def resolv_conf(pod: Object, topology: Topology) -> bytes:
    """Return /etc/resolv.conf for a pod's ``dnsPolicy`` and ``dnsConfig``."""
    spec = spec_of(pod)
    policy = spec.get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    servers: list[str] = []
    searches: list[str] = []
    options: dict[str, str | None] = {}
    if policy in {"ClusterFirst", "ClusterFirstWithHostNet"}:
        servers = [str(topology.networks[0].services[_KUBE_DNS])]
        suffix = f"svc.{_CLUSTER_DOMAIN}"
        searches = [f"{namespace_of(pod)}.{suffix}", suffix, _CLUSTER_DOMAIN]
        options = {"ndots": "5"}
    elif policy == "Default":
        servers = [str(topology.networks[0].nodes[_ROUTER])]
    config: dict[str, Any] = spec.get("dnsConfig") or {}
    servers = _merged(servers, config.get("nameservers") or ())
    searches = _merged(searches, config.get("searches") or ())
    options |= {one["name"]: one.get("value") for one in items_of(config, "options")}
    lines = [f"search {' '.join(map(_word, searches))}"] if searches else []
    lines += [f"nameserver {_word(server)}" for server in servers]
    if options:
        words = [name if value is None else f"{name}:{value}" for name, value in options.items()]
        lines.append(f"options {' '.join(map(_word, words))}")
    return ("\n".join(lines) + "\n").encode()


def _merged(first: Sequence[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *more]))


def _word(text: object) -> str:
    word = str(text)
    if not _WORD.match(word):
        raise CreateContainerConfigError(f"{word!r} is not one word, and gets into no file")
    return word
