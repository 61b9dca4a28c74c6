"""Bodies as kubectl writes them, and bodies that are none."""

import base64
from collections.abc import Sequence

import pytest

from netlab.kube import protobuf
from netlab.kube.protobuf import ProtobufError, decode


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def message(*fields: tuple[int, int | str | bytes]) -> bytes:
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            encoded += varint(number << 3 | 2) + varint(len(content)) + content
    return encoded


def body(api_version: str, kind: str, *fields: tuple[int, int | str | bytes]) -> bytes:
    type_meta = message((1, api_version), (2, kind))
    return b"k8s\0" + message((1, type_meta), (2, message(*fields)))


NAME = (1, message((1, "web"), (2, ""), (7, 0), (8, b"")))
"""metadata.name, and what Go writes of the rest."""


def test_a_name_arrives_and_what_go_writes_empty_does_not():
    assert decode(body("v1", "Namespace", NAME, (2, message()), (3, message((1, ""))))) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "web"},
    }


def test_bytes_are_base64_and_an_empty_value_of_a_map_stays():
    data = [(2, message((1, "tls.crt"), (2, b"\x00cert"))), (2, message((1, "empty"), (2, "")))]
    secret = decode(body("v1", "Secret", NAME, *data, (3, "kubernetes.io/tls")))
    assert secret["data"] == {"tls.crt": base64.b64encode(b"\0cert").decode(), "empty": ""}
    assert secret["type"] == "kubernetes.io/tls"


def test_zero_of_a_pointer_is_a_value_and_zero_of_a_number_is_not():
    spec = message((1, 0), (5, 0), (9, 600))
    deployment = decode(body("apps/v1", "Deployment", NAME, (2, spec)))
    assert deployment["spec"] == {"replicas": 0, "progressDeadlineSeconds": 600}


def test_a_volume_has_its_source_inlined_and_an_empty_dir_stays():
    volume = message((1, "cache"), (2, message((2, b""))))
    pod = decode(body("v1", "Pod", NAME, (2, message((1, volume)))))
    assert pod["spec"]["volumes"] == [{"name": "cache", "emptyDir": {}}]


def test_a_probe_has_its_handler_inlined():
    get = message((1, "/healthz"), (2, message((1, 0), (2, 8080), (3, ""))))
    probe = message((1, message((2, get))), (4, 5))
    container = message((1, "web"), (10, probe))
    pod = decode(body("v1", "Pod", NAME, (2, message((2, container)))))
    assert pod["spec"]["containers"][0]["livenessProbe"] == {
        "httpGet": {"path": "/healthz", "port": 8080},
        "periodSeconds": 5,
    }


@pytest.mark.parametrize(
    ("encoded", "target"),
    [
        (message((1, 0), (2, 8080), (3, "")), 8080),
        (message((1, 1), (2, 0), (3, "http")), "http"),
        (message((1, 0), (2, -1), (3, "")), -1),
    ],
    ids=["number", "name", "negative number"],
)
def test_a_target_port_is_a_number_or_a_name(encoded: bytes, target: int | str):
    port = message((1, "http"), (2, "TCP"), (3, 80), (4, encoded), (5, 0))
    service = decode(body("v1", "Service", NAME, (2, message((1, port)))))
    assert service["spec"]["ports"] == [
        {"name": "http", "protocol": "TCP", "port": 80, "targetPort": target}
    ]


def test_quantities_are_texts():
    limits = message((1, "cpu"), (2, message((1, "250m"))))
    container = message((1, "web"), (8, message((1, limits))))
    pod = decode(body("v1", "Pod", NAME, (2, message((2, container)))))
    assert pod["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "250m"}}


def test_times_are_utc_and_those_of_micro_seconds_keep_them():
    lease = message((4, message((1, 1767225600), (2, 123456000))))
    meta = message((1, "node1"), (9, message((1, 1767225600))))
    found = decode(body("coordination.k8s.io/v1", "Lease", (1, meta), (2, lease)))
    assert found["spec"]["renewTime"] == "2026-01-01T00:00:00.123456Z"
    assert found["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"


def test_the_extra_of_a_user_is_a_list():
    extra = message((1, "scopes"), (2, message((1, "a"), (1, "b"))))
    review = decode(
        body("authorization.k8s.io/v1", "SubjectAccessReview", (2, message((5, extra))))
    )
    assert review["spec"]["extra"] == {"scopes": ["a", "b"]}


def test_the_data_of_a_controller_revision_is_json():
    raw = message((1, b'{"spec":{"a":1}}'))
    found = decode(body("apps/v1", "ControllerRevision", NAME, (2, raw), (3, 7)))
    assert found["data"] == {"spec": {"a": 1}}
    assert found["revision"] == 7


def test_options_of_a_delete_belong_to_every_group():
    options = body("apps/v1", "DeleteOptions", (1, 0), (4, "Background"))
    assert decode(options) == {
        "apiVersion": "apps/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Background",
    }


WRONG: Sequence[tuple[str, bytes, str]] = [
    ("JSON", b'{"kind":"Pod"}', "does not begin with the magic"),
    ("nothing", b"", "does not begin with the magic"),
    ("no envelope", b"k8s\0", "no kind ''"),
    ("an unknown kind", body("v1", "Ship", NAME), "no kind 'Ship' of 'v1'"),
    (
        "an unknown field",
        body("v1", "Pod", (2, message((999, 1)))),
        r"unknown field 999 of Pod.spec \(core/v1.PodSpec\)",
    ),
    ("cut off", body("v1", "Pod", NAME)[:-3], "cut off"),
    ("cut off in a number", b"k8s\0\xff", "no valid protobuf"),
    ("a number without end", b"k8s\0" + b"\xff" * 12, "more than 64 bits"),
    ("a group", b"k8s\0\x0b", "wire type 3"),
    ("a number for a text", body("v1", "Pod", (1, message((1, 5)))), "number where"),
    ("a text for a number", body("apps/v1", "Deployment", (2, message((1, "x")))), "no number"),
    ("text that is no UTF-8", body("v1", "Pod", (1, message((1, b"\xff")))), "no valid protobuf"),
]


@pytest.mark.parametrize(("sent", "reason"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
def test_what_is_no_object_is_refused_with_the_reason(sent: bytes, reason: str):
    with pytest.raises(ProtobufError, match=reason):
        decode(sent)


def test_every_type_that_a_field_names_is_in_the_table():
    table = protobuf._table()
    known = {*table, *protobuf._NUMBERS, *protobuf._OWN_FORM}
    named = {
        field.partition(" ")[2].removeprefix("*").removeprefix("[]").removeprefix("map[string]")
        for fields in table.values()
        for field in fields.values()
    }
    assert named - known == set()
