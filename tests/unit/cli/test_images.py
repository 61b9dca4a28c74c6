import json

from click.testing import CliRunner

from netlab.cli.images import images
from netlab.kubelet.images import IMAGES


def test_every_image_is_listed_with_what_it_runs():
    lines = CliRunner().invoke(images).stdout.splitlines()
    assert lines[0].split()[:2] == ["NAME", "RUNS"]
    assert [line.split()[0] for line in lines[1:]] == sorted(IMAGES)


def test_programs_read_the_list_as_json():
    rows = json.loads(CliRunner().invoke(images, ["-o", "json"]).stdout)["images"]
    assert {row["name"] for row in rows} == set(IMAGES)
    assert all(row["available"] == "yes" or "apt-get" in row["available"] for row in rows)
