"""Checks one row of `endpoints.load`: it becomes an encoded update, or a problem with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.audience.report import RowProblem
from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import endpoint_id_problem, endpoint_problem
from pinpoint_kit.models.wire.rows import converted
from pinpoint_kit.records.columns import CellError, nested, suggest_column
from pinpoint_kit.records.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.endpoint import Endpoint

__all__ = ["CheckedRow", "RowChecks"]


@attrs.define
class CheckedRow:
    """A row that was read: an encoded update with its id, or why it is none.

    `is_whole` says whether an import job may create the endpoint; it may update any.
    """

    row: int
    update: bytes = b""
    is_whole: bool = False
    problem: RowProblem | None = None


class RowChecks:
    """Makes checked rows of what a file or a caller has."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def endpoint(
        self,
        line: int,
        members: Mapping[str, object],
        content: bytes | None = None,  # noqa: ARG002 -- other makers keep it
    ) -> CheckedRow:
        """Return a row with members of an endpoint, in the shape of Pinpoint's JSON."""
        try:
            return self._checked(line, wire.endpoint_of_row(members))
        except ValidationError as error:
            return self._refused(line, error)

    def model(self, row: int, endpoint: Endpoint) -> CheckedRow:
        """Return an endpoint."""
        try:
            return self._checked(row, endpoint)
        except ValidationError as error:
            return self._refused(row, error)

    def record(self, row: int, record: Mapping[str, object]) -> CheckedRow:
        """Members of an endpoint under Pinpoint's names; those of members may have dotted names."""
        try:
            return self.endpoint(row, nested(converted(record)))
        except CellError as error:
            return self.bad(row, str(error), error.column)
        except ValidationError as error:
            return self._refused(row, error)

    def users(self, line: int, user_ids: Sequence[str]) -> CheckedRow:
        """Return a row that names nothing but users, which is no endpoint."""
        del user_ids
        return self.bad(
            line,
            "names users and no endpoint: a list of users is imported as a segment, with"
            " jobs.import_endpoints(segment_name=...)",
        )

    def bad(self, line: int, reason: str, column: str = "") -> CheckedRow:
        """Return a row that cannot be read."""
        return CheckedRow(line, problem=RowProblem(row=line, column=column, message=reason))

    def _refused(self, row: int, error: ValidationError) -> CheckedRow:
        if error.reason != wire.UNKNOWN_MEMBER:
            return self.bad(row, error.message, wire.member_path(error.path))
        column = error.path.removeprefix("$.")  # as it was given: it is none of ours
        name = suggest_column(column)
        remedy = f"write {name}" if name else "correct its name, or leave it out"
        return self.bad(row, f"{error.message}: {remedy}", column)

    def _checked(self, row: int, endpoint: Endpoint) -> CheckedRow:
        endpoint_id = endpoint.id or _made_id(endpoint)
        problem = endpoint_id_problem(endpoint_id) or endpoint_problem(endpoint, self._limits)
        if problem is not None:
            raise problem
        update = wire.with_id(endpoint_id, wire.encode(wire.endpoint_request(endpoint)))
        if len(update) > self._limits.max_endpoint_bytes:
            raise ValidationError(
                f"has {len(update)} bytes, and at most {self._limits.max_endpoint_bytes} are"
                " allowed: keep less in the endpoint"
            )
        is_exported = endpoint.creation_date is not None
        is_whole = is_exported or bool(endpoint.address and endpoint.channel_type)
        return CheckedRow(row, update, is_whole)


def _made_id(endpoint: Endpoint) -> str:
    if not endpoint.address or endpoint.channel_type is None:
        raise ValidationError("has no id, and not both of channel type and address: give them")
    return derived_id(endpoint.channel_type.value, endpoint.address)
