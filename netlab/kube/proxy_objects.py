"""Files for one kube-proxy: what it watches, and how it is configured.

Unlike a lab's files they hold Nodes, since no topology makes those, and may hold ServiceCIDRs and
one KubeProxyConfiguration, by itself or in kubeadm's ConfigMap ``kube-proxy``. What kube-proxy does
not read is left out, and that is said. Objects are taken as a cluster has them, so a NodePort may
lie below Kubernetes' default range: its API server may have been given another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.documents.json_schema import StructureCheck, entries, mapping
from netlab.documents.problems import Document, FieldPath, Problem, Report, refuse, spell_path
from netlab.documents.yaml_text import ONE_CLUSTER, read_documents
from netlab.errors import SpecError
from netlab.kube.kinds.kind import ANY_CLUSTER
from netlab.kube.kinds.service.addresses import check_service_status
from netlab.kube.kinds.service.validation import NODE_PORTS
from netlab.kube.kinds.service_cidr import check_service_cidr
from netlab.kube.left_out import UNKNOWN, why_left_out
from netlab.kube.lists import items_of_list
from netlab.kube.manifests import check_documents, key_of_manifest
from netlab.kube.metadata import check_address, check_metadata, items_of, text_of
from netlab.kube.proxy_configuration import CONFIGURATION_KIND, check_configuration, check_network
from netlab.kube.schema import definition_of, definitions
from netlab.model.topology import KIND, Manifest

_DEFAULT_RANGE: Final = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
_IP_TYPES: Final = frozenset({"InternalIP", "ExternalIP"})
_READ: Final = ("Node", "Service", "EndpointSlice", "ServiceCIDR", CONFIGURATION_KIND)
"""The kinds that kube-proxy watches, or is configured by."""
_CONFIG_MAP: Final = "kube-proxy"
_CONFIG_FILE: Final = "config.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyObjects:
    """What the files of one kube-proxy hold."""

    manifests: tuple[Manifest, ...]
    configuration: Mapping[str, object] = field(default_factory=dict)
    """The KubeProxyConfiguration; empty when there is none."""
    remarks: tuple[str, ...] = ()
    """What is allowed but may surprise, a sentence each."""

    def of_kind(self, kind: str) -> list[Manifest]:
        """Return the objects of a kind, in the order of the files."""
        return [manifest for manifest in self.manifests if manifest.get("kind") == kind]


def parse_proxy_objects(
    files: Sequence[tuple[str | bytes, str]], *, is_strict: bool = False
) -> ProxyObjects:
    """Return what is in ``files``, each a YAML text and what messages call it.

    Args:
        files: In the order of the command line.
        is_strict: Refuse objects that kube-proxy does not read, rather than leave them out.

    Raises:
        SpecError: Something is wrong; the message has every problem of every file, one a line.
    """
    documents: list[Document] = []
    complaints: list[str] = []
    not_read: Counter[str] = Counter()
    for text, source in files:
        found, problems = read_documents(text, ONE_CLUSTER)
        apart = [one for document in found for one in _items(document, problems)]
        taken = _once([one for one in apart if _is_read(one)])
        problems += _problems(taken)
        left_out = [one for one in apart if not _is_read(one)]
        if is_strict:
            problems += map(_not_read, left_out)
        if problems:
            complaints.append(str(refuse(problems, source)))
        documents += taken
        not_read.update(_kind(one) for one in left_out)
    documents = _once(documents)
    if not complaints:
        complaints += _shared(documents, ", ".join(source for _, source in files))
    if complaints:
        raise SpecError("\n".join(complaints))
    objects = _objects(documents)
    return replace(objects, remarks=(*map(_left_out, not_read.items()), *objects.remarks))


def _once(documents: Sequence[Document]) -> list[Document]:
    """Return each object once where it stands again, word for word."""
    found: dict[object, Document] = {}
    for number, one in enumerate(documents):
        key = key_of_manifest(mapping(one.value))
        is_again = bool(key) and key in found and found[key].value == one.value
        found.setdefault(key if key and key not in found else number, one)
        if is_again:
            del found[number]
    return list(found.values())


def _kind(document: Document) -> str:
    return text_of(mapping(document.value), "kind")


def _is_read(document: Document) -> bool:
    """Tell whether kube-proxy reads an object; one that says nothing of itself is looked at."""
    kind = _kind(document)
    is_of_others = why_left_out(mapping(document.value)) == UNKNOWN
    return not kind or (kind in _READ and (kind == CONFIGURATION_KIND or not is_of_others))


def _not_read(document: Document) -> Problem:
    message = f"kube-proxy reads no objects of kind {_kind(document)}"
    return Problem(line=document.line(("kind",)), path="kind", message=message)


def _left_out(counted: tuple[str, int]) -> str:
    kind, number = counted
    if kind == KIND:
        return (
            "the Topology is left out: it describes a lab, and no cluster. The rules of its nodes "
            "are printed by: netlab up --dry-run"
        )
    if number == 1:
        return f"1 object of kind {kind} left out: kube-proxy does not read it."
    return f"{number} objects of kind {kind} left out: kube-proxy does not read them."


def _objects(documents: Sequence[Document]) -> ProxyObjects:
    values = [mapping(document.value) for document in documents]
    manifests = tuple(value for value in values if value.get("kind") != CONFIGURATION_KIND)
    found = (value for value in values if value.get("kind") == CONFIGURATION_KIND)
    return ProxyObjects(
        manifests=manifests,
        configuration=next(found, {}),
        remarks=tuple(_remarks(manifests)),
    )


def _items(document: Document, problems: list[Problem]) -> Iterator[Document]:
    """Yield a document for each object: itself, the items of a list, a ConfigMap's file."""
    items = items_of_list(document.value)
    if items is None:
        yield from _configuration_in(document, problems)
        return
    lines: list[dict[FieldPath, int]] = [{} for _ in items]
    for path, line in document.lines.items():
        if path[:1] == ("items",) and len(path) > 1 and isinstance(path[1], int):
            lines[path[1]][path[2:]] = line
    for item, its_lines in zip(items, lines, strict=True):
        yield from _items(Document(value=item, lines=its_lines), problems)


