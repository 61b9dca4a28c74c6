"""Objects as users name them: ``svc/web``, ``svc web``, ``pods,services``, ``all``."""

from collections.abc import Sequence

import click

from netlab.errors import SpecError
from netlab.kube.resources import (
    DEFAULT_NAMESPACE,
    RESOURCES,
    Resource,
    resource_named,
    resource_words,
)

namespace_option = click.option(
    "-n", "--namespace", default=DEFAULT_NAMESPACE, show_default=True, help="Namespace."
)


def split_names(kind: str, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return kinds and names of ``KIND NAME...`` or ``KIND/NAME``."""
    word, slash, name = kind.partition("/")
    if slash and names:
        raise click.UsageError("give either KIND/NAME or KIND NAME, not both")
    return word, (name,) if slash else tuple(names)


def resources_named(words: str) -> list[Resource]:
    """Return the resources of a list of words, each a resource or a category.

    Raises:
        SpecError: A word is neither; the nearest is in the hint.
    """
    found: dict[str, Resource] = {}
    for word in words.split(","):
        of_category = [one for one in RESOURCES.values() if word in one.categories]
        found |= {one.plural: one for one in of_category or [_resource(word)]}
    return list(found.values())


def _resource(word: str) -> Resource:
    from difflib import get_close_matches

    resource = resource_named(word)
    if resource is None:
        near = get_close_matches(word.lower(), resource_words(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(RESOURCES)}"
        raise SpecError(f'the server doesn\'t have a resource type "{word}"', hint=hint)
    return resource
