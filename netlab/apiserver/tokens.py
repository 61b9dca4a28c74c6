"""Tokens of service accounts: JSON web tokens that pods show to the API server.

Signed with a secret of the lab (HS256): the API server that makes them is the only one to read
them.

Source: RFC 7519; kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
"""Who signs, and whom tokens are for unless something else is asked for."""
DEFAULT_EXPIRATION_S: Final = 3600
MIN_EXPIRATION_S: Final = 600
MAX_EXPIRATION_S: Final = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountToken:
    """What a token says."""

    namespace: str
    name: str
    uid: str
    """Of the service account."""
    pod_name: str = ""
    """Empty for a token that is bound to no pod."""
    pod_uid: str = ""
    audiences: tuple[str, ...] = (ISSUER,)
    issued_at: int
    """Wall clock seconds."""
    expires_at: int

    @property
    def username(self) -> str:
        """The user that the token stands for."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def encode(token: ServiceAccountToken, key: bytes) -> str:
    """Return the token as text."""
    bound: dict[str, Any] = {
        "namespace": token.namespace,
        "serviceaccount": {"name": token.name, "uid": token.uid},
    }
    if token.pod_name:
        bound["pod"] = {"name": token.pod_name, "uid": token.pod_uid}
    claims = {
        "aud": list(token.audiences),
        "exp": token.expires_at,
        "iat": token.issued_at,
        "iss": ISSUER,
        "kubernetes.io": bound,
        "nbf": token.issued_at,
        "sub": token.username,
    }
    signed = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
    return f"{signed}.{_base64_text(_signature(signed, key))}"


def decode(text: str, key: bytes, now: float) -> ServiceAccountToken | None:
    """Return what a token says; None when it is not ours, or not valid at ``now``."""
    signed, _, signature = text.rpartition(".")
    if not hmac.compare_digest(_base64_text(_signature(signed, key)).encode(), signature.encode()):
        return None
    payload = signed.partition(".")[2]
    # What carries our signature was written above.
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not claims["nbf"] - 60 <= now < claims["exp"] or ISSUER not in claims["aud"]:
        return None
    bound = claims["kubernetes.io"]
    pod = bound.get("pod", {})
    return ServiceAccountToken(
        namespace=bound["namespace"],
        name=bound["serviceaccount"]["name"],
        uid=bound["serviceaccount"]["uid"],
        pod_name=pod.get("name", ""),
        pod_uid=pod.get("uid", ""),
        audiences=tuple(claims["aud"]),
        issued_at=claims["iat"],
        expires_at=claims["exp"],
    )


def _signature(signed: str, key: bytes) -> bytes:
    return hmac.digest(key, signed.encode(), hashlib.sha256)


def _base64(value: object) -> str:
    return _base64_text(json.dumps(value, separators=(",", ":")).encode())


def _base64_text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
