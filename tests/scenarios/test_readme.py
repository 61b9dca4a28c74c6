"""Pages show what a reader will see, and each of their links leads somewhere."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.kernel
@pytest.mark.parametrize("script", ["readme.py", "packet_paths.py"])
def test_every_session_of_a_page_prints_what_it_says(script: str):
    command = [ROOT / "scripts" / script, "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_that_is_there(page: Path):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    lost = [target for target in targets if not (page.parent / target).exists()]
    assert not lost
