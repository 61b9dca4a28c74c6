"""Every check of a Service that Kubernetes makes, beside the function that makes it.

The functions are those of ``pkg/apis/core/validation/validation.go``, but for the two allocators
(``pkg/registry/core/service``). Two things of Kubernetes' are not here: what only an update can do
wrong (``test_updates``), and what the schema says by itself (``test_kubernetes_schema``).
"""

from ipaddress import ip_network
from typing import Any

import pytest

from netlab.kube.kinds.kind import ClusterContext
from netlab.kube.manifests import check_object

PORTS = [{"port": 80}]
LB = "LoadBalancer"
DUPLICATE = (
    'Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,'
    '"TargetPort":0,"NodePort":0}'
)
LABEL = "a lowercase RFC 1123 label must consist of"
NAME = "name part must consist of alphanumeric characters"
NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
PORT_RANGE = "must be between 1 and 65535, inclusive"
LB_ONLY = "Forbidden: may only be used when `type` is 'LoadBalancer'"
LOCAL_LB_ONLY = (
    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
)
TIMEOUT = "must be greater than 0 and less than or equal to 86400"
NO_ALIAS = "Forbidden: may not be set for ExternalName services"

Spec = dict[str, Any]
Case = tuple[Spec, str, str]


def port(**fields: object) -> Spec:
    return {"ports": [{"port": 80, **fields}]}


def two(first: Spec, second: Spec, **spec: object) -> Spec:
    return {"ports": [{"port": 80, "name": "a", **first}, {"port": 81, "name": "b", **second}]} | (
        spec
    )


def alias(**fields: object) -> Spec:
    return {"type": "ExternalName", "externalName": "a.example"} | fields


def with_ports(**fields: object) -> Spec:
    return {"ports": PORTS} | fields


