"""Channels: Get, Update and Delete of each of the ten kinds, and GetChannels.

Messages stay in the outbox, so only what an answer shows is kept. Which members of a request that
is, the service model says: those that the answer has, too. All others are looked at and
forgotten, among them every key, certificate and secret. That there is a credential is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs
import orjson
from sqlalchemy import bindparam, delete, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.engagement.headers import check_line
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.engagement import CHANNELS
from pinpoint_kit.engine.wire import body, instants, shapes
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Application, Call, Context

__all__ = ["KINDS", "delete_channel", "enabled", "get_channel", "get_channels", "update_channel"]

#: The kinds, as the operations' names spell them: UpdateApnsVoipChannel.
KINDS = (
    "Adm",
    "Apns",
    "ApnsSandbox",
    "ApnsVoip",
    "ApnsVoipSandbox",
    "Baidu",
    "Email",
    "Gcm",
    "Sms",
    "Voice",
)

_APNS = {
    ("Certificate", "PrivateKey"): ("HasCredential",),
    ("BundleId", "TeamId", "TokenKey", "TokenKeyId"): ("HasCredential", "HasTokenKey"),
}
#: Kind -> members that are a credential together -> what the answers say of it from then on.
_CREDENTIALS: Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]] = {
    "adm": {("ClientId", "ClientSecret"): ("HasCredential",)},
    "apns": _APNS,
    "apns_sandbox": _APNS,
    "apns_voip": _APNS,
    "apns_voip_sandbox": _APNS,
    "baidu": {("ApiKey", "SecretKey"): ("HasCredential",)},
    "gcm": {
        ("ApiKey",): ("HasCredential",),
        ("ServiceJson",): ("HasCredential", "HasFcmServiceCredentials"),
    },
}
#: Kind -> what its answers hold where nothing was sent: defaults, and figures of a new account.
_UNSENT: Mapping[str, Mapping[str, object]] = {
    "baidu": {"Credential": ""},  # the model wants the member; the key itself is not kept
    "email": {"MessagesPerSecond": 1},
    "gcm": {"DefaultAuthenticationMethod": "KEY"},
    "sms": {"PromotionalMessagesPerSecond": 20, "TransactionalMessagesPerSecond": 20},
}
_METHODS = {"gcm": ("KEY", "TOKEN")}
_APNS_METHODS = ("CERTIFICATE", "KEY", "TOKEN")

_COLUMNS = ("settings", "created", "modified", "version")
_SELECT = Statement(
    select(*(CHANNELS.c[name] for name in ("kind", *_COLUMNS)))
    .where(CHANNELS.c.app == bindparam("app_"))
    .order_by(CHANNELS.c.kind),
    "app_",
)
_UPSERT = Statement(
    lambda dialect: upsert(dialect, CHANNELS, ("app", "kind"), _COLUMNS),
    "app",
    "kind",
    *_COLUMNS,
)


@attrs.frozen
class _Channel:
    """A stored channel. `settings` are members of its answers, as they show there."""

    settings: Mapping[str, object]
    created: int
    modified: int
    version: int

    def row(self) -> tuple[object, ...]:
        """Return what stands in `_COLUMNS`."""
        return body.encode(self.settings), self.created, self.modified, self.version


def enabled(connection: Connection, app: Application) -> dict[str, Mapping[str, object]]:
    """Return the settings of the channels that are on, by channel type.

    A channel that was never set is off, as in a new project of the service.
    """
    return {
        kind.upper(): channel.settings
        for kind, channel in _all(connection, app).items()
        if channel.settings.get("Enabled")
    }


def get_channel(context: Context, call: Call) -> object:
    """GetAdmChannel to GetVoiceChannel."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return _rendered(_require(connection, app, _kind(call)), _kind(call), app)


