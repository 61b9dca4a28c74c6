"""KubeProxyConfiguration: its fields, and what kube-proxy refuses to start with.

Every field of kube-proxy's is known. Those that have no say in rules are read and left alone.

Source: Kubernetes, ``pkg/proxy/apis/config/validation``; ``KubeProxyConfiguration``
(kubeproxy.config.k8s.io/v1alpha1).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from netlab.documents.json_schema import Schema, StructureCheck, entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.metadata import check_choice, text_of
from netlab.model.addresses import Network, parse_cidr
from netlab.model.kube_proxy import (
    DEFAULT_MASQUERADE_BIT,
    DetectLocalMode,
    ProxyConfiguration,
    ProxyMode,
)

CONFIGURATION_KIND: Final = "KubeProxyConfiguration"
CONFIGURATION_VERSION: Final = "kubeproxy.config.k8s.io/v1alpha1"
PRIMARY: Final = "primary"
"""In ``nodePortAddresses``, alone: the node's own IPs."""

_MODES: Final = ("iptables", "nftables")
_LOCAL_MODES: Final = ("BridgeInterface", "ClusterCIDR", "InterfaceNamePrefix", "NodeCIDR")
_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer", "format": "int32"}
_FLAG: Final[Schema] = {"type": "boolean"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_ANY: Final[Schema] = {"type": ["object", "array", "string", "integer", "number", "boolean"]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _left_alone(*names: str) -> dict[str, Schema]:
    return dict.fromkeys(names, _ANY)


_SYNC: Final = _left_alone("syncPeriod", "minSyncPeriod")

_SCHEMA: Final = _object(
    apiVersion=_TEXT,
    kind=_TEXT,
    mode=_TEXT,
    clusterCIDR=_TEXT,
    detectLocalMode=_TEXT,
    detectLocal=_object(bridgeInterface=_TEXT, interfaceNamePrefix=_TEXT),
    nodePortAddresses=_TEXTS,
    iptables=_object(masqueradeBit=_NUMBER, masqueradeAll=_FLAG, localhostNodePorts=_FLAG, **_SYNC),
    nftables=_object(masqueradeBit=_NUMBER, masqueradeAll=_FLAG, **_SYNC),
    conntrack=_object(
        tcpBeLiberal=_FLAG,
        **_left_alone("maxPerCore", "min", "tcpEstablishedTimeout", "tcpCloseWaitTimeout"),
        **_left_alone("udpTimeout", "udpStreamTimeout"),
    ),
    **_left_alone("bindAddress", "bindAddressHardFail", "clientConnection", "configSyncPeriod"),
    **_left_alone("enableProfiling", "featureGates", "healthzBindAddress", "hostnameOverride"),
    **_left_alone("ipvs", "logging", "metadata", "metricsBindAddress", "oomScoreAdj"),
    **_left_alone("portRange", "showHiddenMetricsForVersion", "windowsRunAsService", "winkernel"),
)


def check_configuration(manifest: Mapping[str, object], report: Report) -> None:
    """Report what is wrong with a KubeProxyConfiguration."""
    version = manifest.get("apiVersion")
    if version != CONFIGURATION_VERSION:
        message = f'no matches for kind "{CONFIGURATION_KIND}" in version "{version}"'
        report.add(("apiVersion",), message, f"write {CONFIGURATION_VERSION}")
    StructureCheck(report, null_is_unset=True).check(manifest, _SCHEMA)
    check_choice(manifest.get("mode"), _MODES, ("mode",), report)
    check_choice(manifest.get("detectLocalMode"), _LOCAL_MODES, ("detectLocalMode",), report)
    for section in _MODES:
        bit = mapping(manifest.get(section)).get("masqueradeBit")
        if type(bit) is int and not 0 <= bit <= 31:
            path = (section, "masqueradeBit")
            report.add(path, invalid(bit, "must be within the range [0, 31]"))
    _check_cluster_cidr(text_of(manifest, "clusterCIDR"), report)
    check_values(manifest, report)


def check_values(manifest: Mapping[str, object], report: Report, at: FieldPath = ()) -> None:
    """Report what is wrong with interfaces and addresses, in a configuration that stands ``at``."""
    _check_detect_local(manifest, report, at)
    networks = entries(manifest.get("nodePortAddresses"))
    for index, network in enumerate(networks):
        if networks != [PRIMARY]:
            check_network(network, (*at, "nodePortAddresses", index), report)


def _check_detect_local(manifest: Mapping[str, object], report: Report, at: FieldPath) -> None:
    fields = mapping(manifest.get("detectLocal"))
    needed = {"BridgeInterface": "bridgeInterface", "InterfaceNamePrefix": "interfaceNamePrefix"}
    field = needed.get(text_of(manifest, "detectLocalMode"))
    if field and not text_of(fields, field):
        report.add((*at, "detectLocal", field), invalid("", "must not be empty"))
    for name in needed.values():
        if len(text_of(fields, name)) > 15:
            message = invalid(fields[name], "must be no more than 15 bytes")
            report.add((*at, "detectLocal", name), message, "the kernel has no longer names")


def _check_cluster_cidr(text: str, report: Report) -> None:
    parts = text.split(",") if text else []
    found = [check_network(part.strip(), ("clusterCIDR",), report) for part in parts]
    versions = [version for version in found if version]
    if len(found) > 2 or len(versions) != len(set(versions)):
        report.add(("clusterCIDR",), invalid(text, "must be one CIDR, or one of each IP family"))


def check_network(value: object, path: FieldPath, report: Report) -> int | None:
    """Return the IP version of a CIDR; report a string that is none."""
    if not isinstance(value, str):
        return None
    network = parse_cidr(value)
    if network is None:
        example = "(e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)"
        report.add(path, invalid(value, f"must be a valid CIDR block, {example}"))
        return None
    return network.version


def configuration_of(
    obj: Mapping[str, object], mode: ProxyMode | None = None
) -> ProxyConfiguration:
    """Return the view of a KubeProxyConfiguration; an empty one has kube-proxy's defaults.

    Args:
        obj: Checked.
        mode: Instead of its own.
    """
    mode = mode or ProxyMode(text_of(obj, "mode", ProxyMode.IPTABLES))
    own, detect_local = mapping(obj.get(mode)), mapping(obj.get("detectLocal"))
    bit, ports = own.get("masqueradeBit"), entries(obj.get("nodePortAddresses"))
    is_primary = ports == [PRIMARY]
    return ProxyConfiguration(
        mode=mode,
        cluster_cidrs=_networks(text_of(obj, "clusterCIDR").split(",")),
        detect_local_mode=DetectLocalMode(
            text_of(obj, "detectLocalMode", DetectLocalMode.CLUSTER_CIDR)
        ),
        bridge_interface=text_of(detect_local, "bridgeInterface"),
        interface_name_prefix=text_of(detect_local, "interfaceNamePrefix"),
        masquerade_all=own.get("masqueradeAll") is True,
        masquerade_bit=bit if isinstance(bit, int) else DEFAULT_MASQUERADE_BIT,
        localhost_node_ports=own.get("localhostNodePorts") is not False,
        node_port_addresses=() if is_primary else _networks(map(str, ports)),
        primary_node_ports=is_primary,
        conntrack_tcp_be_liberal=mapping(obj.get("conntrack")).get("tcpBeLiberal") is True,
    )


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(found for text in texts if (found := parse_cidr(text.strip())) is not None)
