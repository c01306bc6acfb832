"""`EndpointWriter`: applies a batch of patches to the stored endpoints, in order, as one unit.

Every endpoint write goes through here: single updates, batches, the `Endpoint` part of events and
later imports. It loads what the batch touches with a few statements, merges in memory, and writes
the outcome with a few more. The rules that tie endpoints together stand here:
- the newest endpoint with an address is the active one (same channel type and address);
- user attributes are kept once per user;
- a user has at most 15 endpoints, see `_join`.

Refused patches leave no trace. Parsing does not belong here, nor does the merge of one endpoint.

Where others may write at the same time, the writer first claims what the rules look at: endpoints,
then the users and addresses that they have or are given. Of many endpoints it claims all that the
application has.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import attrs
from sqlalchemy import bindparam, literal_column, update

from pinpoint_kit.engine.applications.removed_attributes import CUSTOM, METRIC, USER, captured
from pinpoint_kit.engine.context import Device
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.parsing import Patch
from pinpoint_kit.engine.endpoints.state import (
    COLUMNS,
    EndpointState,
    check,
    copied,
    merge,
    merge_lists,
    new_state,
    opened_lists,
    rendered,
)
from pinpoint_kit.engine.endpoints.store import delete_orphaned_users
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import BulkInsert, Row, Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context, Stamp

__all__ = ["Change", "EndpointWriter", "Update"]


#: Channels whose oldest endpoint makes room for a user's 16th. APNS_SANDBOX is not among them.
_EVICTABLE = frozenset({"ADM", "GCM", "APNS", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU"})

_remembered = attrgetter(*REMEMBERED)
_device = attrgetter("id", "platform_version", *REMEMBERED)
#: The user, the id, the platform's version and what events remember of an endpoint not known.
_UNKNOWN: Row = (None,) * (3 + len(REMEMBERED))

_NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})

_FIXED = {"app", "endpoint", "id", "creation_date", "cohort"}
_UPSERT = BulkInsert(
    lambda dialect: upsert(
        dialect,
        ENDPOINTS,
        ("app", "endpoint"),
        [name for name in COLUMNS if name not in _FIXED],
    ),
    *COLUMNS,
)
_DEACTIVATE = Statement(
    update(ENDPOINTS)
    .values(status=literal_column("'INACTIVE'"))
    .where(ENDPOINTS.c.app == bindparam("app_"))
    .where(ENDPOINTS.c.channel_type == bindparam("channel_"))
    .where(ENDPOINTS.c.address == bindparam("address_"))
    .where(ENDPOINTS.c.status == literal_column("'ACTIVE'")),
    "app_",
    "channel_",
    "address_",
)
_UPSERT_USER = BulkInsert(
    lambda dialect: upsert(dialect, USERS, ("app", "user_id"), ("attributes",)),
    "app",
    "user_id",
    "attributes",
    "created",
)


class Change(Protocol):
    """What is said about one endpoint."""

    @property
    def key(self) -> str:
        """The endpoint's id as ids are compared."""

    @property
    def id(self) -> str:
        """The endpoint's id as written."""

    @property
    def patch(self) -> Patch:
        """What was said."""

    @property
    def user_id(self) -> str | None:
        """The user that the patch names."""

    @property
    def draft(self) -> EndpointState | None:
        """The outcome, should the endpoint be new and if it is known already.

        The user is not assigned yet, and attributes of the user wait for it to be. The writer may
        keep and change it.
        """


@attrs.frozen
class Update:
    """A change that was asked for by a request."""

    key: str
    id: str
    patch: Patch
    draft: None = None

    @property
    def user_id(self) -> str | None:
        """The user that the patch names."""
        return self.patch.user_id


@attrs.frozen
class _User:
    """What a change does to the endpoint's user, decided before anything is changed."""

    attributes: str | None
    evicted: str | None = None


