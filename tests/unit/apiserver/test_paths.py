"""What the paths of the API name, and what discovery says of them."""

import pytest

from netlab.apiserver.discovery import AGGREGATED as AGGREGATED_TYPE
from netlab.apiserver.discovery import discovery
from netlab.apiserver.paths import parse_path
from netlab.kube.resources import RESOURCES


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/api/v1/pods", ("pods", "", "", ""), id="pods of all namespaces"),
        pytest.param("/api/v1/pods/", ("pods", "", "", ""), id="a slash at the end"),
        pytest.param(
            "/api/v1/namespaces/prod/pods/web/status",
            ("pods", "prod", "web", "status"),
            id="a part of a pod",
        ),
        pytest.param(
            "/api/v1/namespaces/prod/status",
            ("namespaces", "", "prod", "status"),
            id="a part of a namespace",
        ),
        pytest.param("/api/v1/nodes/node1", ("nodes", "", "node1", ""), id="a node"),
        pytest.param("/api/v1/pods/web", None, id="a pod without its namespace"),
        pytest.param("/api/v1/namespaces/prod/nodes", None, id="nodes in a namespace"),
        pytest.param("/api/v1/deployments", None, id="a resource of another group"),
        pytest.param("/apis/apps/v1beta1/deployments", None, id="another version"),
        pytest.param("/api/v1/namespaces/a/services/b/scale", None, id="a part it does not have"),
    ],
)
def test_path(path: str, found: tuple[str, str, str, str] | None):
    target = parse_path(path)
    if found is None:
        assert target is None
    else:
        assert target is not None
        assert (*target.key[:1], target.namespace, target.name, target.subresource) == (
            found[0],
            *found[1:],
        )


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.plural)
def test_every_resource_is_discovered_at_the_path_it_is_served_at(resource):  # noqa: ANN001
    found = discovery(resource.root)
    assert found is not None
    document, _ = found
    assert resource.plural in [entry["name"] for entry in document["resources"]]
    target = parse_path(resource.path("default", "web"))
    assert target is not None
    assert target.resource is resource


AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        pytest.param(AGGREGATED, "v2", id="kubectl since 1.30"),
        pytest.param(AGGREGATED.partition(",")[2], "v2beta1", id="kubectl 1.27"),
    ],
)
def test_all_resources_are_in_the_aggregated_form_with_its_parameters(accept: str, version: str):
    names = set()
    for path in ("/api", "/apis"):
        found = discovery(path, accept)
        assert found is not None
        document, media_type = found
        assert media_type == AGGREGATED_TYPE.format(version)
        assert document["apiVersion"] == f"apidiscovery.k8s.io/{version}"
        for group in document["items"]:
            for one in group["versions"]:
                names |= {resource["resource"] for resource in one["resources"]}
    assert names >= set(RESOURCES)


def test_a_client_that_takes_plain_json_first_gets_the_legacy_form():
    found = discovery("/apis", "application/json, */*")
    assert found is not None
    assert found[0]["kind"] == "APIGroupList"


def test_what_is_not_there_has_no_document():
    assert discovery("/apis/batch/v2") is None
    assert discovery("/openapi/v2") is None
