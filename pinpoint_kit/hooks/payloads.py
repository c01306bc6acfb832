"""How large a call and its answer may be, for every kind of hook."""

from __future__ import annotations

from pinpoint_kit.records.message import HookFailed

__all__ = ["MOST_BYTES", "check_answer", "check_payload"]

#: Of a request and of an answer, each; 6 MB is Lambda's limit for synchronous calls:
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 6_291_456


def check_payload(name: str, payload: bytes) -> None:
    """Refuse a call that is too large.

    Raises:
        HookFailed: it is.
    """
    if len(payload) > MOST_BYTES:
        raise HookFailed(f"{name}: the call has {len(payload)} bytes; {MOST_BYTES} are the most")


def check_answer(name: str, answer: bytes) -> bytes:
    """Return an answer that is not too large.

    Raises:
        HookFailed: it is.
    """
    if len(answer) > MOST_BYTES:
        raise HookFailed(f"{name}: the answer has {len(answer)} bytes; {MOST_BYTES} are the most")
    return answer
