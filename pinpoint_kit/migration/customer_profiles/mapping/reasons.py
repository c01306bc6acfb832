"""Why a value is not in the output, or is there in another form: the sentences of the report."""

from __future__ import annotations

__all__ = [
    "AS_TEXT",
    "CUT",
    "EMPTY",
    "ESCAPED",
    "HASHED",
    "IN_USE",
    "NESTED",
    "NOT_AN_OBJECT",
    "NOT_TEXT",
    "NO_MEMBER",
    "NO_NUMBER",
    "NULL",
    "REFUSED_VALUE",
    "RENAMED",
    "SUPPRESSED",
    "TAKEN",
    "TOO_LARGE",
    "TOO_LONG",
]

NULL = "null"
EMPTY = "empty"
NESTED = "nested too deeply"
NOT_AN_OBJECT = "not an object"
NOT_TEXT = "not text"
TOO_LONG = "longer than 255 characters"
TOO_LARGE = "more than a profile can hold (250 KB)"
NO_MEMBER = "no member of an endpoint"
CUT = "cut to 255 characters"
NO_NUMBER = "text where a number belongs"
AS_TEXT = "not text: written as text"
RENAMED = "name changed: written with letters, digits, hyphens and underscores"
TAKEN = "name changed: another value has the name"
REFUSED_VALUE = "not one of Pinpoint's values: taken as a refusal of messages"
HASHED = "longer than 255 characters: ends with a hash"
ESCAPED = "begins like a key of an endpoint without a user: written with user: before it"
IN_USE = "inactive here: only where another endpoint uses it"
SUPPRESSED = "must not be contacted: only in the suppression list"
