"""The pages as a site: built strictly, so that a link that leads nowhere fails."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_site_is_built_without_a_broken_link_and_every_page_is_in_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [*command, "--config-file", str(ROOT / "deploy" / "mkdocs.yml")],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    start = (tmp_path / "index.html").read_text()
    pages = [page.stem for page in (ROOT / "deploy" / "docs").glob("*.md") if page.stem != "index"]
    assert [page for page in pages if f'href="{page}/"' not in start] == []
    assert "fonts.googleapis.com" not in start, "nothing is fetched from elsewhere"
