"""Which attributes an application has names of."""

from __future__ import annotations

from enum import Enum

__all__ = ["AttributeKind"]


class AttributeKind(str, Enum):
    """What a name is of: attributes or metrics of endpoints, or attributes of users."""

    CUSTOM = "endpoint-custom-attributes"
    METRIC = "endpoint-metric-attributes"
    USER = "endpoint-user-attributes"
