"""Endpoints to Amazon Connect Customer Profiles: files for its S3 connector, or calls of its API.

`convert` makes the files and says what was lost. Nothing here sends anything but `load`.
"""

from pinpoint_kit.migration.customer_profiles.converting import convert
from pinpoint_kit.migration.customer_profiles.loading import LoadReport, RefusedProfile, load
from pinpoint_kit.migration.customer_profiles.report import (
    BadLine,
    ConversionProgress,
    ConversionReport,
    Loss,
    Member,
)

__all__ = [
    "BadLine",
    "ConversionProgress",
    "ConversionReport",
    "LoadReport",
    "Loss",
    "Member",
    "RefusedProfile",
    "convert",
    "load",
]
