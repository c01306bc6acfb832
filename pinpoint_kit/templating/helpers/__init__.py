"""All helpers by their names; blocks that go through lists stand in templating/compiling.py."""

from pinpoint_kit.templating.helpers import dates, encoding, numbers, strings
from pinpoint_kit.templating.helpers.arguments import Given, Helper
from pinpoint_kit.templating.helpers.logic import CONDITIONS, Condition

__all__ = ["CONDITIONS", "HELPERS", "Condition", "Given", "Helper"]

#: Those that give a value.
HELPERS = {**dates.HELPERS, **encoding.HELPERS, **numbers.HELPERS, **strings.HELPERS}
