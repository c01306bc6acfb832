"""In-app messages: what an app shows while it is used. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import attrs

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    enum_member,
    extra_field,
    models_in_order,
    optional_count,
    optional_model,
    optional_text,
    private,
    required_member,
    required_text,
    text,
    text_values,
)

__all__ = [
    "Alignment",
    "ButtonAction",
    "InAppBody",
    "InAppButton",
    "InAppButtonStyle",
    "InAppContent",
    "InAppHeader",
    "InAppMessage",
    "Layout",
]

_MAX_CONTENTS = 5


class Layout(str, Enum):
    """Where an in-app message stands."""

    BOTTOM_BANNER = "BOTTOM_BANNER"
    TOP_BANNER = "TOP_BANNER"
    OVERLAYS = "OVERLAYS"
    MOBILE_FEED = "MOBILE_FEED"
    MIDDLE_BANNER = "MIDDLE_BANNER"
    CAROUSEL = "CAROUSEL"


class Alignment(str, Enum):
    """How a text is aligned."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"


class ButtonAction(str, Enum):
    """What a button does."""

    LINK = "LINK"
    DEEP_LINK = "DEEP_LINK"
    CLOSE = "CLOSE"


def _layout(value: Layout | str | None) -> Layout | None:
    return enum_member(Layout, value, "layout")


def _alignment(value: Alignment | str) -> Alignment:
    return required_member(Alignment, value, "alignment")


def _button_action(value: ButtonAction | str) -> ButtonAction:
    return required_member(ButtonAction, value, "button_action")


@attrs.frozen(kw_only=True, repr=False)
class InAppHeader(Model):
    """The heading of an in-app message.

    Args:
        header: its text.
        alignment: LEFT, CENTER or RIGHT.
        text_color: such as `#000000`.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the alignment is not known, or the color is empty.

    Source: InAppMessageHeaderConfig of the service model.
    """

    header: str = attrs.field(validator=text)
    alignment: Alignment = attrs.field(converter=_alignment)
    text_color: str = attrs.field(validator=required_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class InAppBody(Model):
    """The text of an in-app message.

    Args:
        body: the text.
        alignment: LEFT, CENTER or RIGHT.
        text_color: such as `#000000`.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the alignment is not known, or the color is empty.

    Source: InAppMessageBodyConfig of the service model.
    """

    body: str = private(validator=text)
    alignment: Alignment = attrs.field(converter=_alignment)
    text_color: str = attrs.field(validator=required_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class InAppButtonStyle(Model):
    """A button of an in-app message, or what one platform has in its place.

    Args:
        button_action: what it does.
        text: what stands on it; needed but where it overrides another one.
        link: where LINK and DEEP_LINK lead.
        text_color: such as `#000000`.
        background_color: such as `#ffffff`.
        border_radius: of its corners.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the action is not known.

    Source: DefaultButtonConfiguration and OverrideButtonConfiguration of the service model.
    """

    button_action: ButtonAction = attrs.field(converter=_button_action)
    text: str | None = attrs.field(default=None, validator=optional_text)
    link: str | None = attrs.field(default=None, validator=optional_text)
    text_color: str | None = attrs.field(default=None, validator=optional_text)
    background_color: str | None = attrs.field(default=None, validator=optional_text)
    border_radius: int | None = attrs.field(default=None, validator=optional_count)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class InAppButton(Model):
    """A button, and what single platforms have in its place.

    Args:
        default_config: the button.
        android: its action and link on Android.
        ios: its action and link on iOS.
        web: its action and link on web pages.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: InAppMessageButton of the service model.
    """

    default_config: InAppButtonStyle | None = attrs.field(
        default=None, validator=optional_model(InAppButtonStyle)
    )
    android: InAppButtonStyle | None = attrs.field(
        default=None, validator=optional_model(InAppButtonStyle)
    )
    ios: InAppButtonStyle | None = attrs.field(
        default=None, validator=optional_model(InAppButtonStyle)
    )
    web: InAppButtonStyle | None = attrs.field(
        default=None, validator=optional_model(InAppButtonStyle)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class InAppContent(Model):
    """A page of an in-app message.

    Args:
        header_config: the heading.
        body_config: the text.
        image_url: the picture behind.
        background_color: such as `#ffffff`.
        primary_btn: the first button.
        secondary_btn: the second button.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: InAppMessageContent of the service model.
    """

    header_config: InAppHeader | None = attrs.field(
        default=None, validator=optional_model(InAppHeader)
    )
    body_config: InAppBody | None = attrs.field(default=None, validator=optional_model(InAppBody))
    image_url: str | None = attrs.field(default=None, validator=optional_text)
    background_color: str | None = attrs.field(default=None, validator=optional_text)
    primary_btn: InAppButton | None = attrs.field(
        default=None, validator=optional_model(InAppButton)
    )
    secondary_btn: InAppButton | None = attrs.field(
        default=None, validator=optional_model(InAppButton)
    )
    extra: dict[str, JsonValue] = extra_field()


def _contents(value: Sequence[InAppContent] | None) -> tuple[InAppContent, ...] | None:
    contents = models_in_order(InAppContent, value, "content")
    if contents is not None and len(contents) > _MAX_CONTENTS:
        raise ValidationError(
            f"has {len(contents)} pages, and a message takes {_MAX_CONTENTS}: leave some out",
            "$.content",
        )
    return contents


def _custom_config(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "custom_config")


@attrs.frozen(kw_only=True, repr=False)
class InAppMessage(Model):
    """The in-app message of a campaign.

    Args:
        content: its pages: one, or up to 5 of a carousel.
        layout: where it stands.
        custom_config: what the app is given besides.
        body: a text for apps that show nothing else.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the layout is not known, or there are more than 5 pages.

    Source: CampaignInAppMessage of the service model.
    """

    content: tuple[InAppContent, ...] | None = attrs.field(default=None, converter=_contents)
    layout: Layout | None = attrs.field(default=None, converter=_layout)
    custom_config: Mapping[str, str] | None = attrs.field(default=None, converter=_custom_config)
    body: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()
