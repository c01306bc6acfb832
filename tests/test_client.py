"""What `connect` takes: options and their near names, and times that are none."""

from __future__ import annotations

from typing import Any

import pytest

import pinpoint_kit as pk


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spol": "x"}, r"no such option: spol: did you mean spool\?"),
        ({"retries": 3}, r"no such option: retries: did you mean retry\?"),
        ({"lookup_time": 3}, r"no such option: lookup_time: did you mean lookup_timeout\?"),
        ({"zzz": 3}, r"no such option: zzz: there are app_package_name, "),
        ({"lookup_timeout": 0}, "lookup_timeout must be a number of seconds above 0"),
        ({"lookup_timeout": "2"}, "lookup_timeout must be a number of seconds above 0"),
        ({"timeout": True}, "timeout must be a number of seconds above 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], says: str) -> None:
    """An unknown option suggests the near one, and a value that cannot be meant is refused."""
    with pytest.raises(pk.ConfigurationError, match=says):
        pk.connect("sqlite://", **options)
