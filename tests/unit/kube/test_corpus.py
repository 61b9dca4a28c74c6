"""Files shaped after what public repositories hold are read whole."""

from pathlib import Path

import pytest

from netlab.kube.manifests import parse_manifests
from netlab.kube.proxy_objects import parse_proxy_objects

CORPUS = Path(__file__).parents[2] / "corpus"
FILES = sorted(path.name for path in CORPUS.iterdir())

LEFT_OUT = {
    "custom-resources.yaml": [
        "ServiceMonitor",
        "Certificate",
        "Gateway",
        "HTTPRoute",
        "Service",
        "Rollout",
        "IngressRoute",
    ],
    "ingress-controller.yaml": ["ValidatingWebhookConfiguration"],
    "metallb.yaml": ["CustomResourceDefinition", "IPAddressPool", "L2Advertisement"],
}


def test_the_corpus_is_a_corpus():
    assert sum(len(parse_manifests(read(name), name).manifests) for name in FILES) >= 60


def read(name: str) -> bytes:
    return (CORPUS / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_whole_but_for_what_no_lab_has(name: str):
    file = parse_manifests(read(name), name)
    assert file.manifests
    kinds = [line.split("of kind ")[1].split()[0] for line in file.left_out]
    assert kinds == LEFT_OUT.get(name, [])


@pytest.mark.parametrize("name", FILES)
def test_kube_proxy_reads_its_own_part_of_any_file(name: str):
    objects = parse_proxy_objects([(read(name), name)])
    assert {str(one["kind"]) for one in objects.manifests} <= {"Service", "EndpointSlice"}
