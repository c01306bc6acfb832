"""`convert`: from endpoints to the files that Customer Profiles takes.

In three stages, each of which goes on after a process was killed: endpoints are read into the work
file, its sorted rows become profiles in files of so many, and what is known only at the end is
written. Nothing here knows what a member means.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.migration.customer_profiles.documents import (
    Documents,
    client_segments,
    client_templates,
    read_segments,
    read_templates,
)
from pinpoint_kit.migration.customer_profiles.extras import Extras, write_extras
from pinpoint_kit.migration.customer_profiles.gathering import Gatherer
from pinpoint_kit.migration.customer_profiles.mapping import object_type
from pinpoint_kit.migration.customer_profiles.mapping.addresses import DEVICE_COLUMNS
from pinpoint_kit.migration.customer_profiles.mapping.ledger import MAX_NAMES, Ledger
from pinpoint_kit.migration.customer_profiles.mapping.members import ANONYMOUS
from pinpoint_kit.migration.customer_profiles.mapping.packing import Plans
from pinpoint_kit.migration.customer_profiles.mapping.profiles import ProfileMaker
from pinpoint_kit.migration.customer_profiles.outputs import REPORT, WORK, Outputs, prepare_folder
from pinpoint_kit.migration.customer_profiles.report import (
    BadLine,
    ConversionProgress,
    ConversionReport,
    losses_of,
    members_of,
)
from pinpoint_kit.migration.customer_profiles.sources import Position, open_source
from pinpoint_kit.migration.customer_profiles.staging import VERSION, Problem, Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.migration.customer_profiles.sources import Source
    from pinpoint_kit.migration.customer_profiles.staging import StoredEndpoint, Suppression

__all__ = ["convert"]

_REGION_FIELDS = ("Province", "County", "State")
_FORMATS = ("jsonl", "csv")
#: Rows of the source in one transaction.
_AT_ONCE = 20_000
_SHOWN_EVERY = 1_000
_FIRST_BAD_LINES = 100
SUPERSEDED = "a newer record of the same endpoint"
_OBJECT_TYPE = "object-type.json"
_DEVICES = "devices.csv"
_SUPPRESSION_COLUMNS = (
    "channel_type", "address", "reason", "account_number", "endpoint_id", "effective_date",
)  # fmt: skip
_SUPPRESSION = "suppression.csv"
_PROBLEMS = "problems.csv"


def convert(  # noqa: PLR0913 -- keyword-only options
    source: str | os.PathLike[str] | Pinpoint,
    out: str | os.PathLike[str],
    *,
    segment: str | None = None,
    segments: str | os.PathLike[str] | None = None,
    templates: str | os.PathLike[str] | None = None,
    region_field: Literal["Province", "County", "State"] = "Province",
    format: Literal["jsonl", "csv"] = "jsonl",  # noqa: A002 -- as the jobs call it
    profiles_per_file: int = 50_000,
    on_progress: Callable[[ConversionProgress], object] | None = None,
) -> ConversionReport:
    """Convert endpoints to profiles, devices and a suppression list for Customer Profiles.

    Nothing is lost without a count and a reason in the report, and nobody who has opted out gets an
    address in a profile. Memory stays small: what grows is in a temporary file in `out`, and is
    sorted where SQLite has such files (`SQLITE_TMPDIR`). The same source gives the same bytes.
    After an interruption of any kind, the same call goes on.

    Args:
        source: an export of Pinpoint (a file or a folder, compressed or not, JSON or CSV, or
            `s3://BUCKET/PREFIX`), or a client, whose endpoints are read.
        out: a folder of its own; it is made, and only its owner can read it.
        segment: with a client, the id of a segment: only its members are converted.
        segments: a file or a folder with answers of GetSegment or GetSegments; those of the client
            unless given.
        templates: the same for answers of GetEmailTemplate, GetSmsTemplate, GetPushTemplate …
        region_field: the field of `Address` that takes `Location.Region`.
        format: of the profiles: JSON lines, or CSV with a column for each attribute.
        profiles_per_file: profiles in one file.
        on_progress: is told how far it is.

    Returns:
        The report, which `report.json` has, too.

    Raises:
        ConfigurationError: the source is not there, or the folder cannot be used.
        InvalidTypeError: the source is neither a place nor a client.
        ServiceError: S3 or Pinpoint refuses.
        TransportError: no answer came.

    Examples:
        >>> import tempfile
        >>> from pinpoint_kit import Endpoint, connect
        >>> with connect("sqlite://") as pinpoint, tempfile.TemporaryDirectory() as folder:
        ...     request_id = pinpoint.endpoints.update(
        ...         Endpoint(id="e-1", channel_type="EMAIL", address="ana@example.com")
        ...     )
        ...     report = convert(pinpoint, f"{folder}/profiles")
        >>> report.endpoints, report.profiles, report.anonymous
        (1, 1, 1)
    """
    if region_field not in _REGION_FIELDS:
        raise ConfigurationError(f"region_field must be one of {', '.join(_REGION_FIELDS)}")
    if format not in _FORMATS:
        raise ConfigurationError(f"format must be one of {', '.join(_FORMATS)}")
    if profiles_per_file < 1:
        raise ConfigurationError("profiles_per_file must be at least 1")
    folder = Path(out).absolute()
    opened = open_source(source, folder, segment)
    prepare_folder(folder)
    settings = _Settings(
        region_field=region_field, format=format, profiles_per_file=profiles_per_file
    )
    staging = Staging(folder / WORK / "conversion.sqlite")
    try:
        conversion = _Conversion(opened, folder, settings, staging, on_progress or _nobody)
        with staging.in_use():
            conversion.read_profiles()
            report = conversion.finish(
                read_segments(segments) if segments else _of_client(source, client_segments),
                read_templates(templates) if templates else _of_client(source, client_templates),
            )
        conversion.clear()
    finally:
        staging.close()
    return report


def _of_client(source: object, read: Callable[[Pinpoint], Documents]) -> Documents:
    if isinstance(source, (str, os.PathLike)):
        return Documents()
    return read(cast("Pinpoint", source))


@attrs.frozen(kw_only=True)
class _Settings:
    region_field: str
    format: str
    profiles_per_file: int


def _nobody(progress: ConversionProgress) -> None:
    del progress


class _Conversion:
    """One run, or the rest of one that was interrupted."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        settings: _Settings,
        staging: Staging,
        on_progress: Callable[[ConversionProgress], object],
    ) -> None:
        self._source = source
        self._folder = folder
        self._settings = settings
        self._staging = staging
        self._on_progress = on_progress
        self._outputs = Outputs(folder)
        self._ledger = Ledger()
        self._names: set[str] = set()
        #: Names of attributes of which some profiles have several values.
        self._multiple: set[str] = set()
        self._suppressions: list[Suppression] = []
        self._plans = Plans()
        self._maker = ProfileMaker(
            self._ledger,
            self._plans,
            region_field=settings.region_field,
            suppress=self._suppressions.append,
        )

    def read_profiles(self) -> None:
        """Read the endpoints, and write the profiles; what is done already is left out."""
        staging = self._staging
        signature = [VERSION, *self._source.signature, attrs.asdict(self._settings)]
        kept = staging.state("signature")
        if kept != signature:
            if kept is not None:
                staging.clear()
            self._outputs.remove_other_parts(0, "")
            self._outputs.remove_devices()
            staging.put_state("signature", signature)
        elif (state := staging.state("ledger")) is not None:
            self._ledger.restore(state)
            self._plans.restore(staging.shapes())
        if not staging.state("is_read"):
            self._read()
        self._convert()

    # Reading.

    def _read(self) -> None:
        staging = self._staging
        if not self._source.is_resumable:
            staging.forget_endpoints()
            self._ledger.clear()
        kept = staging.state("position")
        position = Position(**kept) if kept and self._source.is_resumable else Position()
        taker = Gatherer(self._ledger, self._plans)
        steps = self._source.read(position, taker)
        is_over = False
        while not is_over:
            is_over, count = True, 0
            with staging.transaction():
                for position in steps:  # noqa: B007 -- used behind
                    count += len(taker.endpoints)
                    staging.add(taker.endpoints)
                    taker.endpoints.clear()
                    if count >= _AT_ONCE:
                        is_over = False
                        break
                self._checkpoint()
                staging.put_state("position", attrs.asdict(position))
            self._tell("reading", self._ledger.counts["endpoints"])
        with staging.transaction():
            superseded = staging.settle()
            self._ledger.counts["superseded"] = superseded
            staging.add_problems(
                Problem(file, line, "", SUPERSEDED) for file, line in staging.superseded()
            )
            staging.put_state("is_read", value=True)
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._staging.add_shapes(self._plans.fresh)
        self._plans.fresh.clear()
        self._staging.add_problems(self._ledger.taken())
        self._staging.put_state("ledger", self._ledger.state())

    # Converting.

    def _convert(self) -> None:
        state = self._staging.state("parts") or {"count": 0, "key": "", "names": [], "multiple": []}
        self._names, self._multiple = set(state["names"]), set(state["multiple"])
        if state.get("is_over"):
            return
        number, key = int(state["count"]), str(state["key"])
        rows = self._staging.endpoints(key)
        row = next(rows, None)
        while row is not None:
            number += 1
            with self._staging.transaction():
                with self._outputs.part(number) as (file, devices):
                    self._maker.addresses.device = devices.writerow
                    for _ in range(self._settings.profiles_per_file):
                        key = row.key
                        line, row = self._profile(row, rows)
                        file.write(line)
                        if row is None:
                            break
                self._keep_parts(number, key, is_over=row is None)
        if not number:
            with self._staging.transaction():
                self._keep_parts(0, "", is_over=True)

    def _profile(
        self, row: StoredEndpoint | None, rows: Iterator[StoredEndpoint]
    ) -> tuple[bytes, StoredEndpoint | None]:
        """Return the line of the profile that begins here, and the first endpoint of the next."""
        counts = self._ledger.counts
        maker = self._maker
        assert row is not None  # noqa: S101 -- else there is no profile
        key = row.key
        is_anonymous = key.startswith(ANONYMOUS)
        maker.begin(key, is_anonymous=is_anonymous)
        while row is not None and row.key == key:
            maker.add(row)
            counts["converted"] += 1
            if len(self._suppressions) + len(self._ledger.problems) >= _AT_ONCE:
                self._drain()
            row = next(rows, None)
        if counts["profiles"] % _SHOWN_EVERY == 0:
            total = counts["endpoints"] - counts["superseded"]
            self._tell("converting", counts["converted"], total)
            self._drain()
        counts["anonymous"] += is_anonymous
        counts["profiles"] += 1
        line = maker.finish()
        if not self._names.issuperset(maker.attributes):
            self._add_names(maker.attributes)
        return line, row

    def _add_names(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self._names) < MAX_NAMES:
                self._names.add(name)
            elif name not in self._names:
                self._ledger.counts["unnamed"] += 1

    def _drain(self) -> None:
        """Move what has gathered to the work file."""
        self._staging.add_suppressions(self._suppressions)
        self._staging.add_problems(self._ledger.taken())
        self._suppressions.clear()

    def _keep_parts(self, number: int, key: str, *, is_over: bool) -> None:
        self._drain()
        self._maker.count()
        self._multiple.update(self._maker.multiple)
        parts = {
            "count": number,
            "key": key,
            "is_over": is_over,
            "names": sorted(self._names),
            "multiple": sorted(self._multiple),
        }
        self._staging.put_state("parts", parts)
        self._staging.put_state("ledger", self._ledger.state())

    # Writing what is known at the end.

    def finish(self, segments: Documents, templates: Documents) -> ConversionReport:
        """Write everything else, the report last."""
        staging, outputs, ledger = self._staging, self._outputs, self._ledger
        form, region_field = self._settings.format, self._settings.region_field
        parts = int((staging.state("parts") or {})["count"])
        self._tell("writing", ledger.counts["converted"], ledger.counts["converted"])
        if form == "csv":
            if ledger.counts["unnamed"]:
                raise ConfigurationError(
                    f"the profiles have more than {MAX_NAMES:,} names of attributes, which is too"
                    ' much for a table: use format="jsonl" and another folder'
                )
            outputs.parts_as_csv(parts, object_type.columns(region_field, self._names))
        outputs.remove_other_parts(parts, form)
        outputs.write_json(_OBJECT_TYPE, object_type.object_type(region_field, self._names))
        outputs.join_devices(_DEVICES, DEVICE_COLUMNS, parts)
        suppressed = outputs.write_csv(_SUPPRESSION, _SUPPRESSION_COLUMNS, staging.suppressions())
        names = self._source.names
        outputs.write_csv(
            _PROBLEMS,
            Problem._fields,
            ((names[each.file], *each[1:]) for each in staging.problems()),
        )
        extras = write_extras(
            outputs, segments, templates, multiple=self._multiple, region_field=region_field
        )
        report = self._report(parts, suppressed, extras)
        outputs.write_json(REPORT, report.to_dict())
        return report

    def clear(self) -> None:
        """Remove what is for a run that goes on; without the work file, none does."""
        self._staging.remove()
        self._outputs.remove_devices()
        with contextlib.suppress(OSError):  # somebody has put something there
            (self._folder / WORK).rmdir()

    def _report(self, parts: int, suppressed: int, extras: Extras) -> ConversionReport:
        ledger = self._ledger
        names = self._source.names
        return ConversionReport(
            path=self._folder,
            endpoints=ledger.counts["endpoints"],
            superseded=ledger.counts["superseded"],
            bad_lines=ledger.counts["bad"],
            first_bad_lines=[
                BadLine(file=names[each.file], line=each.line, reason=each.reason)
                for each in self._staging.bad_lines(_FIRST_BAD_LINES)
            ],
            profiles=ledger.counts["profiles"],
            anonymous=ledger.counts["anonymous"],
            devices=ledger.counts["devices"],
            suppressed=suppressed,
            segments=extras.segments,
            templates=extras.templates,
            not_expressible=extras.notes,
            members=members_of(ledger),
            lost=losses_of(ledger.lost),
            changed=losses_of(ledger.changed),
            unnamed=ledger.counts["unnamed"],
            renamed=dict(sorted(ledger.renamed.items())),
            files=[
                *(
                    self._outputs.part_name(number, self._settings.format)
                    for number in range(1, parts + 1)
                ),
                *(_OBJECT_TYPE, _DEVICES, _SUPPRESSION, *extras.files, _PROBLEMS, REPORT),
            ],
        )

    def _tell(self, stage: str, done: int, total: int | None = None) -> None:
        self._on_progress(ConversionProgress(stage=stage, done=done, total=total))