class EndpointWriter:
    """Applies changes inside one write transaction; nothing is stored before `flush`.

    Args:
        changes: all changes that `apply` will get, so that they are loaded together.
        referenced: keys of further endpoints that `of_events` will be asked about. One that turns
            out to be unknown may be applied too.
        are_claimed: keep others from the referenced endpoints, too, known or not.
    """

    def __init__(  # noqa: PLR0913 -- a transaction, where it comes from, and its work
        self,
        connection: Connection,
        app: App,
        context: Context,
        stamp: Stamp,
        changes: Sequence[Change],
        *,
        referenced: Sequence[str] = (),
        are_claimed: bool = False,
    ) -> None:
        self._connection = connection
        self._app = app.number
        self._context = context
        self._stamp = stamp
        self._removed = app.removed_patterns()
        self._states: dict[str, EndpointState] = {}
        self._attributes: dict[str, str | None] = {}
        self._endpoint_counts: dict[str, int] = {}  # how many endpoints the named users have
        self._members: dict[str, dict[str, EndpointState]] = {}  # of those with the most
        self._active_by_address: dict[tuple[str, str], str] = {}
        self._dirty: dict[str, None] = {}  # in the order of the changes
        self._dirty_users: dict[str, None] = {}
        self._new: set[str] = set()  # those that had no row; what is claimed keeps it so
        self._new_users: set[str] = set()
        self._left_users: dict[str, None] = {}
        self._deactivations: dict[tuple[int, str, str], None] = {}
        self._claim(changes, referenced, are_claimed=are_claimed)
        self._referenced = (
            reader.remembered_of(connection, self._app, referenced) if referenced else {}
        )
        self._load(changes)

    def is_known(self, key: str) -> bool:
        """Return whether the endpoint exists after the changes so far."""
        return key in self._states or key in self._referenced

    def of_events(self, key: str) -> tuple[str | None, Row]:
        """Return what events are stored with: the endpoint's user, and `REMEMBERED` of it.

        After the changes so far, None where there is none.
        """
        state = self._states.get(key)
        if state is None:
            known = self._referenced.get(key, _UNKNOWN)
            return known[0], known[3:]
        return state.user_id, _remembered(state)

    def device(self, key: str) -> Device:
        """Return the endpoint's device after the changes so far."""
        state = self._states.get(key)
        if state is not None:
            return Device._make(_device(state))
        found = self._referenced.get(key, _UNKNOWN)[1:]
        return Device._make(found if found[0] else (key, *found[1:]))

    def shown(self, key: str, application_id: str) -> dict[str, object] | None:
        """Return the endpoint after the changes so far, as GetEndpoint shows it."""
        state, attributes = self._states.get(key), None
        if state is None:
            found = reader.by_key(self._connection, self._app, key)
            if found is None:
                return None
            state, attributes = found
            if state.contact and (self._app, *state.contact) in self._deactivations:
                state.status = "INACTIVE"
        if state.user_id is not None:
            attributes = self._attributes.get(state.user_id, attributes)
        return rendered(state, application_id, attributes)

    def apply(self, change: Change) -> EndpointState:
        """Merge one change.

        Raises:
            ApiError: the outcome is not allowed; nothing of the change is kept.
        """
        before = self._states.get(change.key)
        draft = change.draft
        if before is None and draft is not None and not self._removed:
            after, of_user = draft, _NOTHING
        else:
            patch = self._captured(change.patch)
            after = self._start(before, change)
            merge(after, patch, self._stamp.now, self._stamp.request_id)
            of_user = patch.user_attributes
        user = self._assign_user(after, change.user_id, of_user)
        check(after, user.attributes, self._context.limits)
        self._keep(before, after, user)
        return after

    def flush(self) -> None:
        """Write the outcome of all changes."""
        if not self._dirty:
            return  # most requests with events name endpoints and say nothing of them
        _DEACTIVATE.run_many(self._connection, list(self._deactivations))
        for are_new in (True, False):
            keys = [key for key in self._dirty if (key in self._new) is are_new]
            rows = [self._states[key].row() for key in keys]
            _UPSERT.run(self._connection, rows, are_new=are_new)
            users = [name for name in self._dirty_users if (name in self._new_users) is are_new]
            _UPSERT_USER.run(
                self._connection,
                [
                    (self._app, name, self._attributes[name] or "{}", self._stamp.now)
                    for name in users
                ],
                are_new=are_new,
            )
        self._new.clear()
        self._new_users.clear()
        delete_orphaned_users(self._connection, self._app, list(self._left_users))

    def _claim(
        self, changes: Sequence[Change], referenced: Sequence[str], *, are_claimed: bool
    ) -> None:
        """Keep others from all that will be read and decided about here."""
        store = self._context.store
        if store.most_names >= sys.maxsize:
            return
        keys = [change.key for change in changes]
        if referenced:  # those that are not there are made
            known = {} if are_claimed else self._remembered_of(referenced)
            keys += [key for key in referenced if key not in known]
        if len(keys) > store.most_names:
            store.claim(self._connection, self._app, None)
            return
        store.claim(self._connection, self._app, [("endpoint", key) for key in keys])
        if not changes:
            return
        names = {("user", change.user_id) for change in changes if change.user_id}
        found = reader.by_keys(self._connection, self._app, list(dict.fromkeys(keys)))
        stored = {state.endpoint: state for state, _ in found}
        names.update(("user", state.user_id) for state in stored.values() if state.user_id)
        for change in changes:
            state, patch = stored.get(change.key), change.patch
            addresses = {patch.address, state.address if state else None}
            names.update(("address", address) for address in addresses if address)
        if names:
            store.claim(self._connection, self._app, names)

    def _remembered_of(self, keys: Sequence[str]) -> Mapping[str, Row]:
        return reader.remembered_of(self._connection, self._app, keys)

    def _load(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        keys = list(dict.fromkeys(change.key for change in changes))
        for state, attributes in reader.by_keys(self._connection, self._app, keys):
            self._states[state.endpoint] = state
            if state.user_id is not None:
                self._attributes[state.user_id] = attributes
            if state.contact and state.status == "ACTIVE":
                self._active_by_address[state.contact] = state.endpoint
        named = list(dict.fromkeys(change.user_id for change in changes if change.user_id))
        if not named:
            return
        if len(changes) == 1:
            only = self._states.get(changes[0].key)
            if only is not None and only.user_id == named[0]:
                return
        self._load_users(named)

    def _load_users(self, user_ids: Sequence[str]) -> None:
        """Load what these users have; from then on the changes keep it up to date."""
        self._endpoint_counts = dict.fromkeys(user_ids, 0)
        self._endpoint_counts.update(reader.counts_of_users(self._connection, self._app, user_ids))
        missing = [user_id for user_id in user_ids if user_id not in self._attributes]
        if not missing:
            return
        self._attributes.update(dict.fromkeys(missing))
        self._attributes.update(reader.attributes_of_users(self._connection, self._app, missing))

    def _start(self, before: EndpointState | None, change: Change) -> EndpointState:
        """Return the endpoint before the change, to be changed."""
        if before is not None:
            return copied(before)
        if change.draft is None:
            stamp = self._stamp
            return new_state(self._app, change.key, change.id, stamp.now, self._context.new_id())
        start = copied(change.draft)
        start.attributes = start.metrics = start.user_attributes = None
        return start

    def _captured(self, patch: Patch) -> Patch:
        """Leave out what RemoveAttributes has switched off."""
        if not self._removed:
            return patch
        return attrs.evolve(
            patch,
            attributes=captured(patch.attributes, self._removed.get(CUSTOM, [])),
            metrics=captured(patch.metrics, self._removed.get(METRIC, [])),
            user_attributes=captured(patch.user_attributes, self._removed.get(USER, [])),
        )

    def _assign_user(
        self, after: EndpointState, user_id: str | None, of_user: Mapping[str, Sequence[str]]
    ) -> _User:
        """Set the user of the endpoint, and say what that does to others."""
        evicted = None
        if user_id == "":
            after.user_id = None
        elif user_id is not None and user_id != after.user_id:
            evicted = self._make_room(user_id, after)
            after.user_id = user_id
        if after.user_id is None:
            after.user_attributes = merge_lists(after.user_attributes, of_user)
            return _User(after.user_attributes)
        attributes = self._attributes.get(after.user_id)
        if after.user_attributes is not None:  # kept for this moment
            waiting, after.user_attributes = after.user_attributes, None
            attributes = merge_lists(attributes, opened_lists(waiting)) if attributes else waiting
        return _User(merge_lists(attributes, of_user), evicted)

    def _make_room(self, user_id: str, newcomer: EndpointState) -> str | None:
        """Return the endpoint that has to leave its user so that another can join.

        Raises:
            ApiError: the user has the most that is allowed and none may be taken away.
        """
        maximum = self._context.limits.max_endpoints_per_user
        if self._endpoint_counts[user_id] < maximum:
            return None
        oldest = min(
            (s for s in self._members_of(user_id).values() if s.channel_type in _EVICTABLE),
            key=lambda state: (state.effective_date, state.creation_date, state.endpoint),
            default=None,
        )
        if oldest is None or newcomer.channel_type not in _EVICTABLE:
            raise bad_request(f"Exceeded maximum endpoint per user count: {maximum}")
        return oldest.endpoint

    def _members_of(self, user_id: str) -> dict[str, EndpointState]:
        """Return the endpoints of a user after the changes so far."""
        members = self._members.get(user_id)
        if members is None:
            stored = reader.by_user(self._connection, self._app, user_id)
            members = {s.endpoint: s for s, _ in stored if s.endpoint not in self._states}
            members.update({k: s for k, s in self._states.items() if s.user_id == user_id})
            self._members[user_id] = members
        return members

    def _keep(self, before: EndpointState | None, after: EndpointState, user: _User) -> None:
        if user.evicted is not None and after.user_id is not None:
            self._evict(after.user_id, user.evicted)
        left = None if before is None else before.user_id
        if left != after.user_id:
            if left is not None:
                self._leave(left, after.endpoint)
                self._left_users[left] = None
            if after.user_id in self._endpoint_counts:
                self._endpoint_counts[after.user_id] += 1
        if after.user_id is not None:
            known = self._attributes.get(after.user_id)
            if known is None and after.user_id not in self._dirty_users:
                self._new_users.add(after.user_id)
            if known is None or user.attributes != known:  # without a row: a user who is new
                self._attributes[after.user_id] = user.attributes
                self._dirty_users[after.user_id] = None
            if after.user_id in self._members:
                self._members[after.user_id][after.endpoint] = after
        if before is None and after.endpoint not in self._referenced:
            self._new.add(after.endpoint)
        self._states[after.endpoint] = after
        self._dirty[after.endpoint] = None
        self._take_address(before, after)

    def _leave(self, user_id: str, key: str) -> None:
        if user_id in self._endpoint_counts:
            self._endpoint_counts[user_id] -= 1
        self._members.get(user_id, {}).pop(key, None)

    def _evict(self, user_id: str, key: str) -> None:
        oldest = self._members[user_id][key]
        self._leave(user_id, key)
        self._states[key] = attrs.evolve(oldest, status="INACTIVE", user_id=None)
        self._dirty[key] = None

    def _take_address(self, before: EndpointState | None, after: EndpointState) -> None:
        """Deactivate whoever was active with the same address until now."""
        contact = after.contact
        if contact is None or after.status != "ACTIVE":
            return
        holder = self._active_by_address.get(contact)
        if holder is not None and holder != after.endpoint:
            other = self._states[holder]
            if other.contact == contact and other.status == "ACTIVE":
                other.status = "INACTIVE"
                self._dirty[holder] = None
        self._active_by_address[contact] = after.endpoint
        if before is None or before.contact != contact or before.status != "ACTIVE":
            taken = (self._app, *contact)
            self._deactivations[taken] = None
