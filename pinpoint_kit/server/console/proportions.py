"""How sure a rate is: intervals of 95 % for a share, and for the difference of two.

Both are Wilson's, which hold for few messages and for rates near 0: Newcombe, "Interval estimation
for the difference between independent proportions", Statistics in Medicine 17 (1998), methods 3
and 10 of his two papers.
"""

from __future__ import annotations

import math

__all__ = ["difference", "interval"]

#: Of the normal distribution, for 95 %.
_Z = 1.959963984540054


def interval(count: int, of: int) -> tuple[float, float] | None:
    """Return between what a share lies; None of nothing.

    Raises:
        ValueError: the count is more than all.

    Examples:
        >>> [round(end, 3) for end in interval(4, 10)]
        [0.168, 0.687]
    """
    if of <= 0:
        return None
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share")
    share = count / of
    spread = _Z * math.sqrt(share * (1 - share) / of + _Z * _Z / (4 * of * of))
    middle, scale = share + _Z * _Z / (2 * of), 1 + _Z * _Z / of
    # The share lies between, whatever is rounded.
    return max(0.0, min(share, (middle - spread) / scale)), min(
        1.0, max(share, (middle + spread) / scale)
    )


def difference(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float] | None:
    """Return between what the first share less the second lies; None where one is of nothing.

    Args:
        first: a count, and of how many.
        second: the same of the other.

    Examples:
        >>> [round(end, 4) for end in difference((56, 70), (48, 80))]
        [0.0524, 0.3339]
    """
    one, other = interval(*first), interval(*second)
    if one is None or other is None:
        return None
    share, against = first[0] / first[1], second[0] / second[1]
    low = math.hypot(share - one[0], other[1] - against)
    high = math.hypot(one[1] - share, against - other[0])
    return share - against - low, share - against + high
