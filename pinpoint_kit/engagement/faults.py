"""Warnings of texts that the service keeps, and that no message can be made of.

They come before anything is sent: anyone who turns warnings into errors has then changed nothing.
The language of templates is loaded when a text is looked at.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import TemplateWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.errors import TemplateError

__all__ = ["warn_of_messages", "warn_of_template"]


def warn_of_template(kind: str, members: Mapping[str, Any]) -> None:
    """Warn the caller of a verb of texts of a template that cannot be read.

    Args:
        kind: its type, such as `EMAIL`.
        members: its members, as requests carry them.
    """
    from pinpoint_kit.templating.parts import faults_of  # noqa: PLC0415 -- see the top of the file

    _warn(faults_of(kind, members))


def warn_of_messages(members: Mapping[str, Any]) -> None:
    """Warn the caller of a verb of messages of a campaign that cannot be read.

    Args:
        members: those of the campaign, as requests carry them.
    """
    from pinpoint_kit.templating.parts import faults_of_messages  # noqa: PLC0415 -- as above

    treatments = members.get("AdditionalTreatments") or ()
    holders = {
        "": members,
        **{f"AdditionalTreatments[{index}].": each for index, each in enumerate(treatments)},
    }
    for prefix, holder in holders.items():
        faults = faults_of_messages(holder.get("MessageConfiguration") or {})
        _warn(faults, f"{prefix}MessageConfiguration.")


def _warn(faults: Mapping[str, TemplateError], prefix: str = "") -> None:
    for place, error in faults.items():
        warnings.warn(
            f"{prefix}{place}: {error}; the text is kept, and messages that are made of it fail"
            " until it is corrected",
            TemplateWarning,
            stacklevel=4,
        )
