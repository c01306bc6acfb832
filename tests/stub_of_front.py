"""Makes `pinpoint_kit/__init__.pyi` from the table in `pinpoint_kit/__init__.py`.

Run it after a change to that table: `python tests/stub_of_front.py`.
"""

from __future__ import annotations

from pathlib import Path

import pinpoint_kit

STUB = Path(pinpoint_kit.__file__).with_suffix(".pyi")
_HEAD = """\
# Made from the table in __init__.py by tests/stub_of_front.py; change it there.

from pinpoint_kit import errors as errors
from pinpoint_kit.version import VERSION as __version__
"""


def stub() -> str:
    """Return what type checkers should read: every public name, imported from its home."""
    lines = [_HEAD.rstrip()]
    lines += [
        f"from pinpoint_kit.{module} import {name} as {name}"
        for module, names in sorted(vars(pinpoint_kit)["_HOMES"].items())
        for name in sorted(names)
    ]
    lines += ["", "__all__ = ["]
    lines += [f'    "{name}",' for name in pinpoint_kit.__all__]
    return "\n".join([*lines, "]", ""])


if __name__ == "__main__":
    STUB.write_text(stub())
