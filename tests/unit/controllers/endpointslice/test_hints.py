import pytest

from netlab.controllers.endpointslice.hints import with_hints

ZONE = {"forZones": [{"name": "a"}]}
NODE = {"forNodes": [{"name": "node1"}]}


@pytest.mark.parametrize(
    ("asked", "fields", "hints"),
    [
        pytest.param(None, {"zone": "a"}, None, id="nothing is asked for"),
        pytest.param("PreferClose", {"zone": "a"}, ZONE, id="the zone"),
        pytest.param("PreferSameZone", {"zone": "a"}, ZONE, id="the same by its newer name"),
        pytest.param("PreferSameNode", {"zone": "a"}, {**ZONE, **NODE}, id="node, then zone"),
        pytest.param("PreferSameNode", {}, NODE, id="the node, where there are no zones"),
        pytest.param("PreferClose", {}, None, id="a zone that the node has not"),
        pytest.param("PreferClose", {"zone": "a", "ready": False}, None, id="it is not ready"),
    ],
)
def test_an_endpoint_says_who_is_to_prefer_it(
    asked: str | None, fields: dict[str, object], hints: dict[str, object] | None
):
    service = {"spec": {"trafficDistribution": asked} if asked else {}}
    endpoint = {"addresses": ["10.244.1.2"], "nodeName": "node1", **fields}
    endpoint["conditions"] = {"ready": endpoint.pop("ready", True)}
    assert with_hints(service, endpoint).get("hints") == hints
