"""The images that a lab knows, and whether this machine has what they run."""

import os
import shutil
from pathlib import Path

from netlab.kubelet.images import IMAGES, PATH, Image, images_of
from netlab.model import rundir
from netlab.topology.parse import parse_topology


def known_images(lab: str) -> list[dict[str, str]]:
    """Return a row an image: ``name``, ``runs``, and ``available`` or the command to type.

    Args:
        lab: The images of its topology are among them, if it is up.
    """
    known = {**IMAGES, **_images_of_lab(lab)}
    return [
        {"name": name, "runs": _runs(image), "available": _available(image)}
        for name, image in sorted(known.items())
    ]


def _images_of_lab(lab: str) -> dict[str, Image]:
    file = rundir.topology_file(lab)
    if not os.access(file, os.R_OK):
        return {}
    return images_of(parse_topology(file.read_bytes(), str(file)).topology)


def _runs(image: Image) -> str:
    if not image.rootfs:
        return image.description
    command = " ".join(image.command) or "the container's command"
    return f"{image.description}: {command}, in {image.rootfs}"


def _available(image: Image) -> str:
    if image.rootfs:
        return "yes" if Path(image.rootfs).is_dir() else f"no directory {image.rootfs}"
    programs = {"busybox": "busybox", "curl": "curl"}
    program = programs.get(image.package) or (image.entrypoint + image.command)[0]
    if image.built_in or shutil.which(program, path=PATH):
        return "yes"
    return f"apt-get install {image.package}"
