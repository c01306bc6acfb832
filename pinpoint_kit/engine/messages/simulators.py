"""Addresses that AWS keeps for tests, and what becomes of a message to them.

They work without AWS, too: a message to one of them stays in the outbox, and what the real
simulator would report is reported at once. No transport ever gets such a message.

Sources: User Guide, "Test SMS sending with the Amazon Pinpoint SMS simulator"; SES Developer Guide,
"Using the mailbox simulator".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["outcomes_of"]

_MAILBOX = "@simulator.amazonses.com"
#: What stands before the `@`, up to a `+` -> what happens, in its order.
_MAILBOXES = {
    "success": ("delivered",),
    "bounce": ("bounced",),
    "complaint": ("delivered", "complained"),
    "ooto": ("delivered",),
    "suppressionlist": ("bounced",),
}
#: By country: the number that succeeds, and the one that fails.
_NUMBERS = {
    "AT": ("+43676800442031", "+43676800442032"),
    "AU": ("+61455944038", "+61455944039"),
    "BE": ("+32460213922", "+32460213923"),
    "CH": ("+41798075872", "+41798075874"),
    "CL": ("+56229140630", "+56229140631"),
    "CZ": ("+420790542286", "+420790542287"),
    "DK": ("+4525919410", "+4525919215"),
    "EE": ("+37282720792", "+37282720793"),
    "ES": ("+34683783440", "+34683783442"),
    "FI": ("+3584573979110", "+3584573979111"),
    "FR": ("+33755512501", "+33755512502"),
    "GB": ("+447860019066", "+447860019067"),
    "HK": ("+85257048426", "+85257048854"),
    "HU": ("+36707178770", "+36707178772"),
    "IT": ("+394390009172", "+394390009174"),
    "JE": ("+447937404990", "+447937404992"),
    "LU": ("+352691385880", "+352691385882"),
    "NL": ("+3197008100148", "+3197008100150"),
    "NO": ("+4759449384", "+4759449387"),
    "PL": ("+48732141440", "+48732141442"),
    "PT": ("+351927946948", "+351927946950"),
    "RO": ("+40783900330", "+40783900332"),
    "SE": ("+46790645100", "+46790645102"),
    "TW": ("+886903444630", "+886903444632"),
    "US": ("+14254147755", "+14254147167"),
}
_DELIVERED = frozenset(success for success, _ in _NUMBERS.values())
_FAILED = frozenset(failure for _, failure in _NUMBERS.values())


def outcomes_of(channel: str, address: str) -> Sequence[str] | None:
    """Return what becomes of a message to an address; None for one that is no simulator.

    >>> outcomes_of("EMAIL", "bounce+tuesday@simulator.amazonses.com")
    ('bounced',)
    >>> outcomes_of("SMS", "+14254147755"), outcomes_of("SMS", "+15555550100")
    (('delivered',), None)
    """
    if channel == "EMAIL":
        mailbox = address.lower()
        if not mailbox.endswith(_MAILBOX):
            return None
        return _MAILBOXES.get(mailbox.removesuffix(_MAILBOX).partition("+")[0])
    if channel == "SMS":
        number = f"+{address.removeprefix('+')}"
        if number in _DELIVERED:
            return ("delivered",)
        return ("bounced",) if number in _FAILED else None
    return None
