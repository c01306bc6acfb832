"""The variables of a message: what an endpoint gives, and the defaults behind it.

A value is looked up in this order, and the first place that has one wins:

1. the substitutions of the recipient: of its address or its endpoint in a message;
2. the endpoint's own data;
3. the default substitutions of the message;
4. the default substitutions of the template.

A list without items counts as no value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pinpoint_kit.templating.bounds import MAX_DEPTH
from pinpoint_kit.templating.parsing import path_names

if TYPE_CHECKING:
    from pinpoint_kit.templating.values import Value

__all__ = ["VARIABLES", "parse_defaults", "substitutions", "variables_of"]

#: What of an endpoint a template can name, by the members of the wire.
VARIABLES = (
    "Address",
    "Attributes",
    "ChannelType",
    "CreationDate",
    "Demographic",
    "EffectiveDate",
    "EndpointStatus",
    "Id",
    "Location",
    "Metrics",
    "OptOut",
    "RequestId",
    "User",
)
_RECOMMENDATIONS = "Recommendations"


def variables_of(
    endpoint: Mapping[str, Value], recommendations: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """Return the variables of an endpoint. Nothing below the first level is copied.

    Args:
        endpoint: the endpoint as the wire has it: `{"Address": …, "User": {"UserId": …}}`.
        recommendations: the values of `Recommendations.x`, when a model gave some.
    """
    found = {name: endpoint[name] for name in VARIABLES if name in endpoint}
    if recommendations is not None:
        found[_RECOMMENDATIONS] = recommendations
    return found


def substitutions(given: Mapping[str, Value]) -> dict[str, Value]:
    """Return substitutions as nested maps. Their names may be paths: `User.UserAttributes.Name`.

    A final `.[0]` of a name says that its value is the only item of a list. Where one name goes on
    behind another (`A` and `A.B`), the longer one stays.
    """
    found: dict[str, Value] = {}
    for name, value in given.items():
        names = path_names(name) or (name,)
        if len(names) > 1 and names[-1] == "0":
            names = names[:-1]
        _put(
            found, names[:MAX_DEPTH], substitutions(value) if isinstance(value, Mapping) else value
        )
    return found


def _put(found: dict[str, Value], names: tuple[str, ...], value: Value) -> None:
    for name in names[:-1]:
        inner = found.get(name)
        if not isinstance(inner, dict):
            inner = found[name] = {}
        found = inner
    last = names[-1]
    present = found.get(last)
    if isinstance(present, dict):
        if isinstance(value, dict):
            for name, each in value.items():
                _put(present, (name,), each)
        return
    found[last] = value


def parse_defaults(text: str) -> dict[str, Value]:
    """Return the `DefaultSubstitutions` of a template: the text of a flat or nested JSON object.

    Raises:
        ValueError: it is the text of something else.
    """
    if not text:
        return {}
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("DefaultSubstitutions nest too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("DefaultSubstitutions must be the text of a JSON object")  # noqa: TRY004 -- a wrong value
    return substitutions(found)
