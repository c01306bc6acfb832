"""What a template may cost. Whoever writes templates must not be able to hold up a server.

Pinpoint publishes the size of a template by channel and the 15 items of `each`; the other bounds
are ours, far above what messages need.
"""

from __future__ import annotations

__all__ = [
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_ITEMS",
    "MAX_OUTPUT_CHARS",
    "MAX_PATTERN_CHARS",
    "MAX_STEPS",
    "MAX_TAGS",
    "MAX_TEMPLATE_CHARS",
    "MAX_VALUES",
    "MAX_WIDTH",
    "MAX_WORK_CHARS",
]

#: The characters of a template: what Pinpoint takes for an email, its longest kind.
MAX_TEMPLATE_CHARS = 600_000
#: The tags of a template: each takes some 30 microseconds to read.
MAX_TAGS = 10_000
#: The values of one tag.
MAX_VALUES = 100
#: Blocks inside of blocks, the branches of one `else` chain, partials that call partials, and
#: helpers inside of helpers.
MAX_DEPTH = 64
#: Items that `each` goes through, as Pinpoint has it.
MAX_ITEMS = 15
#: Parts of a template that are carried out in one rendering.
MAX_STEPS = 100_000
#: The characters of one rendered text, and of one helper's result.
MAX_OUTPUT_CHARS = 1_000_000
#: The characters that all helpers of one rendering read.
MAX_WORK_CHARS = 20_000_000
#: The width that `center`, `ljust` and `rjust` fill up.
MAX_WIDTH = 10_000
#: The digits of a number on each side of its point.
MAX_DIGITS = 18
#: The characters of a date's pattern.
MAX_PATTERN_CHARS = 100
