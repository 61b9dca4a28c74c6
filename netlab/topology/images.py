"""``spec.images`` of a topology: what stands for container images."""

from collections.abc import Mapping
from typing import Final, cast

from netlab.documents.json_schema import Schema, mapping
from netlab.documents.problems import Report
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
                "description": "A program of this machine.",
                "properties": {
                    "command": {
                        "type": "array",
                        "description": "The program and its arguments.",
                        "items": {"type": "string"},
                        "minItems": 1,
                    }
                },
                "required": ["command"],
                "additionalProperties": False,
            },
        ]
    },
}


def check_images(spec: Mapping[str, object], report: Report) -> None:
    """Report images without a program."""
    for name, given in mapping(spec.get("images")).items():
        if isinstance(given, dict) and given.get("command") == []:
            report.add(("spec", "images", name, "command"), "Required value: a program")


def build_images(spec: Mapping[str, object]) -> tuple[TopologyImage, ...]:
    """Return the images of a topology's ``spec``, which is sound."""
    return tuple(
        TopologyImage(name=name, command=() if given == ECHO else _command(given))
        for name, given in mapping(spec.get("images")).items()
    )


def _command(given: object) -> tuple[str, ...]:
    return tuple(cast("list[str]", mapping(given).get("command") or []))
