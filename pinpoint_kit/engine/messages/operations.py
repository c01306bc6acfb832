"""The operations of direct messages, opt-outs, one-time passwords and numbers, in one table."""

from __future__ import annotations

from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.messages import extensions, passwords, phone_numbers, sending
from pinpoint_kit.engine.messages.opt_outs import operations as opt_outs
from pinpoint_kit.engine.messages.store import MessageData

__all__ = ["FAMILY"]

_OUTBOX = "messages stay in the outbox unless the operator gives a transport"

FAMILY = Family(
    name="messages",
    operations={
        "PhoneNumberValidate": Operation(
            phone_numbers.phone_number_validate,
            "partial",
            "offline, by the library of the extra `phone`: no carrier where numbers move, no "
            "postal code, no county",
        ),
        "SendMessages": Operation(sending.send_messages, note=_OUTBOX),
        "SendOTPMessage": Operation(passwords.send_otp_message, note=_OUTBOX),
        "SendUsersMessages": Operation(sending.send_users_messages, note=_OUTBOX),
        "VerifyOTPMessage": Operation(passwords.verify_otp_message),
    },
    extensions={**extensions.HANDLERS, **opt_outs.HANDLERS},
    held_of_person=MessageData(),
)
