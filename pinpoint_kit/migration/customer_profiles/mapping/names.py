"""Names of a profile's attributes, which mappings, segments and templates can name.

Customer Profiles reads an attribute by a path such as `_source.Attributes.plan`: what else than
letters, digits, hyphens and underscores stands in a name becomes an underscore.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["MAX_NAME_CHARS", "attribute_name"]

#: Of an attribute's name or value in Customer Profiles.
MAX_NAME_CHARS = 255
_OTHERS = re.compile(r"[^A-Za-z0-9_-]")


@lru_cache(maxsize=16_384)
def attribute_name(name: str) -> str:
    """Return the name of a profile's attribute for that of an endpoint's.

    Examples:
        >>> attribute_name("plan"), attribute_name("first name"), attribute_name("größe")
        ('plan', 'first_name', 'gr__e')
    """
    return _OTHERS.sub("_", name)[:MAX_NAME_CHARS]
