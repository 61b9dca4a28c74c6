"""Tokens that are given out, read, and no longer good."""

from collections.abc import Callable

import pytest

from netlab.apiserver.service_accounts import ServiceAccountTokens
from netlab.apiserver.store import Store
from netlab.apiserver.tokens import ISSUER
from netlab.kube.objects import Key, Object
from netlab.kube.status import StatusError

ACCOUNT = Key("serviceaccounts", "shop", "web")
POD = Key("pods", "shop", "web-1")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(store: Store, clock: Clock) -> ServiceAccountTokens:
    for kind, name in (("ServiceAccount", "web"), ("Pod", "web-1")):
        metadata = {"name": name, "namespace": "shop"}
        spec = {"serviceAccountName": "web"} if kind == "Pod" else {}
        store.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})
    return ServiceAccountTokens(b"key", store, clock)


def request(world: ServiceAccountTokens, **spec: object) -> Object:
    return world.request("shop", "web", {"spec": spec})


def test_a_pods_token_is_its_service_accounts(world: ServiceAccountTokens, store: Store):
    token = world.read(world.for_pod(store.require(POD)))
    assert token is not None
    assert (token.username, token.pod_name) == ("system:serviceaccount:shop:web", "web-1")


@pytest.mark.parametrize("key", [ACCOUNT, POD], ids=["service account", "pod"])
def test_a_token_is_no_longer_good_when_what_it_is_bound_to_is_gone(
    world: ServiceAccountTokens, store: Store, key: Key
):
    text = world.for_pod(store.require(POD))
    gone = store.require(key)
    store.remove(key)
    assert world.read(text) is None
    # Another of the same name is another.
    metadata = {"name": key.name, "namespace": "shop"}
    store.create({"apiVersion": "v1", "kind": gone["kind"], "metadata": metadata})
    assert world.read(text) is None


def test_a_token_request_is_answered_as_kubectl_prints_it(
    world: ServiceAccountTokens, clock: Clock
):
    answer = request(world, expirationSeconds=600)
    assert answer["status"]["expirationTimestamp"] == "1970-01-01T00:26:40Z"
    assert answer["spec"] == {"expirationSeconds": 600, "audiences": [ISSUER]}
    token = world.read(answer["status"]["token"])
    assert token is not None
    assert (token.name, token.pod_name) == ("web", "")
    clock.now += 600
    assert world.read(answer["status"]["token"]) is None


def test_a_token_may_be_bound_to_a_pod(world: ServiceAccountTokens):
    answer = request(world, boundObjectRef={"kind": "Pod", "name": "web-1"})
    token = world.read(answer["status"]["token"])
    assert token is not None
    assert token.pod_name == "web-1"


def test_a_token_for_others_is_not_for_us(world: ServiceAccountTokens):
    assert world.read(request(world, audiences=["vault"])["status"]["token"]) is None


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda world: request(world, expirationSeconds=5), 422),
        (lambda world: request(world, expirationSeconds="soon"), 422),
        (lambda world: request(world, boundObjectRef={"kind": "Pod", "name": "none"}), 404),
        (lambda world: world.request("shop", "none", {}), 404),
    ],
    ids=["too short", "no number", "no such pod", "no such service account"],
)
def test_what_cannot_be_is_refused(
    world: ServiceAccountTokens, make: Callable[[ServiceAccountTokens], object], code: int
):
    with pytest.raises(StatusError) as refusal:
        make(world)
    assert refusal.value.code == code
