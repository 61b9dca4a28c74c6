"""The heat map as a picture."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from netlab.render.matrix.svg import COLUMNS, render_matrix_svg
from netlab.trace.matrix import ServiceMatrix
from tests.unit.matrix_samples import DROP, MATRIX, cell

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return ["".join(found.itertext()) for found in ET.fromstring(picture).iter(f"{SVG}text")]


def tips(picture: str) -> list[str]:
    found = ET.fromstring(picture).iter(f"{SVG}title")
    return ["".join(one.itertext()) for one in found]


def test_every_cell_has_a_sign_and_words_so_that_colour_only_adds():
    found = texts(render_matrix_svg("blue", [MATRIX]))

    for words in ("source kept", "hidden by node1", "dropped", "refused", "unreachable"):
        assert words in found
    for sign in "✓⇄✕⊘∅":
        assert sign in found
    assert found.count("by node2") == 2
    assert "source kept: the pod saw the address that the caller sent from (1)" in found


def test_a_cell_tells_its_deciding_rule():
    assert (
        "client → node2 10.240.0.4:31704: dropped. Rules' walk: node2: KUBE-EXTERNAL-SERVICES DROP"
        ' "default/nodeport has no local endpoints"'
    ) in tips(render_matrix_svg("blue", [MATRIX]))


def test_policies_stand_over_their_columns():
    assert "policy Local" in texts(render_matrix_svg("blue", [MATRIX]))


def test_a_comment_from_outside_stays_text():
    hostile = replace(DROP, comment="</title><script>alert(1)</script>\x1b")
    target = MATRIX.targets[0]
    first = MATRIX.rows[0]
    cells = (cell("client", target, "timeout", hostile), *first.cells[1:])
    matrix = replace(MATRIX, rows=(replace(first, cells=cells),))

    picture = render_matrix_svg("blue", [matrix])

    assert "<script" not in picture
    assert any("</title><script>alert(1)</script>\\x1b" in tip for tip in tips(picture))


def many(columns: int) -> ServiceMatrix:
    """Return a matrix with so many more columns of the same policy."""
    row = MATRIX.rows[0]
    return replace(
        MATRIX,
        targets=(*MATRIX.targets, *(MATRIX.targets[2] for _ in range(columns))),
        rows=(replace(row, cells=(*row.cells, *(row.cells[2] for _ in range(columns)))),),
    )


def test_columns_that_find_no_room_go_on_below_with_their_callers():
    few, full, lots = (render_matrix_svg("blue", [many(n)]) for n in (2, COLUMNS - 2, 2 * COLUMNS))

    width = {picture: float(ET.fromstring(picture).get("width", "0")) for picture in (full, lots)}
    assert texts(few).count("client") == 1
    assert texts(lots).count("client") == 4
    assert width[lots] == width[full]
    assert texts(lots).count("dropped") == 2 * COLUMNS + 1


def test_a_lab_without_a_service_is_a_picture_too():
    assert "No Service to call." in texts(render_matrix_svg("blue", []))