CHECKS: dict[str, list[Case]] = {
    "ValidateService": [
        ({"ports": []}, "spec.ports", "Required value"),
        (
            {"type": LB, "ports": [{"port": 10250}]},
            "spec.ports[0]",
            "10250: may not expose port 10250 externally since it is used by kubelet",
        ),
        *(
            (
                with_ports(type=kind, clusterIP="None"),
                "spec.clusterIPs[0]",
                f"Invalid value: \"None\": may not be set to 'None' for {kind} services",
            )
            for kind in (LB, "NodePort")
        ),
        ({"type": "ExternalName"}, "spec.externalName", "Required value"),
        (alias(externalName="."), "spec.externalName", "Required value"),
        (alias(externalName="A_b"), "spec.externalName", "a lowercase RFC 1123 subdomain must"),
        (alias(clusterIP="10.0.0.1"), "spec.clusterIPs", NO_ALIAS),
        (alias(ipFamilies=["IPv4"]), "spec.ipFamilies", NO_ALIAS),
        (alias(ipFamilyPolicy="SingleStack"), "spec.ipFamilyPolicy", NO_ALIAS),
        (with_ports(type="Mine"), "spec.type", 'Unsupported value: "Mine"'),
        (with_ports(sessionAffinity="x"), "spec.sessionAffinity", 'Unsupported value: "x"'),
        (two({}, {"name": "a"}), "spec.ports[1].name", 'Duplicate value: "a"'),
        (two({}, {"port": 80}), "spec.ports[1]", DUPLICATE),
        (
            port(nodePort=30000),
            "spec.ports[0].nodePort",
            "Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            two({"nodePort": 30000}, {"nodePort": 30000}, type="NodePort"),
            "spec.ports[1].nodePort",
            "Duplicate value: 30000",
        ),
        (with_ports(selector={"a b": "c"}), "spec.selector.a b", NAME),
        (with_ports(selector={"a": "c d"}), "spec.selector.a", "a valid label must be an empty"),
        (with_ports(externalIPs=["x"]), "spec.externalIPs[0]", NO_ADDRESS),
        (
            with_ports(loadBalancerSourceRanges=["10.0.0.0/8"]),
            "spec.loadBalancerSourceRanges",
            LB_ONLY,
        ),
        (
            with_ports(type=LB, loadBalancerSourceRanges=["10.0.0.1"]),
            "spec.loadBalancerSourceRanges[0]",
            "must be a valid CIDR value",
        ),
        (
            with_ports(allocateLoadBalancerNodePorts=False),
            "spec.allocateLoadBalancerNodePorts",
            LB_ONLY,
        ),
    ],
    "validateClientIPAffinityConfig": [
        (
            with_ports(
                sessionAffinity="ClientIP",
                sessionAffinityConfig={"clientIP": {"timeoutSeconds": seconds}},
            ),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            TIMEOUT,
        )
        for seconds in (0, 86401)
    ],
    "validateServicePort": [
        (two({"name": ""}, {}), "spec.ports[0].name", "Required value"),
        (port(name="A"), "spec.ports[0].name", LABEL),
        (port(port=0), "spec.ports[0].port", PORT_RANGE),
        (port(port=65536), "spec.ports[0].port", PORT_RANGE),
        ({"ports": [{"name": "a"}]}, "spec.ports[0].port", "Required value"),
        (port(protocol="tcp"), "spec.ports[0].protocol", 'Unsupported value: "tcp"'),
        (port(targetPort=0), "spec.ports[0].targetPort", PORT_RANGE),
        (port(targetPort="Web"), "spec.ports[0].targetPort", "must contain only alpha-numeric"),
        (port(targetPort="1-2"), "spec.ports[0].targetPort", "must contain at least one letter"),
        (port(targetPort="a" * 16), "spec.ports[0].targetPort", "must be no more than 15 bytes"),
        (port(targetPort="a--b"), "spec.ports[0].targetPort", "must not contain consecutive hyp"),
        (port(targetPort="-a"), "spec.ports[0].targetPort", "must not begin or end with a hyphen"),
        (port(appProtocol="a b"), "spec.ports[0].appProtocol", NAME),
    ],
    "ValidateNonSpecialIP": [
        (with_ports(externalIPs=[address]), "spec.externalIPs[0]", f"may not be {why}")
        for address, why in (
            ("0.0.0.0", "unspecified (0.0.0.0)"),  # noqa: S104 (refused)
            ("127.0.0.1", "in the loopback range (127.0.0.0/8, ::1/128)"),
            ("169.254.1.1", "in the link-local range (169.254.0.0/16, fe80::/10)"),
            ("224.0.0.1", "in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        )
    ],
    "validateServiceExternalTrafficFieldsValue": [
        (
            with_ports(type="NodePort", externalTrafficPolicy="x"),
            "spec.externalTrafficPolicy",
            'Unsupported value: "x"',
        ),
    ],
    "validateServiceExternalTrafficPolicy": [
        (
            with_ports(externalTrafficPolicy="Local"),
            "spec.externalTrafficPolicy",
            "may only be set for externally-accessible services",
        ),
        (
            with_ports(type="NodePort", externalTrafficPolicy="Local", healthCheckNodePort=30001),
            "spec.healthCheckNodePort",
            LOCAL_LB_ONLY,
        ),
        (with_ports(type=LB, healthCheckNodePort=30001), "spec.healthCheckNodePort", LOCAL_LB_ONLY),
    ],
    "validateServiceInternalTrafficFieldsValue": [
        (
            with_ports(internalTrafficPolicy="x"),
            "spec.internalTrafficPolicy",
            'Unsupported value: "x"',
        ),
    ],
    "validateServiceTrafficDistribution": [
        (with_ports(trafficDistribution="x"), "spec.trafficDistribution", 'Unsupported value: "x"'),
    ],
    "validateLoadBalancerClassField": [
        (with_ports(loadBalancerClass="a"), "spec.loadBalancerClass", LB_ONLY),
        (with_ports(type=LB, loadBalancerClass="a b"), "spec.loadBalancerClass", NAME),
        (
            with_ports(type=LB, loadBalancerClass=""),
            "spec.loadBalancerClass",
            "name part must be non-empty",
        ),
    ],
    "ValidateServiceClusterIPsRelatedFields": [
        (with_ports(clusterIP="x"), "spec.clusterIPs[0]", NO_ADDRESS),
        (with_ports(clusterIP="x", clusterIPs=["x"]), "spec.clusterIPs[0]", NO_ADDRESS),
        (
            with_ports(clusterIPs=["10.0.0.1"]),
            "spec.clusterIPs",
            "must be empty when `clusterIP` is not specified",
        ),
        (
            with_ports(clusterIP="10.0.0.2", clusterIPs=["10.0.0.1"]),
            "spec.clusterIPs",
            "first value must match `clusterIP`",
        ),
        (
            with_ports(clusterIP="10.0.0.1", clusterIPs=["10.0.0.1", "10.0.0.2"]),
            "spec.clusterIPs",
            "may specify no more than one IP for each IP family",
        ),
        (
            with_ports(clusterIP="10.0.0.1", clusterIPs=["10.0.0.1", "fd00::1", "fd00::2"]),
            "spec.clusterIPs",
            "may only hold up to 2 values",
        ),
        (
            with_ports(clusterIP="None", clusterIPs=["None", "10.0.0.2"]),
            "spec.clusterIPs",
            "'None' must be the first and only value",
        ),
        (with_ports(ipFamilies=["IPv5"]), "spec.ipFamilies[0]", 'Unsupported value: "IPv5"'),
        (with_ports(ipFamilies=["IPv4"] * 2), "spec.ipFamilies[1]", 'Duplicate value: "IPv4"'),
        (
            with_ports(clusterIP="10.0.0.9", clusterIPs=["10.0.0.9"], ipFamilies=["IPv6"]),
            "spec.clusterIPs[0]",
            "expected an IPv6 value as indicated by `ipFamilies[0]`",
        ),
        (with_ports(ipFamilyPolicy="x"), "spec.ipFamilyPolicy", 'Unsupported value: "x"'),
    ],
    "portallocator.Allocate": [
        (
            {"type": "NodePort", **port(nodePort=number)},
            "spec.ports[0].nodePort",
            (
                f"Invalid value: {number}: provided port is not in the valid range."
                " The range of valid ports is 30000-32767"
            ),
        )
        for number in (29999, 32768)
    ],
    "ipallocator.Allocate": [
        (
            with_ports(clusterIP="10.9.0.1"),
            "spec.clusterIPs",
            (
                'Invalid value: ["10.9.0.1"]: failed to allocate IP 10.9.0.1: the provided IP'
                " (10.9.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/16"
            ),
        ),
    ],
}
RIGHT: dict[str, Spec] = {
    "an alias with a trailing dot": alias(externalName="a.example."),
    "an alias that is a name of one part": alias(externalName="localhost"),
    "a headless Service without ports": {"clusterIP": "None"},
    "a headless Service whose ports have targets": {"clusterIP": "None", **port(targetPort="x")},
    "one NodePort for two protocols": two(
        {"nodePort": 30000}, {"nodePort": 30000, "protocol": "UDP"}, type="NodePort"
    ),
    "one port for three protocols": {
        "ports": [
            {"name": protocol.lower(), "port": 53, "protocol": protocol}
            for protocol in ("TCP", "UDP", "SCTP")
        ]
    },
    "policy Local for external IPs": with_ports(
        externalIPs=["192.0.2.1"], externalTrafficPolicy="Local"
    ),
    "the kubelet's port inside the cluster": {"ports": [{"port": 10250}]},
    "spaces around a source range": with_ports(type=LB, loadBalancerSourceRanges=[" 10.0.0.0/8 "]),
    "a timeout that affinity None has no use for": with_ports(
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}}
    ),
    "an affinity of a day": with_ports(
        sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 86400}}
    ),
}
CONTEXT = ClusterContext(services=(ip_network("10.0.0.0/16"), ip_network("fd00::/112")))


def service(spec: Spec) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "path", "why"),
    [
        pytest.param(*case, id=f"{function}-{number}")
        for function, cases in CHECKS.items()
        for number, case in enumerate(cases)
    ],
)
def test_what_kubernetes_refuses_is_refused_there_and_in_its_words(spec: Spec, path: str, why: str):
    problems = check_object(service(spec), CONTEXT)
    assert any(one.path == path and why in one.message for one in problems), problems


@pytest.mark.parametrize("spec", RIGHT.values(), ids=RIGHT)
def test_what_kubernetes_takes_is_taken(spec: Spec):
    assert check_object(service(spec), CONTEXT) == []
