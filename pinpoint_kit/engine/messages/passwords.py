"""One-time passwords: SendOTPMessage and VerifyOTPMessage.

A code is kept until it was used or was missed too often, or has expired: within about two
hours it is removed behind requests (removal/retention.py). Its message stays in the outbox,
with the code in clear, which is how a test reads it; once a transport takes it to somebody, the
outbox keeps no code, so that who may read there cannot log in as others.

Source: Developer Guide, "Sending and validating one-time passwords".
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs
from sqlalchemy import bindparam, delete, func, literal, select, update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.recipients import Recipient, Refusal, is_number
from pinpoint_kit.engine.messages.rendering.sms_parts import parts
from pinpoint_kit.engine.messages.sending import Sender
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Distinct, Statement
from pinpoint_kit.engine.storage.tables.messages import ONE_TIME_PASSWORDS
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = [
    "addresses",
    "app_with_expired",
    "first_expiry",
    "remove_expired",
    "send_otp_message",
    "verify_otp_message",
]

_MINUTE_MS = 60_000
#: Member -> the least, the most, and what counts unless one is given.
_RANGES = {
    "AllowedAttempts": (1, 5, 3),
    "CodeLength": (5, 8, 6),
    "ValidityPeriod": (5, 60, 15),
}
#: Member -> how many characters it may have.
_LENGTHS = {"BrandName": 20, "ReferenceId": 48}
_DEFAULT_LANGUAGE = "en-US"
_TEXTS = {
    "de-DE": "Dies ist Ihr Einmalpasswort: {code} von {brand}",
    "en-GB": "This is your One Time Password: {code} from {brand}",
    "en-US": "This is your One Time Password: {code} from {brand}",
    "es-419": "Esta es su contraseña de un solo uso: {code} de {brand}",
    "es-ES": "Esta es su contraseña de un solo uso: {code} de {brand}",
    "fr-CA": "Voici votre mot de passe à usage unique : {code} de {brand}",
    "fr-FR": "Voici votre mot de passe à usage unique : {code} de {brand}",
    "it-IT": "Questa è la tua password monouso: {code} da {brand}",
    "ja-JP": "{brand}のワンタイムパスワード: {code}",
    "ko-KR": "{brand}의 일회용 비밀번호: {code}",
    "pt-BR": "Esta é a sua senha de uso único: {code} de {brand}",
    "zh-CN": "这是您的一次性密码: {code}, 来自 {brand}",
    "zh-TW": "這是您的一次性密碼: {code}, 來自 {brand}",
}

_OTP = ONE_TIME_PASSWORDS
_COLUMNS = ("code", "expires", "attempts")
_UPSERT = Statement(
    lambda dialect: upsert(dialect, _OTP, ("app", "address", "reference"), _COLUMNS),
    *("app", "address", "reference", *_COLUMNS),
)
_ONE = (
    (_OTP.c.app == bindparam("app_"))
    & (_OTP.c.address == bindparam("address_"))
    & (_OTP.c.reference == bindparam("reference_"))
)
_WHOSE = ("app_", "address_", "reference_")
_SELECT = Statement(select(_OTP.c.code, _OTP.c.expires, _OTP.c.attempts).where(_ONE), *_WHOSE)
_DELETE = Statement(delete(_OTP).where(_ONE), *_WHOSE)
_MISS = Statement(
    update(_OTP).values(attempts=bindparam("attempts_")).where(_ONE), "attempts_", *_WHOSE
)
#: There is no index by time: codes go soon, so that there are few.
_FIRST_EXPIRY = Statement(select(func.min(_OTP.c.expires)))
_HAS_EXPIRED = _OTP.c.expires <= bindparam("moment_")
_APP_WITH_EXPIRED = Statement(select(_OTP.c.app).where(_HAS_EXPIRED).limit(literal(1)), "moment_")
_EXPIRED = Statement(
    select(_OTP.c.app, _OTP.c.address, _OTP.c.reference)
    .where(_OTP.c.app == bindparam("app_"), _HAS_EXPIRED)
    .limit(bindparam("most_")),
    "app_",
    "moment_",
    "most_",
)
#: One that took the place of an expired one meanwhile stays.
_DELETE_EXPIRED = Statement(delete(_OTP).where(_ONE, _HAS_EXPIRED), *_WHOSE, "moment_")
_ADDRESSES = Distinct(_OTP.c.address)


@attrs.frozen
class _Wanted:
    """What a request wants to be sent."""

    address: str = attrs.field(repr=False)
    origination: str
    brand: str
    reference: str = attrs.field(repr=False)
    language: str
    attempts: int
    length: int
    minutes: int
    data: Mapping[str, object]


def send_otp_message(context: Context, call: Call) -> object:
    """SendOTPMessage: a new code by SMS, in the place of an earlier one of this reference."""
    with apps.checked_first(context, call.application_id):
        wanted = _parse(call)
    code = "".join(secrets.choice("0123456789") for _ in range(wanted.length))
    text = _text(wanted, code)
    settings: dict[str, object] = {}
    recipient = Recipient(
        channel="SMS",
        address=wanted.address,
        shown={"Address": wanted.address, "ChannelType": "SMS"},
        settings=settings,
    )
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        context.store.claim(connection, app.number, [("address", wanted.address)])
        sender = Sender.of(context, connection, app, call, {"MessageConfiguration": {}})
        sender.look_up((recipient.channel, recipient.address))
        refusal = sender.refusal_of(recipient)
        if refusal is None:
            content = Content(
                body=text,
                origination_number=wanted.origination,
                message_type="TRANSACTIONAL",
                data={"Otp": code, **wanted.data},
                parts=parts(text),
            )
            covered = attrs.evolve(content, body=_text(wanted, "*" * len(code)), data=wanted.data)
            result = sender.put(recipient, content, {}, kind="otp", kept=covered)
            sender.flush()
            _keep(connection, app.number, wanted, code, call.now)
        else:
            result = _refused(refusal)
    sender.deliver()
    if refusal is None:
        context.announce()  # the code will expire
    return {
        "ApplicationId": app.id,
        "RequestId": call.request_id,
        "Result": {wanted.address: result},
    }


def verify_otp_message(context: Context, call: Call) -> object:
    """VerifyOTPMessage: whether this is the code. A right one is used up.

    A wrong code is no error. More wrong ones than AllowedAttempts make the right one invalid.
    """
    with apps.checked_first(context, call.application_id):
        request = call.members()
        address = _address(request)
        given, reference = str(request["Otp"]), str(request["ReferenceId"])
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        context.store.claim(connection, app.number, [("address", address)])
        whose = (app.number, address, reference)
        rows = _SELECT.rows(connection, *whose)
        if not rows:
            return {"Valid": False}
        code, expires, attempts = rows[0]
        is_right = hmac.compare_digest(code.encode(), given.encode()) and call.now < expires
        if is_right or attempts == 0 or call.now >= expires:
            _DELETE.run_many(connection, [whose])
        else:
            _MISS.run_many(connection, [(attempts - 1, *whose)])
    return {"Valid": is_right}


def first_expiry(connection: Connection) -> int | None:
    """Return when the first code expires of those that are kept, milliseconds since 1970."""
    found: int | None = _FIRST_EXPIRY.rows(connection)[0][0]
    return found


def addresses(connection: Connection, app: int) -> Iterator[str]:
    """Yield the addresses that codes were sent to, each once, in their order."""
    return _ADDRESSES.walk(connection, app)


def app_with_expired(connection: Connection, before: int, now: int) -> int | None:  # noqa: ARG001 -- as of events
    """Return the number of an application that has a code which has expired by a moment.

    Args:
        connection: where to look.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
    """
    rows = _APP_WITH_EXPIRED.rows(connection, before)
    return int(rows[0][0]) if rows else None


def remove_expired(connection: Connection, app: int, before: int, now: int, most: int) -> int:  # noqa: ARG001 -- as of events
    """Delete codes that have expired by a moment; see `app_with_expired`.

    Args:
        connection: a write transaction.
        app: the number of the application.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
        most: how many.

    Returns:
        How many were deleted.
    """
    gone = _EXPIRED.rows(connection, app, before, most)
    _DELETE_EXPIRED.run_many(connection, [(*row, before) for row in gone])
    return len(gone)


def _text(wanted: _Wanted, code: str) -> str:
    return _TEXTS[wanted.language].format(code=code, brand=wanted.brand)


def _parse(call: Call) -> _Wanted:
    request = call.members()
    if request["Channel"] != "SMS":
        raise bad_request("must be SMS", ".Channel")
    for name, most in _LENGTHS.items():
        if not 0 < len(str(request[name])) <= most:
            raise bad_request(f"must have 1 to {most} characters", f".{name}")
    numbers = {}
    for name, (least, most, default) in _RANGES.items():
        numbers[name] = cast("int", request.get(name, default))
        if not least <= numbers[name] <= most:
            raise bad_request(f"must be {least} to {most}", f".{name}")
    language = str(request.get("Language") or _DEFAULT_LANGUAGE)
    if language not in _TEXTS:
        raise bad_request(f"must be one of {', '.join(_TEXTS)}", ".Language")
    if not request["OriginationIdentity"]:
        raise bad_request("Missing OriginationIdentity")
    return _Wanted(
        _address(request),
        str(request["OriginationIdentity"]),
        str(request["BrandName"]),
        str(request["ReferenceId"]),
        language,
        numbers["AllowedAttempts"],
        numbers["CodeLength"],
        numbers["ValidityPeriod"],
        {name: request[name] for name in ("EntityId", "TemplateId") if request.get(name)},
    )


def _address(request: Mapping[str, object]) -> str:
    address = str(request["DestinationIdentity"])
    if not is_number(address):
        raise bad_request(
            "must be a telephone number in E.164 form, such as +12065550100",
            ".DestinationIdentity",
        )
    return address


def _keep(connection: Connection, app: int, wanted: _Wanted, code: str, now: int) -> None:
    expires = now + wanted.minutes * _MINUTE_MS
    row = (app, wanted.address, wanted.reference, code, expires, wanted.attempts)
    _UPSERT.run_many(connection, [row])


def _refused(refusal: Refusal) -> dict[str, object]:
    return {
        "DeliveryStatus": refusal.status,
        "StatusCode": refusal.code,
        "StatusMessage": refusal.text,
    }
