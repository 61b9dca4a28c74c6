"""What is said of pods beside their rows."""

from netlab.kube.objects import Object
from netlab.render.pod_notes import stand_in_lines, waiting_lines


def pod(name: str, *statuses: Object, **metadata: object) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default", **metadata},
        "status": {"containerStatuses": statuses},
    }


ECHO = {"image": "acme/shop:1", "imageID": "netlab://stand-in", "state": {"running": {}}}
KNOWN = {"image": "nginx", "imageID": "nginx", "state": {"running": {}}}
LOST = {
    "image": "acme/x",
    "state": {"waiting": {"reason": "ErrImagePull", "message": "no program for image"}},
}
BEGINNING = {"image": "nginx", "state": {"waiting": {"reason": "ContainerCreating"}}}
OWNER = {"uid": "u", "controller": True}


def test_an_image_that_is_stood_in_for_is_told_once():
    assert stand_in_lines([pod("a", ECHO, ECHO), pod("b", ECHO, KNOWN), pod("c", KNOWN)]) == [
        "image acme/shop:1: an echo server stands in for it in 2 pods"
    ]


def test_a_pod_that_waits_for_what_does_not_come_is_told():
    """Of one that somebody keeps, its keeper's replicas tell."""
    owned = pod("c", LOST, ownerReferences=[OWNER])
    assert waiting_lines([pod("a", LOST), pod("b", BEGINNING), owned, pod("d", KNOWN)]) == [
        "Pod default/a: ErrImagePull: no program for image"
    ]
