"""The file that kubectl reads to find a lab: where it answers, whom to trust, who we are."""

import base64
from typing import Any, Final

import yaml

USER: Final = "kubernetes-admin"
"""As the certificate has it; here it is a name in the file and no more."""


def kubeconfig(lab: str, port: int, authority: bytes, certificate: bytes, key: bytes) -> str:
    """Return the text of a kubeconfig with one context.

    Args:
        lab: Its name becomes ``netlab-NAME``, for the cluster and the context.
        port: On 127.0.0.1.
        authority: Certificate of the lab's authority, as PEM; so are the others.
        certificate: The user's.
        key: The user's.
    """
    name = f"netlab-{lab}"
    user = f"{USER}@{name}"
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority-data": _base64(authority),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(certificate),
                    "client-key-data": _base64(key),
                },
            }
        ],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": user, "namespace": "default"}}
        ],
        "current-context": name,
        "preferences": {},
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
