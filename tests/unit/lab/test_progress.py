"""``status`` tells how far a workload is that has not all its replicas yet."""

import pytest

from netlab.kube.objects import Object
from netlab.lab.status import progress_of


def deployment(wanted: int | None, **status: int) -> Object:
    spec = {} if wanted is None else {"replicas": wanted}
    metadata = {"name": "web", "namespace": "default"}
    return {"kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("obj", "lines"),
    [
        (deployment(3, replicas=3, readyReplicas=3), []),
        (deployment(None, replicas=1, readyReplicas=1), []),
        (deployment(0), []),
        (
            deployment(1_000_000, replicas=2759, readyReplicas=253),
            ["Deployment default/web: 253 of 1,000,000 replicas are ready, 2,759 are there; full"],
        ),
        (
            deployment(1, replicas=400, readyReplicas=1),
            ["Deployment default/web: 1 of 1 replicas are ready, 400 are there; full"],
        ),
    ],
    ids=["all are ready", "the one is ready", "none is wanted", "most are missing", "many go"],
)
def test_progress(obj: Object, lines: list[str]):
    assert [*progress_of(obj, "full")] == lines
