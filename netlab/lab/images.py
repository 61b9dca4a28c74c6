"""The images that a lab knows, and whether this machine has what they run."""

import shutil

from netlab.kubelet.images import IMAGES, PATH, Image


def known_images() -> list[dict[str, str]]:
    """Return a row an image: ``name``, ``runs``, and ``available`` or the command to type."""
    return [
        {"name": name, "runs": image.description, "available": _available(image)}
        for name, image in sorted(IMAGES.items())
    ]


def _available(image: Image) -> str:
    programs = {"busybox": "busybox", "curl": "curl"}
    program = programs.get(image.package) or (image.entrypoint + image.command)[0]
    if image.built_in or shutil.which(program, path=PATH):
        return "yes"
    return f"apt-get install {image.package}"
