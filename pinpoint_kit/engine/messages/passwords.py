"""One-time passwords: SendOTPMessage and VerifyOTPMessage.

A code is kept until it was used, has expired, or was missed too often. Its message stays in the
outbox, with the code in clear, which is how a test reads it; once a transport takes it to somebody,
the outbox keeps no code, so that who may read there cannot log in as others.

Source: Developer Guide, "Sending and validating one-time passwords".
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs
from sqlalchemy import bindparam, delete, select, update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.recipients import Recipient, Refusal, is_number
from pinpoint_kit.engine.messages.rendering.sms_parts import parts
from pinpoint_kit.engine.messages.sending import Sender
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.messages import ONE_TIME_PASSWORDS
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["send_otp_message", "verify_otp_message"]

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
_DELETE_EXPIRED = Statement(
    delete(_OTP).where(_OTP.c.app == bindparam("app_")).where(_OTP.c.expires <= bindparam("now_")),
    "app_",
    "now_",
)


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
    _DELETE_EXPIRED.run_many(connection, [(app, now)])
    expires = now + wanted.minutes * _MINUTE_MS
    row = (app, wanted.address, wanted.reference, code, expires, wanted.attempts)
    _UPSERT.run_many(connection, [row])


def _refused(refusal: Refusal) -> dict[str, object]:
    return {
        "DeliveryStatus": refusal.status,
        "StatusCode": refusal.code,
        "StatusMessage": refusal.text,
    }
