"""Lines that meet become the right character."""

from netlab.render.graph.canvas import Canvas


def drawn(canvas: Canvas) -> str:
    return "\n".join(canvas.lines())


def test_boxes_wires_and_text_make_one_drawing():
    canvas = Canvas()
    canvas.box(0, 0, 3, 5)
    canvas.text(1, 2, "a")
    canvas.down(2, 2, 4)
    canvas.across(4, 0, 4)
    canvas.down(0, 4, 5)
    canvas.across(5, 0, 2)

    assert drawn(canvas) == "┌───┐\n│ a │\n└─┬─┘\n  │\n┌─┴─╴\n└─╴"


def test_lines_that_cross_and_touch_join():
    canvas = Canvas()
    canvas.across(1, 0, 4)
    canvas.down(2, 0, 2)
    canvas.down(0, 0, 2)
    canvas.down(4, 2, 0)

    assert drawn(canvas) == "╷ ╷ ╷\n├─┼─┤\n╵ ╵ ╵"


def test_text_stands_over_lines_but_a_blank_does_not():
    canvas = Canvas()
    canvas.across(0, 0, 6)
    canvas.text(0, 2, "a b")

    assert drawn(canvas) == "╶─a─b─╴"


def test_nothing_drawn_is_no_line():
    assert Canvas().lines() == []
