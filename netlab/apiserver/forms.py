"""Answers in the form that a client asks for: plain, as tables, or metadata alone."""

from netlab.apiserver.request import Clock, Request
from netlab.apiserver.versions import to_version
from netlab.kube.objects import Object, metadata_of
from netlab.kube.status import bad_request
from netlab.kube.table import partial, table

_INCLUDES = ("Metadata", "None", "Object")


class Formed:
    """The answers to one request.

    Args:
        request: Asks for a form, and for what the rows of a table hold.
        clock: Wall clock seconds, for ages.

    Raises:
        StatusError: The request asks for what there is not.
    """

    def __init__(self, request: Request, clock: Clock) -> None:
        self._form = request.form
        self._clock = clock
        self._resource = request.target.resource
        self._kind = self._resource.kind
        self._is_object = request.target.subresource != "scale"
        self._include = request.query.get("includeObject") or "Metadata"
        self._has_columns = False
        if self._include not in _INCLUDES:
            raise bad_request(f"includeObject: Unsupported value: {self._include!r}")

    def answer(self, body: Object) -> Object:
        """Return an answer, an object or a list, in the form; a Status stays one."""
        kind = body.get("kind")
        if not self._is_object or kind not in {self._kind, f"{self._kind}List"}:
            return body
        if kind == f"{self._kind}List":
            return self._list(body)
        return self._object(body)

    def event(self, obj: Object) -> Object:
        """Return the object of an event of a watch; only the first table defines its columns."""
        return self._object(obj)

    def bookmark(self, obj: Object) -> Object:
        """Return the object of a bookmark."""
        if self._form.kind != "Table":
            return partial(obj, self._form.api_version) if self._form.kind else obj
        return {**self._table([]), "metadata": metadata_of(obj)}

    def _object(self, obj: Object) -> Object:
        if not self._form.kind:
            return to_version(obj, self._resource)
        if self._form.kind != "Table":
            return partial(obj, self._form.api_version)
        version = metadata_of(obj).get("resourceVersion", "")
        return {**self._table([obj]), "metadata": {"resourceVersion": version}}

    def _list(self, body: Object) -> Object:
        items: list[Object] = body["items"]
        if self._form.kind == "Table":
            return {**self._table(items), "metadata": body["metadata"]}
        if not self._form.kind:
            return {**body, "items": [to_version(obj, self._resource) for obj in items]}
        version = self._form.api_version
        return {
            **body,
            "kind": "PartialObjectMetadataList",
            "apiVersion": version,
            "items": [partial(obj, version) for obj in items],
        }

    def _table(self, objects: list[Object]) -> Object:
        had, self._has_columns = self._has_columns, True
        return table(
            objects,
            self._kind,
            self._clock(),
            api_version=self._form.api_version,
            include=self._include,
            with_columns=not had,
        )
