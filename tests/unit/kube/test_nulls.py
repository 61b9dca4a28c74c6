import pytest

from netlab.kube.manifests import as_decoded, check_object


def service(**fields: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", **fields}


@pytest.mark.parametrize(
    ("written", "decoded"),
    [
        pytest.param({"spec": None}, {}, id="a null field is none"),
        pytest.param(
            {"metadata": {"labels": {"app": None}}},
            {"metadata": {"labels": {"app": ""}}},
            id="a null label is an empty one",
        ),
        pytest.param(
            {"spec": {"ports": [None, {"port": None}]}},
            {"spec": {"ports": [{}, {}]}},
            id="a null among objects is one without fields",
        ),
        pytest.param(
            {"spec": {"externalIPs": [None]}},
            {"spec": {"externalIPs": [""]}},
            id="a null among texts is an empty one",
        ),
        pytest.param(
            {"spec": {"ports": "none", "unknown": {"a": 1}}},
            {"spec": {"ports": "none", "unknown": {"a": 1}}},
            id="what has a wrong type is left to be told of",
        ),
    ],
)
def test_null_is_what_the_api_server_makes_of_it(
    written: dict[str, object], decoded: dict[str, object]
):
    assert as_decoded(service(**written)) == service(**decoded)


def test_a_selector_with_a_forgotten_value_does_not_match_the_template():
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nul"},
        "spec": {
            "selector": {"matchLabels": {"app": None}},
            "template": {
                "metadata": {"labels": {"run": "x"}},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    }
    (problem,) = check_object(deployment)
    assert problem.path == "spec.template.metadata.labels"
    assert "`selector` does not match template `labels`" in problem.message
