"""A matrix of calls as a page of its own: no script, nothing from elsewhere, light and dark.

The heat map is a table that reads well without its colours, aloud, and on paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from netlab.model.addresses import Address
from netlab.render.markup import Markup, element, fragment
from netlab.render.matrix.cell_styles import (
    LOOKS,
    cells_of,
    counted,
    detail_of,
    sentence_of,
    summary_of,
    words_of,
)
from netlab.render.matrix.document import matrix_document
from netlab.render.matrix.table import target_of
from netlab.render.page import Data, PageFiles, download, page
from netlab.trace.decision import Decision
from netlab.trace.matrix import Cell, MatrixRow, ServiceMatrix, Target

_CSS: Final = """
html{background:var(--paper)}body{color:var(--ink);font:15px/1.5 var(--sans);margin:0}
main{max-width:min(100rem,96vw);margin:0 auto;padding:2rem 0 3rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.4rem 0 .2rem}
h3{font-size:.95rem;margin:1.1rem 0 .4rem}
a{color:var(--request)}
.muted{color:var(--muted);margin:.1rem 0 .8rem}
.mono,code{font-family:var(--mono);font-size:.85em}
.scroll{overflow-x:auto}
table.heat{border-collapse:separate;border-spacing:4px}
.heat{font-size:.8rem}
.heat th{font-weight:600;text-align:center;padding:.1rem .4rem;white-space:nowrap}
.heat th:first-child{text-align:left;font-weight:500;padding-left:0;white-space:normal;
 min-width:6rem;max-width:min(13rem,34vw);overflow-wrap:anywhere;position:sticky;left:0;
 background:var(--paper)}
.heat th small{display:block;font:.75rem var(--mono);color:var(--muted)}
.heat th.policy{border-bottom:1px solid var(--edge)}
.heat td{min-width:6.2rem;border:1.5px solid;border-radius:7px;padding:.25rem .4rem;
 white-space:nowrap;line-height:1.3}
.heat td b{font-weight:650}.heat td .sign{display:inline-block;width:1.05em;font-weight:700}
.heat td small{display:block;margin-left:1.3em;min-height:1.1em;font:.72rem var(--mono);
 color:var(--ink)}
.dashed{border-style:dashed!important}
ul.legend{list-style:none;padding:0;margin:1rem 0 0;display:flex;flex-wrap:wrap;gap:.4rem 1.6rem}
.legend span{display:inline-block;width:1.6em;text-align:center;border:1.5px solid;
 border-radius:4px;margin-right:.5em;font-weight:700;line-height:1.3}
table.rules{border-collapse:collapse;width:100%}
.rules th{text-align:left;color:var(--muted);font-weight:600;font-size:.85rem}
.rules th,.rules td{border-bottom:1px solid var(--faint);padding:.35rem .8rem .35rem 0;
 vertical-align:top}
