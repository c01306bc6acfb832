"""What jobs read and write: the disk of this machine, and S3 with the credentials of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.objects import Objects

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

    import boto3
    import botocore.session
    from botocore.client import BaseClient

    from pinpoint_kit.engine.files.files import Files

__all__ = ["open_files", "open_objects", "open_served_files"]

_S3_RETRIES: Any = {"total_max_attempts": 5, "mode": "standard"}


def open_objects(
    region: str | None = None,
    session: boto3.session.Session | botocore.session.Session | None = None,
) -> Objects:
    """S3 with the credentials of a session, or of this machine; looked for on first use.

    Args:
        region: the Region; that of the session unless given.
        session: a boto3 or botocore session.
    """

    def make_client() -> BaseClient:
        from botocore.config import Config  # noqa: PLC0415 -- botocore is loaded when used

        from pinpoint_kit.doors.sessions import DEFAULT_REGION, core_session  # noqa: PLC0415 -- as above

        core = core_session(session)
        known = region or core.get_config_variable("region") or DEFAULT_REGION
        return core.create_client("s3", region_name=known, config=Config(retries=_S3_RETRIES))

    return Objects(make_client)


def open_files(
    objects: Objects,
    *,
    folders: Sequence[str | os.PathLike[str]] | None = None,
    buckets: Collection[str] | None = None,
) -> Files:
    """Return what the jobs of an engine may read and write: the disk of this machine, and S3.

    Args:
        objects: who speaks to S3.
        folders: the folders to stay in, after links are followed. None allows the whole disk.
        buckets: the buckets to stay in. None allows whatever the credentials allow.
    """
    from pinpoint_kit.engine.files.files import ByScheme, LocalFiles  # noqa: PLC0415 -- loaded when used
    from pinpoint_kit.engine.files.objects import ObjectFiles  # noqa: PLC0415 -- as above

    return ByScheme({"file": LocalFiles(folders), "s3": ObjectFiles(objects, buckets)})


def open_served_files(folders: Sequence[str], buckets: Sequence[str]) -> Files:
    """Return what the jobs of a server may use: these places and no others."""
    return open_files(open_objects(), folders=folders, buckets=buckets)
