"""What else a conversion writes: segments, and templates rewritten for a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.migration.customer_profiles.segments import convert_segments
from pinpoint_kit.migration.customer_profiles.templates import convert_templates

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pinpoint_kit.migration.customer_profiles.documents import Documents
    from pinpoint_kit.migration.customer_profiles.outputs import Outputs

__all__ = ["Extras", "write_extras"]

_SEGMENTS = "segments.json"
_TEMPLATES = "templates.json"


@attrs.define
class Extras:
    """What became of segments and templates."""

    segments: int = 0
    templates: int = 0
    notes: list[str] = attrs.field(factory=list)
    files: list[str] = attrs.field(factory=list)


def write_extras(
    outputs: Outputs,
    segments: Documents,
    templates: Documents,
    *,
    multiple: AbstractSet[str],
    region_field: str,
) -> Extras:
    """Write segments and templates, if there are any.

    Args:
        outputs: where to.
        segments: the segments that were found.
        templates: the same of templates.
        multiple: names of attributes of which some profiles have several values.
        region_field: the field of `Address` that takes `Location.Region`.
    """
    extras = Extras()
    for name in (_SEGMENTS, _TEMPLATES):
        outputs.remove(name)
    if segments.found or segments.notes:
        made = convert_segments(segments.found, multiple=multiple)
        extras.segments = len(made.definitions)
        extras.notes += [*segments.notes, *made.notes]
        extras.files.append(_SEGMENTS)
        outputs.write_json(_SEGMENTS, attrs.asdict(made))
    if templates.found or templates.notes:
        rewritten = convert_templates(templates.found, region_field=region_field)
        extras.templates = len(rewritten.requests)
        extras.notes += [*templates.notes, *rewritten.notes]
        extras.files.append(_TEMPLATES)
        outputs.write_json(_TEMPLATES, attrs.asdict(rewritten))
    return extras
