"""The language of message templates: Handlebars with Pinpoint's helpers, read and rendered.

It knows texts and values only, so that the engine and the SDK can both use it. No template becomes
Python code, and nothing but keys of maps and places of lists can be named in one.
"""

from pinpoint_kit.templating.template import Template, compile_template
from pinpoint_kit.templating.variables import parse_defaults, substitutions, variables_of

__all__ = [
    "Template",
    "compile_template",
    "parse_defaults",
    "substitutions",
    "variables_of",
]
