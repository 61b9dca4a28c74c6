import pytest

from netlab.kube.objects import Object
from netlab.kubelet.runtime.capabilities import CONTAINER_MASK
from netlab.kubelet.security import GIVEN, credentials
from netlab.kubelet.sources import CreateContainerConfigError

NET_ADMIN = 1 << GIVEN["CAP_NET_ADMIN"]
CHOWN = 1 << GIVEN["CAP_CHOWN"]


def of(own: Object, pod: Object | None = None) -> tuple[int, int, tuple[int, ...], int]:
    obj = {"metadata": {"name": "p"}, "spec": {"securityContext": pod or {}}}
    found = credentials(obj, {"name": "c", "securityContext": own})
    return found.uid, found.gid, found.groups, found.capabilities


@pytest.mark.parametrize(
    ("own", "pod", "expected"),
    [
        pytest.param({}, {}, (0, 0, (), CONTAINER_MASK), id="root by default"),
        pytest.param({}, {"runAsUser": 5, "runAsGroup": 6}, (5, 6, (), CONTAINER_MASK), id="pods"),
        pytest.param(
            {"runAsUser": 7}, {"runAsUser": 5}, (7, 0, (), CONTAINER_MASK), id="the container first"
        ),
        pytest.param(
            {},
            {"fsGroup": 9, "supplementalGroups": [8]},
            (0, 0, (8, 9), CONTAINER_MASK),
            id="groups",
        ),
        pytest.param({"capabilities": {"drop": ["ALL"]}}, {}, (0, 0, (), 0), id="drop all"),
        pytest.param(
            {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
            {},
            (0, 0, (), NET_ADMIN),
            id="drop all but one",
        ),
        pytest.param(
            {"capabilities": {"drop": ["chown"]}}, {}, (0, 0, (), CONTAINER_MASK & ~CHOWN), id="one"
        ),
    ],
)
def test_whom_a_container_runs_as(own: Object, pod: Object, expected: tuple[object, ...]):
    assert of(own, pod) == expected


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"runAsNonRoot": True}, "image will run as root"),
        ({"privileged": True}, "privileged containers are not run"),
        ({"capabilities": {"add": ["SYS_ADMIN"]}}, "CAP_SYS_ADMIN is not given"),
    ],
)
def test_what_would_lead_out_of_the_pod_is_refused(own: Object, words: str):
    with pytest.raises(CreateContainerConfigError, match=words):
        of(own)
