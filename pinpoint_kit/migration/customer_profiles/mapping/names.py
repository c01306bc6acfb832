"""Names of a profile's attributes, which mappings, segments and templates can name.

Customer Profiles reads an attribute by a path such as `_source.Attributes.plan`: what else than
letters, digits, hyphens and underscores stands in a name becomes an underscore.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pinpoint_kit.migration.customer_profiles.mapping.tables import OUR_PREFIXES

__all__ = ["MAX_NAME_CHARS", "attribute_name", "own_name"]

#: Of an attribute's name or value in Customer Profiles.
MAX_NAME_CHARS = 255
_OTHERS = re.compile(r"[^A-Za-z0-9_-]")


def attribute_name(name: str) -> str:
    """Return the name of a profile's attribute for that of an endpoint's.

    Examples:
        >>> attribute_name("plan"), attribute_name("first name"), attribute_name("größe")
        ('plan', 'first_name', 'gr__e')
    """
    return _readable(name[:MAX_NAME_CHARS])


@lru_cache(maxsize=16_384)
def _readable(name: str) -> str:
    return _OTHERS.sub("_", name)


def own_name(prefix: str, given: str) -> str:
    """Return the name of an attribute; "" when it must change, or may be another's.

    Examples:
        >>> own_name("User_", "plan"), own_name("", "first name"), own_name("", "User_plan")
        ('User_plan', '', '')
    """
    base = prefix + given
    is_ours = not prefix and base.startswith(OUR_PREFIXES)
    return "" if is_ours or attribute_name(base) != base else base
