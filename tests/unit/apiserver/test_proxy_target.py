"""What services/NAME/proxy and pods/NAME/proxy lead to."""

import random  # noqa: TID251 seeded, so that tests repeat

import pytest

from netlab.apiserver.proxy_target import proxy_target
from netlab.apiserver.store import Store
from netlab.kube.status import StatusError

PORTS = [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]


def store() -> Store:
    found = Store(None, clock=lambda: 0.0, random=random.Random(1))  # noqa: S311
    meta = {"name": "web", "namespace": "default"}
    found.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": PORTS}}
    )
    for number, address in (("1", "10.244.1.2"), ("2", "10.244.2.2")):
        pod_meta = {**meta, "name": f"web-{number}"}
        containers = [{"name": "c", "ports": [{"containerPort": 8080}]}]
        made = found.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": pod_meta}
            | {"spec": {"containers": containers}}
        )
        found.update({**made, "status": {"podIP": address}})
    slice_meta = {**meta, "name": "web-x", "labels": {"kubernetes.io/service-name": "web"}}
    found.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": slice_meta,
            "ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}],
            "endpoints": [
                {
                    "addresses": ["10.244.1.2"],
                    "conditions": {"ready": False},
                    "targetRef": {"kind": "Pod", "name": "web-1"},
                },
                {
                    "addresses": ["10.244.2.2"],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "name": "web-2"},
                },
            ],
        }
    )
    return found


@pytest.mark.parametrize(
    ("resource", "text", "address", "port", "is_tls"),
    [
        pytest.param("services", "web:80", "10.244.2.2", 8080, False, id="a port by its number"),
        pytest.param("services", "web:admin", "10.244.2.2", 9090, False, id="a port by its name"),
        pytest.param("services", "https:web:80", "10.244.2.2", 8080, True, id="a port over TLS"),
        pytest.param("pods", "web-1", "10.244.1.2", 8080, False, id="a pod's first port"),
        pytest.param("pods", "http:web-1:9", "10.244.1.2", 9, False, id="any port of a pod"),
    ],
)
def test_a_request_is_passed_on_to(
    resource: str, text: str, address: str, port: int, *, is_tls: bool
):
    found = proxy_target(store(), resource, "default", text)
    assert (found.address, found.port, found.is_tls) == (address, port, is_tls)


@pytest.mark.parametrize(
    ("resource", "text", "code", "message"),
    [
        ("services", "none:80", 404, 'services "none" not found'),
        ("services", "web", 503, 'no service port "" found for service "web"'),
        ("services", "web:82", 503, 'no service port "82" found for service "web"'),
        ("services", "ftp:web:80", 400, 'invalid service request "ftp:web:80"'),
        ("pods", "web-1:http", 400, 'invalid pod port "http": must be a number'),
    ],
)
def test_a_request_is_refused(resource: str, text: str, code: int, message: str):
    with pytest.raises(StatusError) as refusal:
        proxy_target(store(), resource, "default", text)
    assert (refusal.value.code, str(refusal.value)) == (code, message)
