"""`python -m pinpoint_kit.cli`, for where the `pinpoint-kit` script is not on the path."""

from __future__ import annotations

from pinpoint_kit.cli import main

if __name__ == "__main__":
    main()
