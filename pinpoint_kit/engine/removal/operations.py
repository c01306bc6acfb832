"""DeleteEndpoint, DeleteUserEndpoints and our own EraseData: taking people out again.

Whom a request is about is found here; what is held of them, every family says and removes itself
(`Context.held_of_person`). A deletion leaves events countable and nameless; EraseData, for a
data-protection request, takes them too. Its report names endpoints and users, and repeats nothing
else of what was stored.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Family, Operation, Person
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.removal import retention
from pinpoint_kit.engine.removal.addresses import stored_spellings
from pinpoint_kit.engine.removal.remnants import overwrite_now
from pinpoint_kit.engine.removal.remnants import workers as remnant_workers
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.records.spellings import Spellings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["FAMILY"]

_KINDS = ("UserId", "Address", "EndpointId")


@attrs.frozen
class _Target:
    """Whose data: the kind of the id, and the id."""

    kind: str
    value: str = attrs.field(repr=False)
    is_dry_run: bool

    @property
    def keys(self) -> list[str]:
        """The endpoint that is named, which may have events without being stored."""
        return [check_id(self.value)] if self.kind == "EndpointId" else []

    @property
    def user_ids(self) -> list[str]:
        """The user that is named."""
        return [self.value] if self.kind == "UserId" else []

    def addresses(self, found: Sequence[reader.Found]) -> Spellings:
        """Return the addresses that are meant as a whole; another endpoint may keep one."""
        if self.kind == "Address":
            return Spellings.of([self.value])
        if self.kind == "EndpointId":
            return Spellings.of(())
        return Spellings.of(state.address for state, _ in found if state.address)


def delete_endpoint(context: Context, call: Call) -> object:
    """DeleteEndpoint: answer with what was deleted. Events stay, anonymous."""
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        context.store.claim(connection, app.number, None)
        found = reader.require(connection, app.number, call.labels["endpoint-id"])
        _forget(context, connection, app.number, [found])
        remnants.leave(context.store, connection, context.new_id(), call.now)
    context.store.scrub()
    context.announce()
    state, attributes = found
    return rendered(state, app.id, attributes)


def delete_user_endpoints(context: Context, call: Call) -> object:
    """DeleteUserEndpoints: answer with what was deleted. Events stay, anonymous."""
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        context.store.claim(connection, app.number, None)
        found = reader.require_user(connection, app.number, call.labels["user-id"])
        _forget(context, connection, app.number, found)
        remnants.leave(context.store, connection, context.new_id(), call.now)
    context.store.scrub()
    context.announce()
    return {"Item": [rendered(state, app.id, attributes) for state, attributes in found]}


def erase_data(context: Context, call: Call) -> object:
    """EraseData. Nothing found is no refusal: the report says so."""
    with apps.checked_first(context, call.application_id):
        target = _parse(call.body)
    spelt = _spelt(context, call, target)
    token = context.new_id()
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id).number
        found = _find(connection, app, target, spelt)
        person = attrs.evolve(
            _person(context, connection, app, found, target.keys, target.user_ids),
            addresses=sorted(target.addresses(found).forms | spelt),
        )
        held: Counter[str] = Counter()
        for family in context.held_of_person:
            held.update(family.held(connection, person))
        if not target.is_dry_run:
            for family in context.held_of_person:
                family.erase(context, connection, person)
            remnants.leave(context.store, connection, token, call.now, is_urgent=True)
        written = [copy for copies in context.copies for copy in copies(connection, app)]
        are_values_gone = remnants.pending(connection) is None
    if not target.is_dry_run:
        are_values_gone = overwrite_now(context, token)
        context.announce()
    are_values_gone = are_values_gone and context.store.overwrites_remnants
    users = _users_of(found)
    return {
        "DryRun": target.is_dry_run,
        "EndpointIds": [state.id for state, _ in found],
        "UserIds": users,
        "KeptUserIds": [user_id for user_id in users if user_id not in person.orphans],
        "ValuesGone": are_values_gone,
        "Copies": written,
        **held,
    }


def _forget(
    context: Context, connection: Connection, app: int, found: Sequence[reader.Found]
) -> None:
    person = _person(context, connection, app, found)
    for family in context.held_of_person:
        family.forget(context, connection, person)


def _parse(content: bytes) -> _Target:
    request = body.parse_object(content)
    given = [(kind, value) for kind in _KINDS if (value := body.optional_text(request, kind))]
    if len(given) != 1:
        raise bad_request(f"Give exactly one of {', '.join(_KINDS)}")
    is_dry_run = request.get("DryRun") or False
    if not isinstance(is_dry_run, bool):
        raise bad_request("must be true or false", ".DryRun")
    ((kind, value),) = given
    if kind == "EndpointId":
        check_id(value)
    return _Target(kind, value, is_dry_run)


def _spelt(context: Context, call: Call, target: _Target) -> set[str]:
    """Return the spellings of the addresses that are meant, as they are stored."""
    if target.kind == "EndpointId":
        return set()
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id).number
        found = reader.by_user(connection, app, target.value) if target.user_ids else ()
        return stored_spellings(connection, app, target.addresses(found))


def _find(
    connection: Connection, app: int, target: _Target, spelt: Collection[str]
) -> Sequence[reader.Found]:
    if target.kind == "UserId":
        return reader.by_user(connection, app, target.value)
    if target.kind == "Address":
        whom = target.addresses(())
        return [
            (state, attributes)
            for address in sorted(whom.forms.union(spelt))
            for state, attributes in reader.by_address(connection, app, address)
            if whom.has(state.channel_type, address)
        ]
    return reader.by_keys(connection, app, target.keys)


def _person(  # noqa: PLR0913, PLR0917 -- private; a person has these parts
    context: Context,
    connection: Connection,
    app: int,
    found: Sequence[reader.Found],
    keys: Sequence[str] = (),
    user_ids: Sequence[str] = (),
) -> Person:
    """Return whom a removal of these endpoints is about.

    Args:
        context: the engine's surroundings.
        connection: a write transaction.
        app: the number of the application.
        found: the stored endpoints that go.
        keys: further endpoints, which need not be stored.
        user_ids: the users that were named; all of their endpoints are among those found.
    """
    removed = Counter(state.user_id for state, _ in found if state.user_id is not None)
    stored = reader.counts_of_users(connection, app, sorted(removed))
    orphans = {user_id for user_id, count in removed.items() if count == stored[user_id]}
    named = list(dict.fromkeys([*keys, *(state.endpoint for state, _ in found)]))
    return Person(
        app=app,
        keys=named,
        user_ids=user_ids,
        orphans=sorted(orphans.union(user_ids)),
        pseudonyms={key: f"deleted-{context.new_id()}" for key in named},
    )


def _users_of(found: Sequence[reader.Found]) -> list[str]:
    return sorted({state.user_id for state, _ in found if state.user_id is not None})


FAMILY = Family(
    name="removal",
    operations={
        "DeleteEndpoint": Operation(delete_endpoint, note="events of the endpoint stay, anonymous"),
        "DeleteUserEndpoints": Operation(
            delete_user_endpoints, note="events of the user stay, anonymous"
        ),
    },
    extensions={"EraseData": erase_data},
    held_of_person=None,
    workers=lambda context, monotonic: [
        *remnant_workers(context, monotonic),
        *retention.workers(context, monotonic),
    ],
)
