"""The family of lakes: no operation of Pinpoint's, but its answer to removal.

What is exported stands in lakes/source.py; the files are none of the engine's business.
"""

from __future__ import annotations

from pinpoint_kit.engine.context import Family
from pinpoint_kit.engine.lakes.changes import LakeData, copies

__all__ = ["FAMILY"]

FAMILY = Family(name="lakes", operations={}, held_of_person=LakeData(), copies=copies)
