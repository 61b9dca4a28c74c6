"""``spec.images`` of a topology: what stands for container images."""

from collections.abc import Mapping
from typing import Final, cast

from netlab.documents.json_schema import Schema, mapping
from netlab.documents.problems import Report, invalid
from netlab.model.topology import TopologyImage

ECHO: Final = "echo"

IMAGES_SCHEMA: Final[Schema] = {
    "type": "object",
    "description": "What stands for container images, by name without a tag, beside those that"
    " `netlab images` lists. `unknown` stands for every image that nothing else does.",
    "additionalProperties": {
        "oneOf": [
            {
                "type": "string",
                "description": "`echo`: an echo server on the container's declared ports.",
                "enum": [ECHO],
            },
            {
                "type": "object",
                "description": "A program of this machine, or of a root file system.",
                "properties": {
                    "command": {
                        "type": "array",
                        "description": "The program and its arguments.",
                        "items": {"type": "string"},
                        "minItems": 1,
                    },
                    "rootfs": {
                        "type": "string",
                        "description": "A directory of this machine with the root file system that"
                        " containers get: an absolute path. They write to a copy of their own.",
                        "pattern": "^/",
                    },
                },
                "anyOf": [{"required": ["command"]}, {"required": ["rootfs"]}],
                "additionalProperties": False,
            },
        ]
    },
}


def check_images(spec: Mapping[str, object], report: Report) -> None:
    """Report images without a program."""
    for name, given in mapping(spec.get("images")).items():
        path = ("spec", "images", name)
        if not isinstance(given, dict):
            continue
        if given.get("command") == [] or not given.keys() & {"command", "rootfs"}:
            report.add((*path, "command"), "Required value: a program")
        rootfs = given.get("rootfs")
        if isinstance(rootfs, str) and not rootfs.startswith("/"):
            why = "must be an absolute path of a directory with a root file system"
            report.add((*path, "rootfs"), invalid(rootfs, why))


def build_images(spec: Mapping[str, object]) -> tuple[TopologyImage, ...]:
    """Return the images of a topology's ``spec``, which is sound."""
    return tuple(
        TopologyImage(
            name=name,
            command=() if given == ECHO else _command(given),
            rootfs=str(mapping(given).get("rootfs") or ""),
        )
        for name, given in mapping(spec.get("images")).items()
    )


def _command(given: object) -> tuple[str, ...]:
    return tuple(cast("list[str]", mapping(given).get("command") or []))
