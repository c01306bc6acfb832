"""A user: a person, who may have several endpoints."""

from __future__ import annotations

import attrs

from pinpoint_kit.models.base import (
    AttributeLists,
    AttributeListsInput,
    JsonValue,
    Model,
    attribute_lists,
    extra_field,
    optional_text,
    private,
)

__all__ = ["User"]


def _attributes(value: AttributeListsInput | None) -> AttributeLists | None:
    return attribute_lists(value)


@attrs.frozen(kw_only=True, repr=False)
class User(Model):
    """A person in the audience; endpoints with the same user id share the user attributes.

    Args:
        id: the user id. At most 15 endpoints may carry the same one.
        attributes: user attributes, name -> values. Names up to 50 characters, values up to
            100, up to 50 values each. `None`: not given; `[]` as the values clears the attribute.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
    """

    id: str | None = private(default=None, validator=optional_text)
    attributes: AttributeLists | None = attrs.field(default=None, converter=_attributes)
    extra: dict[str, JsonValue] = extra_field()
