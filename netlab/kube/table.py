"""Objects as the tables that kubectl prints.

Source: Kubernetes API documentation, "Receiving resources as Tables".
"""

from collections.abc import Sequence
from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, Cell, Column
from netlab.kube.kinds.table import kind_of
from netlab.kube.objects import Object, metadata_of

_PLAIN: Final = (NAME, AGE)


def table(
    objects: Sequence[Object],
    kind: str,
    now: float,
    *,
    api_version: str = "meta.k8s.io/v1",
    include: str = "Metadata",
    with_columns: bool = True,
) -> Object:
    """Return a Table with a row for each object.

    Args:
        objects: All of one kind.
        kind: Theirs.
        now: Wall clock seconds, for the ages.
        api_version: Of the Table.
        include: What a row holds of its object: ``None``, ``Metadata`` or ``Object``.
        with_columns: Whether to define the columns; later events of a watch need not.
    """
    known = kind_of(kind)
    columns = known.columns if known is not None else _PLAIN
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": {},
        "columnDefinitions": [_definition(column) for column in columns] if with_columns else [],
        "rows": [
            {
                "cells": [_cell(column, obj, now) for column in columns],
                **({} if include == "None" else {"object": _row_object(obj, include, api_version)}),
            }
            for obj in objects
        ],
    }


def _cell(column: Column, obj: Object, now: float) -> Cell:
    """Return what a column shows of an object; of one that it cannot read, that it cannot."""
    try:
        return column.cell(obj, now)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return "<invalid>"


def partial(obj: Object, api_version: str = "meta.k8s.io/v1") -> Object:
    """Return an object's metadata, and nothing else of it."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": api_version,
        "metadata": metadata_of(obj),
    }


def _row_object(obj: Object, include: str, api_version: str) -> Object:
    return obj if include == "Object" else partial(obj, api_version)


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": "",
        "priority": 1 if column.is_wide else 0,
    }
