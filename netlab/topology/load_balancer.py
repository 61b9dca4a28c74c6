"""``spec.loadBalancer`` and ``spec.dns`` of a topology."""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import Schema, mapping
from netlab.kube.metadata import text_of
from netlab.model.topology import HealthCheckOptions, LoadBalancerClass, LoadBalancerOptions

MAX_DNS_REPLICAS: Final = 10
_DEFAULT: Final = LoadBalancerOptions()
_SECONDS: Final = {"type": "number", "minimum": 0.1, "maximum": 300}
_TIMES: Final = {"type": "integer", "minimum": 1, "maximum": 10}


def _object(description: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }


_CLASS: Final[Schema] = {
    "type": "string",
    "description": "Of Services without a loadBalancerClass: `netlab/passthrough` forwards packets"
    " as they are; with `netlab/proxy` connections end at the balancer (HAProxy).",
    "enum": [str(one) for one in LoadBalancerClass],
    "default": str(_DEFAULT.default_class),
}

LOAD_BALANCER_SCHEMA: Final = _object(
    "The cloud's load balancer, which serves Services of type LoadBalancer.",
    **{"class": _CLASS},
    hostnames={
        "type": "boolean",
        "description": "Whether a Service of class `netlab/proxy` gets a host name that clients"
        " resolve, as on AWS, in the place of an address.",
        "default": _DEFAULT.gives_hostnames,
    },
    healthCheck=_object(
        "How the balancer asks nodes whether they are fit to be sent to.",
        intervalSeconds={
            **_SECONDS,
            "description": "Between two questions to a node.",
            "default": _DEFAULT.health_check.interval_s,
        },
        timeoutSeconds={
            **_SECONDS,
            "description": "Until a question counts as not answered.",
            "default": _DEFAULT.health_check.timeout_s,
        },
        unhealthyThreshold={
            **_TIMES,
            "description": "Failures in a row after which a node is out.",
            "default": _DEFAULT.health_check.unhealthy_threshold,
        },
        healthyThreshold={
            **_TIMES,
            "description": "Answers in a row after which it is back in.",
            "default": _DEFAULT.health_check.healthy_threshold,
        },
    ),
)
DNS_SCHEMA: Final = _object(
    "The cluster's DNS server, in pods of kube-system behind the Service kube-dns. A lab whose"
    " topology does not have this field has none.",
    replicas={
        "type": "integer",
        "description": "Pods of the server.",
        "minimum": 1,
        "maximum": MAX_DNS_REPLICAS,
        "default": 2,
    },
)


def build_load_balancer(spec: Mapping[str, object]) -> LoadBalancerOptions:
    """Return the options; nothing may be wrong with them."""
    fields = mapping(spec.get("loadBalancer"))
    asked, default = mapping(fields.get("healthCheck")), _DEFAULT.health_check
    return LoadBalancerOptions(
        default_class=LoadBalancerClass(text_of(fields, "class", _DEFAULT.default_class)),
        gives_hostnames=fields.get("hostnames") is True,
        health_check=HealthCheckOptions(
            interval_s=_number(asked, "intervalSeconds", default.interval_s),
            timeout_s=_number(asked, "timeoutSeconds", default.timeout_s),
            unhealthy_threshold=int(
                _number(asked, "unhealthyThreshold", default.unhealthy_threshold)
            ),
            healthy_threshold=int(_number(asked, "healthyThreshold", default.healthy_threshold)),
        ),
    )


def dns_replicas(spec: Mapping[str, object]) -> int:
    """Return how many pods of the DNS server there are to be; 0 without ``spec.dns``."""
    if "dns" not in spec:
        return 0
    return int(_number(mapping(spec["dns"]), "replicas", 2))


def _number(fields: Mapping[str, object], name: str, default: float) -> float:
    value = fields.get(name, default)
    return value if isinstance(value, int | float) else default