.rules code{overflow-wrap:anywhere}
@media print{.heat{font-size:.62rem}.heat td{min-width:0}
 main{max-width:none;padding:0}section{break-inside:avoid}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
_HEADLINE: Final = "Who reaches what, and whose address the pod saw"


def render_matrix_html(
    lab: str, matrices: Sequence[ServiceMatrix], names: Mapping[Address, str]
) -> str:
    """Return the page; it carries the matrix as JSON, too.

    Args:
        lab: Name.
        matrices: What ``netlab.lab.matrix`` returned.
        names: Names of addresses.
    """
    data = Data(name=f"matrix-{lab}.json", document=matrix_document(lab, matrices, names))
    body = [
        element("h1", None, _HEADLINE),
        element("p", {"class": "muted"}, [f"lab {lab} · ", download(data, "as JSON")]),
        _legend(matrices),
        *(_service(matrix) for matrix in matrices),
    ]
    if not matrices:
        body.append(element("p", None, "This lab has no Service to call."))
    style = PageFiles(css=_CSS + "".join(_fate_rules()), script="")
    return page(f"{_HEADLINE}: lab {lab}", [element("main", None, body)], data, style)


def _fate_rules() -> Iterator[str]:
    for fate, style in LOOKS.items():
        name = _class(fate)
        yield f".{name}{{background:var(--{style.paper});border-color:var(--{style.ink})!important;"
        yield f"color:var(--{style.ink})}}"


def _class(fate: str) -> str:
    return f"fate-{fate.replace(' ', '-')}"


def _legend(matrices: Sequence[ServiceMatrix]) -> Markup:
    items = []
    for fate, number in counted(matrices):
        style = LOOKS[fate]
        dashed = " dashed" if style.is_dashed else ""
        sign = element("span", {"class": f"{_class(fate)}{dashed}"}, style.sign)
        items.append(element("li", None, [sign, f"{fate}: {style.meaning} ({number})"]))
    return element("ul", {"class": "legend"}, items)


def _service(matrix: ServiceMatrix) -> Markup:
    parts = [
        element("h2", None, f"Service {matrix.service}"),
        element("p", {"class": "muted"}, summary_of(matrix)),
        element("div", {"class": "scroll"}, _heat_map(matrix)),
    ]
    if any(cell.decision is not None for cell in cells_of(matrix)):
        title = "Deciding rules, predicted by a walk through the rules that each kernel holds"
        parts += [element("h3", None, title), _rules(matrix)]
    return element("section", None, parts)


def _heat_map(matrix: ServiceMatrix) -> Markup:
    rows = [
        element("tr", None, _policies(matrix)),
        element("tr", None, [element("th", None, "caller"), *map(_heading, matrix.targets)]),
    ]
    body = [element("tr", None, list(_row(matrix, row))) for row in matrix.rows]
    return element(
        "table", {"class": "heat"}, [element("thead", None, rows), element("tbody", None, body)]
    )


def _policies(matrix: ServiceMatrix) -> Iterator[Markup]:
    yield element("th")
    for policy, targets in groupby(matrix.targets, key=lambda target: target.policy):
        attributes = {"colspan": len(list(targets)), "class": "policy" if policy else None}
        yield element("th", attributes, f"policy {policy}" if policy else "")


def _heading(target: Target) -> Markup:
    address = element("small", None, str(target.address))
    return element("th", {"scope": "col"}, [target.name, address])


def _row(matrix: ServiceMatrix, row: MatrixRow) -> Iterator[Markup]:
    where = [element("small", None, f"on {row.node}")] if row.node else []
    yield element("th", {"scope": "row"}, [row.caller, *where])
    for cell, target in zip(row.cells, matrix.targets, strict=True):
        yield _cell(cell, sentence_of(cell, row, target, matrix))


def _cell(cell: Cell, sentence: str) -> Markup:
    style = LOOKS[cell.fate]
    dashed = " dashed" if style.is_dashed else ""
    sign = element("span", {"class": "sign", "aria-hidden": "true"}, style.sign)
    words = element("b", None, words_of(cell))
    detail = element("small", None, detail_of(cell))
    attributes = {"class": f"{_class(cell.fate)}{dashed}", "title": sentence}
    return element("td", attributes, [sign, " ", words, detail])


def _rules(matrix: ServiceMatrix) -> Markup:
    calls: dict[Decision | None, list[str]] = {}
    for row in matrix.rows:
        for cell, target in zip(row.cells, matrix.targets, strict=True):
            call = f"{row.caller} → {target_of(target, matrix)}"
            calls.setdefault(cell.decision, []).append(call)
    head = element("tr", None, [element("th", None, t) for t in ("host", "decides", "calls")])
    body = [_decision(decision, calls[decision]) for decision in sorted(calls, key=_by_host)]
    return element("table", {"class": "rules"}, [head, *body])


def _by_host(decision: Decision | None) -> tuple[str, str]:
    return (decision.host, decision.words()) if decision is not None else ("", "")


def _decision(decision: Decision | None, calls: Sequence[str]) -> Markup:
    if decision is None:
        cells = ["", "not predicted", ", ".join(calls)]
    else:
        rule = [element("br"), element("code", None, decision.rule)] if decision.rule else []
        cells = [decision.host, fragment([decision.words(), *rule]), ", ".join(calls)]
    return element("tr", None, [element("td", None, cell) for cell in cells])
