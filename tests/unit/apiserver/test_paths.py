"""What the paths of the API name, and what discovery says of them."""

import pytest

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
    document = discovery(resource.root)
    assert document is not None
    assert resource.plural in [entry["name"] for entry in document["resources"]]
    target = parse_path(resource.path("default", "web"))
    assert target is not None
    assert target.resource is resource


def test_what_is_not_there_has_no_document():
    assert discovery("/apis/batch") is None
    assert discovery("/openapi/v2") is None
