"""The file that kubectl reads."""

import base64

import yaml

from netlab.client.kubeconfig import kubeconfig


def test_the_current_context_leads_to_server_and_user():
    document = yaml.safe_load(kubeconfig("default", 6443, b"CA", b"CERT", b"KEY"))
    (context,) = document["contexts"]
    assert context["name"] == document["current-context"] == "netlab-default"
    (cluster,) = document["clusters"]
    (user,) = document["users"]
    assert context["context"]["cluster"] == cluster["name"]
    assert context["context"]["user"] == user["name"]
    assert cluster["cluster"]["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"CA"
    assert base64.b64decode(user["user"]["client-certificate-data"]) == b"CERT"
    assert base64.b64decode(user["user"]["client-key-data"]) == b"KEY"
