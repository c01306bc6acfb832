"""What a provider's word means: the entries of a table.

An entry is a value. What it needs from the record is looked up by the generic reader.
"""

from __future__ import annotations

import attrs

__all__ = [
    "AUTH_FAIL",
    "RESUME",
    "SIGN_IN",
    "SIGN_UP",
    "STOP",
    "Rule",
    "leave_out",
]

#: The event types. Source: "Identity Management ISVs"; Developer Guide, "App event data".
SIGN_IN_EVENT = "_userauth.sign_in"
SIGN_UP_EVENT = "_userauth.sign_up"
AUTH_FAIL_EVENT = "_userauth.auth_fail"
SESSION_START_EVENT = "_session.start"
SESSION_STOP_EVENT = "_session.stop"
SESSION_RESUME_EVENT = "_session.resume"


@attrs.frozen(kw_only=True)
class Rule:
    """What becomes of records of one type.

    Args:
        event: the event type, "" to leave the record out.
        starts_session: also record `_session.start` when the record names a session.
        reason: why it is left out.
        option: the rule is in force only when the table has this option enabled; the record is
            left out as `option_off` otherwise.
        reasons: only for these reason codes of the record; others are left out as
            `other_reason`. Empty: for all.
        needs: names of the table's fields of which the record must have at least one; it is left
            out as `no_person` otherwise.
        subject: the field that names the person: `user`, or `target` where somebody else acts.
    """

    event: str = ""
    starts_session: bool = False
    reason: str = ""
    option: str = ""
    reasons: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    subject: str = "user"


def leave_out(reason: str) -> Rule:
    """Return the rule for records that are none of Pinpoint's business.

    Args:
        reason: a stable word, for counting.
    """
    return Rule(reason=reason)


#: Somebody signed in; with a session in the record, the session starts too.
SIGN_IN = Rule(event=SIGN_IN_EVENT, starts_session=True)
SIGN_UP = Rule(event=SIGN_UP_EVENT)
AUTH_FAIL = Rule(event=AUTH_FAIL_EVENT)
STOP = Rule(event=SESSION_STOP_EVENT)
#: A session goes on: off unless the option `resume` is enabled.
RESUME = Rule(event=SESSION_RESUME_EVENT, option="resume")