def get_channels(context: Context, call: Call) -> object:
    """GetChannels: what all kinds have in common, by the names of `ChannelType`."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = _all(connection, app)
    common = cast("shapes.Shape", call.route.answer.members["Channels"].item).members
    answers = {kind.upper(): _rendered(channel, kind, app) for kind, channel in found.items()}
    return {
        "Channels": {
            platform: {name: value for name, value in answer.items() if name in common}
            for platform, answer in answers.items()
        }
    }


def update_channel(context: Context, call: Call) -> object:
    """UpdateAdmChannel to UpdateVoiceChannel: makes the channel, or changes what is sent."""
    kind = _kind(call)
    with apps.checked_first(context, call.application_id):
        request = call.members()
        _check(request, call)
        known = _credentials(request, kind)
    changes = {name: value for name, value in request.items() if name in call.route.answer.members}
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        old = _all(connection, app).get(kind) or _new(kind, call.now)
        settings = {**old.settings, **changes, **known}
        if settings.get("HasCredential") is False:
            raise bad_request("Missing credentials")
        channel = _Channel(
            # Empty text is no setting: sending it clears one.
            {name: value for name, value in settings.items() if value != ""},
            created=old.created,
            modified=call.now,
            version=old.version + 1,
        )
        _UPSERT.run_many(connection, [(app.number, kind, *channel.row())])
        return _rendered(channel, kind, app)


def delete_channel(context: Context, call: Call) -> object:
    """DeleteAdmChannel to DeleteVoiceChannel: answer with what was deleted.

    Deleting a channel that was never set succeeds too, and answers with one that is off.
    """
    kind = _kind(call)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        channel = _all(connection, app).get(kind) or _unset(kind, call.now)
        answer = _rendered(channel, kind, app)
        connection.execute(
            delete(CHANNELS).where(CHANNELS.c.app == app.number, CHANNELS.c.kind == kind)
        )
    context.store.scrub()
    return answer


def _kind(call: Call) -> str:
    """Return the kind as the path spells it: apns_voip."""
    return call.route.template.rpartition("/")[2]


def _new(kind: str, now: int) -> _Channel:
    """Return the channel before its first update."""
    flags = {flag: False for flags in _CREDENTIALS.get(kind, {}).values() for flag in flags}
    return _Channel({"Enabled": True, **flags}, created=now, modified=now, version=0)


def _unset(kind: str, now: int) -> _Channel:
    """Return what DeleteXChannel answers with when there is nothing to delete."""
    channel = _new(kind, now)
    return attrs.evolve(channel, settings={**channel.settings, "Enabled": False})


def _check(request: Mapping[str, object], call: Call) -> None:
    """Refuse what the service model states in words only."""
    for name in call.route.body.required:
        if not request[name]:
            raise bad_request(f"Missing {name}")
    check_line(request.get("FromAddress"), ".FromAddress")
    method = cast("str", request.get("DefaultAuthenticationMethod", ""))
    methods = _METHODS.get(_kind(call), _APNS_METHODS)
    if method and method.upper() not in methods:
        raise bad_request(f"must be one of {', '.join(methods)}", ".DefaultAuthenticationMethod")


def _credentials(request: Mapping[str, object], kind: str) -> dict[str, object]:
    """Return what an answer says of the credentials in a request.

    Raises:
        ApiError: there are some, but no whole one.
    """
    sets = _CREDENTIALS.get(kind, {})
    whole = [members for members in sets if all(request.get(name) for name in members)]
    if not whole and any(request.get(name) for members in sets for name in members):
        raise bad_request("Missing credentials")
    return {flag: True for members in whole for flag in sets[members]}


def _all(connection: Connection, app: Application) -> dict[str, _Channel]:
    rows = _SELECT.rows(connection, app.number)
    return {kind: _Channel(orjson.loads(settings), *rest) for kind, settings, *rest in rows}


def _require(connection: Connection, app: App, kind: str) -> _Channel:
    channel = _all(connection, app).get(kind)
    if channel is None:
        raise not_found("Channel not found")
    return channel


def _rendered(channel: _Channel, kind: str, app: App) -> dict[str, object]:
    return {
        "ApplicationId": app.id,
        "CreationDate": instants.from_ms(channel.created),
        "Id": kind,
        "IsArchived": False,
        "LastModifiedDate": instants.from_ms(channel.modified),
        "Platform": kind.upper(),
        "Version": channel.version,
        **_UNSENT.get(kind, {}),
        **channel.settings,
    }
