"""Tokens for the service accounts in the store: given out, and read back.

A token is good for as long as its service account is there, and the pod that it is bound to.
"""

from collections.abc import Callable, Mapping
from typing import Any

from netlab.apiserver import tokens
from netlab.apiserver.store import Store
from netlab.apiserver.tokens import ServiceAccountToken
from netlab.kube.objects import Key, Object, name_of, namespace_of, spec_of, uid_of
from netlab.kube.status import StatusError
from netlab.kube.timestamps import timestamp

DEFAULT_NAME = "default"
"""The service account of pods that name none."""


class ServiceAccountTokens:
    """Makes and reads tokens.

    Args:
        key: What they are signed with.
        store: Has service accounts and pods.
        clock: Wall clock seconds.
    """

    def __init__(self, key: bytes, store: Store, clock: Callable[[], float]) -> None:
        self._key = key
        self._store = store
        self._clock = clock

    def for_pod(self, pod: Object, expiration_s: int = tokens.DEFAULT_EXPIRATION_S) -> str:
        """Return a token that is bound to a pod.

        Raises:
            StatusError: The pod's service account is not there.
        """
        name = spec_of(pod).get("serviceAccountName") or DEFAULT_NAME
        account = self._store.require(Key("serviceaccounts", namespace_of(pod), name))
        return self._encode(self._token(account, pod, (tokens.ISSUER,), expiration_s))

    def request(self, namespace: str, name: str, body: Object) -> Object:
        """Answer a TokenRequest, as ``kubectl create token`` makes it.

        Raises:
            StatusError: No such service account or pod, or an expiration out of bounds.
        """
        account = self._store.require(Key("serviceaccounts", namespace, name))
        spec: Mapping[str, Any] = body.get("spec") or {}
        seconds = spec.get("expirationSeconds") or tokens.DEFAULT_EXPIRATION_S
        if not isinstance(seconds, int) or not (
            tokens.MIN_EXPIRATION_S <= seconds <= tokens.MAX_EXPIRATION_S
        ):
            raise _bad_expiration(name, seconds)
        reference: Mapping[str, Any] = spec.get("boundObjectRef") or {}
        pod = None
        if reference.get("kind") == "Pod":
            pod = self._store.require(Key("pods", namespace, reference.get("name", "")))
        audiences = tuple(spec.get("audiences") or (tokens.ISSUER,))
        token = self._token(account, pod, audiences, seconds)
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {**spec, "audiences": list(audiences), "expirationSeconds": seconds},
            "status": {
                "token": self._encode(token),
                "expirationTimestamp": timestamp(token.expires_at),
            },
        }

    def read(self, text: str) -> ServiceAccountToken | None:
        """Return what a token says; None when it is not, or no longer, good."""
        token = tokens.decode(text, self._key, self._clock())
        if token is None or not self._is_there(
            Key("serviceaccounts", token.namespace, token.name), token.uid
        ):
            return None
        if token.pod_name and not self._is_there(
            Key("pods", token.namespace, token.pod_name), token.pod_uid
        ):
            return None
        return token

    def _is_there(self, key: Key, uid: str) -> bool:
        found = self._store.get(key)
        return found is not None and uid_of(found) == uid

    def _token(
        self, account: Object, pod: Object | None, audiences: tuple[str, ...], seconds: int
    ) -> ServiceAccountToken:
        now = int(self._clock())
        return ServiceAccountToken(
            namespace=namespace_of(account),
            name=name_of(account),
            uid=uid_of(account),
            pod_name=name_of(pod) if pod else "",
            pod_uid=uid_of(pod) if pod else "",
            audiences=audiences,
            issued_at=now,
            expires_at=now + seconds,
        )

    def _encode(self, token: ServiceAccountToken) -> str:
        return tokens.encode(token, self._key)


def _bad_expiration(name: str, seconds: object) -> StatusError:
    return StatusError(
        f'TokenRequest.authentication.k8s.io "{name}" is invalid: spec.expirationSeconds: Invalid '
        f"value: {seconds}: may not specify a duration less than 10 minutes or longer than 2^32 "
        "seconds",
        code=422,
        reason="Invalid",
    )
