"""The notebooks run from their first cell to their last, and are kept with what they show."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.ipynb"))
#: Whose data the example shows without being asked to.
PERSONAL = "chi@example.com"


def kinds(notebook: Any) -> list[list[list[str]]]:
    """Cell by cell, in which forms its outputs are there."""
    return [
        [sorted(output.get("data", {output["output_type"]: ""})) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # the kernel's own, such as of ports that it opens
def test_a_notebook_runs_and_shows_what_it_keeps(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh run has no error and the same forms of output; nothing personal is in between."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HOME"):
        monkeypatch.setenv(name, os.fspath(tmp_path))
    kept: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(kept)
    fresh = copy.deepcopy(kept)
    client = NotebookClient(fresh, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert kinds(kept) == kinds(fresh)
    assert any(["text/html", "text/plain"] in cell for cell in kinds(kept))
    shown = str([cell.outputs for cell in kept.cells if cell.cell_type == "code"])
    assert PERSONAL not in shown
