"""AWS Lambda: nothing may wait while the function is frozen, so each invocation flushes.

Set the handler to `lambda_handler.handler`, and the environment variable PINPOINT_KIT_URL to your
server, for example http://pinpoint.internal:8080.

Connect outside of the handler, once for all invocations of one environment. There is no place to
close: Lambda ends the process without a word. `per_invocation` delivers before each return, within
2 seconds and within the time that the invocation has left; what does not make it stays for the next
one, and is logged.
"""

from __future__ import annotations

import pinpoint_kit as pk

pinpoint = pk.connect(application="shop")


@pinpoint.per_invocation(timeout=2.0)
def handler(event: dict[str, str], context: object) -> dict[str, str]:  # noqa: ARG001 -- Lambda's
    """Record a sign-in."""
    return {"event_id": pinpoint.auth.sign_in(event["device"])}
