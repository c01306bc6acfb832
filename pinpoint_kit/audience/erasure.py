"""Erasing a person's data, for a data-protection request, and the report of it.

What is stored goes by one call of the engine. What this client itself still has of the person, as
dead letters, goes too. Ordinary deletion belongs to endpoints.py and users.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models.display.display import Displayed
from pinpoint_kit.models.wire.endpoints import ADDRESS, addresses_in
from pinpoint_kit.records.spellings import Spellings
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sized

    from pinpoint_kit.delivery.delivery import Delivery
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["ErasureReport", "erase"]


#: What nobody keeps a list of.
_COPIES = (
    "backups and copies of the database from before",
    "files that were imported",
    "spools of other clients: they may also deliver what brings the person back",
)


def _size(value: Sized) -> str:
    return f"<{len(value)}>"


@attrs.frozen(kw_only=True)
class ErasureReport(Displayed):
    """What was found of a person, and removed unless it was a dry run.

    Its repr shows numbers only.

    Args:
        is_dry_run: nothing was removed.
        endpoint_ids: the endpoints, as first written.
        user_ids: the users of these endpoints.
        kept_user_ids: those of them who have other endpoints, and keep these and their attributes:
            erase by user id to have all of it gone.
        events: events of these endpoints, and of the user.
        segment_entries: entries of the endpoints, and of users who lose their last one, on lists of
            imported segments.
        stream_records: records of event streams, and dead letters of them, that had not left yet.
        messages: messages of the outbox to these endpoints, users and addresses.
        one_time_passwords: codes for the addresses that were still valid.
        opt_outs: opt-outs of the addresses: nothing is left that would keep messages from them.
        campaign_sends: entries of campaigns that have sent the endpoints something, or tried to.
        dead_letters: items of this client's background delivery that were given up.
        pending: items of this client that were still under way. What they carry is stored
            afterwards, so erase again when this is not 0.
        values_gone: no deleted value can be read in the database's files and in this client's
            spool any more. When it is False, others used one of them too much: an engine on the
            database overwrites them as soon as it can, and a dry run says whether that is done;
            the spool is written anew by the next erasure.
        copies: where data of the person may be that erasure does not reach: the files of export
            jobs, destinations of event streams, damaged spools that were set aside, backups, the
            spools of other clients.
    """

    is_dry_run: bool
    endpoint_ids: tuple[str, ...] = attrs.field(repr=_size)
    user_ids: tuple[str, ...] = attrs.field(repr=_size)
    kept_user_ids: tuple[str, ...] = attrs.field(repr=_size)
    events: int
    segment_entries: int
    stream_records: int = 0
    messages: int = 0
    one_time_passwords: int = 0
    opt_outs: int = 0
    campaign_sends: int = 0
    dead_letters: int
    pending: int
    values_gone: bool
    copies: tuple[str, ...] = attrs.field(repr=_size)


def erase(  # noqa: PLR0913 -- its collaborators, each wanted once
    transport: Transport,
    delivery: Delivery,
    application_id: ApplicationId,
    whom: dict[str, str | None],
    *,
    dry_run: bool,
    timeout: float,
) -> ErasureReport:
    """Do it; see `Pinpoint.erase`.

    Args:
        transport: reaches the engine.
        delivery: what this client still holds.
        application_id: whose person it is.
        whom: one id by its name on the wire, and None for the others.
        dry_run: report only.
        timeout: seconds for the flush.
    """
    kind, value = _only(whom)
    pending = delivery.flush(timeout).pending
    body = {kind: value, "DryRun": dry_run}
    answer = transport.call_extension(
        application_id, ExtensionCall("EraseData", ("erasures",), body=body)
    )
    if answer is None:
        raise ConfigurationError(
            "this service cannot erase a person's data at once: delete by users.delete(...) and"
            " endpoints.delete(...), or use the embedded engine or our server"
        )
    ids = tuple(answer["EndpointIds"])
    named = {*ids, value} if kind == "EndpointId" else set(ids)
    marks = [orjson.dumps(text) for text in {value, *ids}]
    whom_by_address = Spellings.of([value] if kind == ADDRESS else ())
    concerns = _concerns(named, marks, whom_by_address)
    letters = delivery.forget_letters(concerns, dry_run=dry_run)
    is_spool_clean = dry_run or delivery.overwrite_removed()
    return ErasureReport(
        is_dry_run=dry_run,
        endpoint_ids=ids,
        user_ids=tuple(answer["UserIds"]),
        kept_user_ids=tuple(answer["KeptUserIds"]),
        events=answer["Events"],
        segment_entries=answer["SegmentEntries"],
        stream_records=answer.get("StreamRecords", 0) + answer.get("StreamDeadLetters", 0),
        messages=answer.get("Messages", 0),
        one_time_passwords=answer.get("OneTimePasswords", 0),
        opt_outs=answer.get("OptOuts", 0),
        campaign_sends=answer.get("CampaignSends", 0),
        dead_letters=letters,
        pending=pending,
        values_gone=answer["ValuesGone"] and is_spool_clean,
        copies=(
            *answer["Copies"],
            *(f"the damaged spool {path}: delete it" for path in delivery.set_aside()),
            *_COPIES,
        ),
    )


def _only(whom: dict[str, str | None]) -> tuple[str, str]:
    given = [(kind, value) for kind, value in whom.items() if value is not None]
    if len(given) != 1:
        raise ConfigurationError("give exactly one of user_id, address and endpoint_id")
    ((kind, value),) = given
    if not isinstance(value, str):
        raise InvalidTypeError(f"must be text, got {type(value).__name__}", f"$.{kind}")
    if not value:
        raise ValidationError("is empty: name whose data is to go", f"$.{kind}")
    return kind, value


def _concerns(
    ids: Collection[str], marks: Collection[bytes], addresses: Spellings
) -> Callable[[str, bytes], bool]:
    """Whether a dead letter is about one of these endpoints, or holds one of these values."""
    keys = {endpoint_id.lower() for endpoint_id in ids}

    def concerns(endpoint_id: str, content: bytes) -> bool:
        return (
            endpoint_id.lower() in keys
            or any(mark in content for mark in marks)
            or any(map(addresses.may_have, addresses_in(content)))
        )

    return concerns
