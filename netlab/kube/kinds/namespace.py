"""Namespace: its words, columns and defaults."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column, in_status
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
from netlab.kube.names import wrong_dns_label
from netlab.kube.objects import (
    Object,
    labels_of,
    metadata_of,
    name_of,
    spec_of,
    status_of,
    with_spec,
)
from netlab.kube.resource import Resource


def _with_defaults(obj: Object) -> Object:
    labels = {**labels_of(obj), "kubernetes.io/metadata.name": name_of(obj)}
    return {
        **obj,
        "metadata": {**metadata_of(obj), "labels": labels},
        "spec": filled(spec_of(obj), {"finalizers": ["kubernetes"]}),
        "status": filled(status_of(obj), {"phase": "Active"}),
    }


def _prepare_for_update(old: Object, new: Object) -> Object:
    # They change by /finalize alone.
    return with_spec(new, finalizers=spec_of(old).get("finalizers") or [])


KIND: Final = Kind(
    resource=Resource(
        kind="Namespace",
        plural="namespaces",
        namespaced=False,
        short_names=("ns",),
        subresources=("finalize", "status"),
    ),
    columns=(NAME, column("Status", in_status("phase", "Active")), AGE),
    wrong_name=wrong_dns_label,
    with_defaults=_with_defaults,
    prepare_for_update=_prepare_for_update,
)
