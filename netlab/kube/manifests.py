"""Kubernetes manifests: structure, meaning, and what no two objects of a file may share.

Nothing is filled in here: defaults are the API server's. What an object must fulfil by itself is
checked for objects from files and from the API alike, so both are refused in the same words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlab.documents.json_schema import StructureCheck, mapping
from netlab.documents.problems import Document, FieldPath, Problem, Report, invalid, refuse
from netlab.documents.yaml_text import read_documents
from netlab.kube.ignored_fields import warnings_of
from netlab.kube.kinds.kind import ANY_CLUSTER, ClusterContext
from netlab.kube.kinds.table import kind_of
from netlab.kube.left_out import FROM_TOPOLOGY, known_kinds, meant, summary, why_left_out
from netlab.kube.lists import items_of_list
from netlab.kube.metadata import check_metadata, items_of, text_of
from netlab.kube.nulls import without_nulls
from netlab.kube.schema import definition_of, definitions
from netlab.model.topology import API_VERSION, KIND, Manifest, ManifestFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocuments:
    """What documents hold, and what is wrong with them."""

    manifests: tuple[Manifest, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()
    """Objects that a lab has no use for, a line a kind."""
    warnings: tuple[str, ...] = ()
    """Fields that nothing in a lab acts on, and objects that stand twice."""
    right: tuple[Manifest, ...] = ()
    """Those of the manifests with which nothing is wrong."""


def parse_manifests(text: str | bytes, source: str, *, is_strict: bool = False) -> ManifestFile:
    """Return the Kubernetes objects of a YAML file, in its order, lists taken apart.

    Args:
        text: The whole file; bytes must be UTF-8.
        source: How messages call the file, as a rule its path.
        is_strict: Refuse objects that a lab has no use for, rather than leave them out.

    Raises:
        SpecError: Something is wrong; the message has every problem, one a line.
    """
    documents, problems = read_documents(text)
    return manifests_of(documents, problems, source, is_strict=is_strict)


def manifests_of(
    documents: Sequence[Document],
    problems: Sequence[Problem],
    source: str,
    *,
    is_strict: bool = False,
    is_partial: bool = False,
) -> ManifestFile:
    """Return the objects of documents that have been read, with ``problems``, from ``source``.

    Args:
        documents: Of the file.
        problems: With its form.
        source: How messages call the file.
        is_strict: Refuse objects that a lab has no use for, rather than leave them out.
        is_partial: Return what is right where the form is, and what is refused.

    Raises:
        SpecError: Something is wrong; the message has every problem, one a line.
    """
    checked = check_documents(documents, ANY_CLUSTER, is_strict=is_strict)
    if problems or (checked.problems and not is_partial):
        raise refuse([*problems, *checked.problems], source)
    return ManifestFile(
        manifests=checked.right,
        left_out=checked.left_out,
        warnings=checked.warnings,
        refused=str(refuse(checked.problems, source)) if checked.problems else "",
    )


def check_object(manifest: Manifest, context: ClusterContext = ANY_CLUSTER) -> list[Problem]:
    """Return everything that is wrong with one object, whatever other objects there are."""
    report = Report(Document(value=manifest))
    _check_object(manifest, (), report, context)
    return list(dict.fromkeys(report.problems))


def as_decoded(manifest: Manifest) -> Manifest:
    """Return an object as the API server reads it: without what is null."""
    schema = definition_of(text_of(manifest, "apiVersion"), text_of(manifest, "kind"))
    if schema is None:
        return manifest
    return mapping(without_nulls(manifest, schema, definitions()))


def check_documents(
    documents: Sequence[Document], context: ClusterContext, *, is_strict: bool = False
) -> CheckedDocuments:
    """Return the objects of ``documents``, lists taken apart, and what is wrong with them.

    Args:
        documents: Of one file.
        context: What they must fit into.
        is_strict: Whether an object that a lab has no use for is a problem.
    """
    reports = [Report(document) for document in documents]
    found = [
        (path, manifest, report)
        for report in reports
        for path, manifest in _objects(report.document.value, (), report)
    ]
    left_out = [] if is_strict else [one for _, one, _ in found if why_left_out(one)]
    taken = [one for one in found if is_strict or not why_left_out(one[1])]
    again: list[str] = []
    if not is_strict:
        taken = list(_latest(taken, again))
    holders = _Holders(context)
    right = []
    for path, manifest, report in taken:
        before = len(report.problems)
        if _is_for_files(manifest, path, report):
            _check_object(manifest, path, report, context)
        holders.add(manifest, path, report)
        if len(report.problems) == before:
            right.append(manifest)
    manifests = tuple(manifest for _, manifest, _ in taken)
    return CheckedDocuments(
        manifests=manifests,
        problems=tuple(problem for report in reports for problem in report.problems),
        left_out=summary(left_out),
        warnings=(*again, *warnings_of(manifests)),
        right=tuple(right),
    )


_Found = tuple[FieldPath, Manifest, Report]


def _latest(found: Sequence[_Found], again: list[str]) -> Iterator[_Found]:
    """Yield each object once: of those of one name the last, which is what applying them leaves.

    ``again`` takes a line for each that another one follows, unless both say the same.
    """
    last = {key: one for one in found if (key := key_of_manifest(one[1]))}
    for one in found:
        manifest = one[1]
        key = key_of_manifest(manifest)
        latest = last.get(key, one)
        if latest is one:
            yield one
        elif latest[1] != manifest:
            line = latest[2].document.line(latest[0])
            where = f"the one on line {line}" if line else "the later one"
            again.append(f"{spelt(manifest)} is there again: {where} counts")


def key_of_manifest(manifest: Manifest) -> tuple[str, ...]:
    """Return what no two objects share: group, kind, namespace and name; empty without a name."""
    metadata = mapping(manifest.get("metadata"))
    name, kind = text_of(metadata, "name"), text_of(manifest, "kind")
    if not name or not kind:
        return ()
    group = text_of(manifest, "apiVersion").rpartition("/")[0]
    return group, kind, text_of(metadata, "namespace", "default"), name


def spelt(manifest: Manifest) -> str:
    """Return how messages call an object, such as ``Service default/web``."""
    metadata, kind = mapping(manifest.get("metadata")), text_of(manifest, "kind")
    found = kind_of(kind)
    is_in_namespace = found is None or found.resource.namespaced
    namespace = f"{text_of(metadata, 'namespace', 'default')}/" if is_in_namespace else ""
    return f"{kind} {namespace}{text_of(metadata, 'name')}"


class _Holders:
    """Which object of a file holds a name, a NodePort or a ClusterIP."""

    def __init__(self, context: ClusterContext) -> None:
        self._names: dict[object, str] = {}
        self._node_ports: dict[int, tuple[str, set[str]]] = {}
        self._cluster_ips: dict[object, str] = {}
        if context.services:
            self._cluster_ips[str(context.services[0][1])] = "Service default/kubernetes"

    def add(self, manifest: Manifest, path: FieldPath, report: Report) -> None:
        """Take what ``manifest`` asks for, and report what another object has already."""
        metadata = mapping(manifest.get("metadata"))
        kind, name = text_of(manifest, "kind"), text_of(metadata, "name")
        namespace = "" if kind == "Namespace" else text_of(metadata, "namespace", "default") + "/"
        line = report.document.line(path)
        where = f"{kind} {namespace}{name}" + (f" on line {line}" if line else "")
        if name:
            key = kind, namespace, name
            if key in self._names:
                message = f'Duplicate value: "{name}"'
                report.add((*path, "metadata", "name"), message, f"{self._names[key]} has it")
            self._names.setdefault(key, where)
        if kind == "Service":
            self._add_service(mapping(manifest.get("spec")), (*path, "spec"), where, report)

    def _add_service(
        self, spec: Mapping[str, object], path: FieldPath, where: str, report: Report
    ) -> None:
        address = text_of(spec, "clusterIP", "None")
        if address != "None":
            if address in self._cluster_ips:
                why = f"failed to allocate IP {address}: provided IP is already allocated"
                hint = f"{self._cluster_ips[address]} has it"
                report.add((*path, "clusterIPs"), invalid([address], why), hint)
            self._cluster_ips.setdefault(address, where)
        for inside, port in items_of(spec, "ports", path):
            number = port.get("nodePort")
            if not isinstance(number, int) or not number:
                continue
            # One Service may have a number once for each protocol; two Services may not share it.
            holder, protocols = self._node_ports.setdefault(number, (where, set()))
            protocol = text_of(port, "protocol", "TCP")
            if holder != where or protocol in protocols:
                message = f"Invalid value: {number}: provided port is already allocated"
                report.add((*inside, "nodePort"), message, f"{holder} has it")
            protocols.add(protocol)


def _objects(
    value: object, path: FieldPath, report: Report
) -> Iterator[tuple[FieldPath, Manifest]]:
    """Yield each object of a document with its path; a List stands for its items."""
    if not isinstance(value, dict):
        report.add(path, "must be a Kubernetes object, a mapping with apiVersion and kind")
    elif (items := items_of_list(value)) is not None:
        for index, item in enumerate(items):
            yield from _objects(item, (*path, "items", index), report)
    else:
        yield path, value


def _check_object(
    manifest: Manifest, path: FieldPath, report: Report, context: ClusterContext
) -> None:
    manifest = as_decoded(manifest)
    kind = text_of(manifest, "kind")
    schema = definition_of(text_of(manifest, "apiVersion"), kind)
    if schema:
        StructureCheck(report, definitions(), null_is_unset=True).check(manifest, schema, path)
    found = kind_of(kind)
    if found is None:
        check_metadata(manifest.get("metadata"), (*path, "metadata"), report)
        return
    check_metadata(
        manifest.get("metadata"),
        (*path, "metadata"),
        report,
        wrong_name=found.wrong_name,
        namespaced=found.resource.namespaced,
    )
    found.validate(manifest, path, report, context)


def _is_for_files(manifest: Manifest, path: FieldPath, report: Report) -> bool:
    """Return whether an object is of a kind that files may hold; report it if not."""
    kind, api_version = manifest.get("kind"), manifest.get("apiVersion")
    missing = [field for field in ("apiVersion", "kind") if not manifest.get(field)]
    for field in missing:
        report.add((*path, field), "Required value")
    if missing:
        return False
    if kind == KIND:
        message = f"a {KIND} must be the first document of a file, and the only one"
        report.add((*path, "kind"), message, f"of apiVersion {API_VERSION}")
        return False
    found = kind_of(str(kind))
    why = why_left_out(manifest)
    if why == FROM_TOPOLOGY:
        report.add((*path, "kind"), why, "list them in its spec.nodes")
        return False
    if found is None or why:
        message = f"netlab has no objects of kind {kind}"
        hint = meant(str(kind)) or f"it has {', '.join(known_kinds())}"
        report.add((*path, "kind"), message, hint)
        return False
    right = found.resource.api_version
    if api_version != right:
        message = f'no matches for kind "{kind}" in version "{api_version}"'
        report.add((*path, "apiVersion"), message, f"write {right}")
        return False
    return True