def _configuration_in(document: Document, problems: list[Problem]) -> Iterator[Document]:
    """Yield what kubeadm's ConfigMap ``kube-proxy`` holds; any other object is yielded itself."""
    fields = mapping(document.value)
    text = mapping(fields.get("data")).get(_CONFIG_FILE)
    name = text_of(mapping(fields.get("metadata")), "name")
    if (fields.get("kind"), name) != ("ConfigMap", _CONFIG_MAP) or not isinstance(text, str):
        yield document
        return
    # Where a block of text begins is known, and not how the lines in it are folded.
    line = document.line(("data", _CONFIG_FILE))
    held, found = read_documents(text)
    problems += [replace(one, line=line, path=f"data[{_CONFIG_FILE}]") for one in found]
    for one in held:
        yield Document(value=one.value, lines={} if line is None else {(): line})


def _problems(documents: Iterable[Document]) -> list[Problem]:
    """Return what is wrong with the objects of one file."""
    found: list[Problem] = []
    for_lab: list[Document] = []
    for document in documents:
        report = Report(document)
        match mapping(document.value).get("kind"):
            case "Node":
                _check_node(mapping(document.value), report)
            case "ServiceCIDR":
                check_service_cidr(mapping(document.value), report)
            case kind if kind == CONFIGURATION_KIND:
                check_configuration(mapping(document.value), report)
            case kind:
                if kind == "Service":
                    check_service_status(mapping(document.value), report)
                for_lab.append(document)
        found += report.problems
    found += (
        one for one in check_documents(for_lab, ANY_CLUSTER).problems if not _is_harmless(one)
    )
    return found


def _check_node(node: Manifest, report: Report) -> None:
    if node.get("apiVersion") != "v1":
        message = f'no matches for kind "Node" in version "{node.get("apiVersion")}"'
        report.add(("apiVersion",), message, "write v1")
        return
    schema = definition_of("v1", "Node")
    assert schema is not None  # noqa: S101 (Kubernetes has Nodes)
    StructureCheck(report, definitions(), null_is_unset=True).check(node, schema)
    check_metadata(node.get("metadata"), ("metadata",), report)
    for path, address in items_of(mapping(node.get("status")), "addresses", ("status",)):
        if text_of(address, "type") in _IP_TYPES:
            check_address(address.get("address"), (*path, "address"), report)
    spec = mapping(node.get("spec"))
    check_network(spec.get("podCIDR") or None, ("spec", "podCIDR"), report)
    for index, network in enumerate(entries(spec.get("podCIDRs"))):
        check_network(network, ("spec", "podCIDRs", index), report)


def _is_harmless(problem: Problem) -> bool:
    """Tell whether ``problem`` is one of a NodePort that kube-proxy makes nothing of.

    One is below the default range; a health check port without the policy for it is not looked at.
    """
    if problem.path.endswith(".healthCheckNodePort") and "may only be set" in problem.message:
        return True
    is_port = problem.path.endswith((".nodePort", ".healthCheckNodePort"))
    if not is_port or "not in the valid range" not in problem.message:
        return False
    number = problem.message.split(":")[1].strip()
    return number.isdigit() and 0 < int(number) < NODE_PORTS.start


def _shared(documents: Sequence[Document], sources: str) -> list[str]:
    """Return what no two objects of the files can have; each by itself is right."""
    whole = [Document(value=one.value) for one in documents]
    is_configuration = [mapping(one.value).get("kind") == CONFIGURATION_KIND for one in whole]
    rest = [one for one, is_it in zip(whole, is_configuration, strict=True) if not is_it]
    found = [
        one for one in check_documents(rest, ANY_CLUSTER, is_strict=True).problems if _is_clash(one)
    ]
    if sum(is_configuration) > 1:
        found.append(Problem(message=f"there are two objects of kind {CONFIGURATION_KIND}"))
    return [str(refuse(found, sources))] if found else []


def _is_clash(problem: Problem) -> bool:
    return "Duplicate value" in problem.message or "already allocated" in problem.message


def _remarks(manifests: Iterable[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        if manifest.get("kind") != "Service":
            continue
        metadata, spec = mapping(manifest.get("metadata")), mapping(manifest.get("spec"))
        service = f"{text_of(metadata, 'namespace', 'default')}/{text_of(metadata, 'name')}"
        if spec.get("type") != "ExternalName" and not (
            spec.get("clusterIP") or spec.get("clusterIPs")
        ):
            yield f"Service {service} has no clusterIP yet, so kube-proxy lays no rules for it."
        for path, port in items_of(spec, "ports", ("spec",)):
            number = port.get("nodePort")
            if isinstance(number, int) and 0 < number < NODE_PORTS.start:
                place = f"Service {service}: {spell_path(path)}.nodePort: {number}"
                yield f"{place} is below Kubernetes' default range, {_DEFAULT_RANGE}."
