"""Traces read back."""

from pathlib import Path

from netlab.cli.trace_files import read_trace
from netlab.render.trace.document import render_trace_json, trace_document
from tests.unit.trace_samples import delivered


def test_a_written_trace_is_read_back_as_it_was(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(render_trace_json(delivered()))

    assert read_trace(str(path)) == trace_document(delivered())
