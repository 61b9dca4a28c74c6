"""Who may ask, and who may not."""

import pytest

from netlab.apiserver import tokens
from netlab.apiserver.authentication import User, authenticate, check_addressed
from netlab.apiserver.tokens import ServiceAccountToken
from netlab.kube.status import StatusError

CERTIFICATE = {
    "subject": (
        (("organizationName", "system:masters"),),
        (("organizationName", "students"),),
        (("commonName", "kubernetes-admin"),),
    )
}
TOKEN = ServiceAccountToken(
    namespace="shop", name="web", uid="1", issued_at=0, expires_at=3600, pod_name="web-1"
)


def read_token(text: str) -> ServiceAccountToken | None:
    return TOKEN if text == "good" else None


def test_a_certificate_is_a_user_with_groups():
    assert authenticate(CERTIFICATE, "", read_token) == User(
        "kubernetes-admin", ("system:masters", "students", "system:authenticated")
    )


@pytest.mark.parametrize("header", ["Bearer good", "bearer  good"])
def test_a_token_is_a_service_account(header: str):
    assert authenticate(None, header, read_token) == User(
        "system:serviceaccount:shop:web",
        ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"),
    )


@pytest.mark.parametrize("header", ["", "Bearer bad", "Bearer", "Basic good", "good"])
def test_nobody_else_is_known(header: str):
    with pytest.raises(StatusError, match=r"^Unauthorized$") as refusal:
        authenticate(None, header, read_token)
    assert (refusal.value.code, refusal.value.reason) == (401, "Unauthorized")


def test_a_bad_token_is_refused_whatever_the_certificate():
    with pytest.raises(StatusError, match="Unauthorized"):
        authenticate(CERTIFICATE, "Bearer bad", read_token)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:6443", ""),
        ("[::1]:6443", ""),
        ("localhost", ""),
        ("kubernetes.default.svc", ""),
        ("10.0.0.1", ""),
        ("localhost:6443", "https://localhost:6443"),
    ],
)
def test_a_request_that_names_this_server_is_let_through(host: str, origin: str):
    check_addressed(host, origin)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:6443", ""),
        ("", ""),
        ("localhost.evil.example", ""),
        ("localhost:6443", "https://evil.example"),
        ("localhost:6443", "null"),
        ("localhost:6443", "https://localhost:6444"),
    ],
)
def test_a_page_of_a_browser_is_forbidden(host: str, origin: str):
    with pytest.raises(StatusError) as refusal:
        check_addressed(host, origin)
    assert (refusal.value.code, refusal.value.reason) == (403, "Forbidden")


KEY = b"k" * 32


def test_a_token_says_what_was_put_into_it():
    assert tokens.decode(tokens.encode(TOKEN, KEY), KEY, 1800) == TOKEN


def test_a_token_has_an_end():
    text = tokens.encode(TOKEN, KEY)
    assert tokens.decode(text, KEY, 3600) is None
    assert tokens.decode(text, KEY, 3599.5) == TOKEN


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.replace(".", ".e", 1),
        lambda text: text.rpartition(".")[0] + ".",
        lambda text: text.rpartition(".")[0],
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: "é.é.é",
    ],
    ids=["signature", "claims", "no signature", "two parts", "empty", "nonsense", "no ASCII"],
)
def test_a_token_that_was_changed_is_none(spoil):  # noqa: ANN001
    assert tokens.decode(spoil(tokens.encode(TOKEN, KEY)), KEY, 1800) is None


def test_a_token_of_another_key_is_none():
    assert tokens.decode(tokens.encode(TOKEN, KEY), b"another", 1800) is None


def test_a_token_for_another_audience_is_none():
    vault = ServiceAccountToken(
        namespace="a", name="b", uid="1", issued_at=0, expires_at=9, audiences=("vault",)
    )
    assert tokens.decode(tokens.encode(vault, KEY), KEY, 1) is None
