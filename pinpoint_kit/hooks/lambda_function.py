"""`LambdaHook`: a function of AWS Lambda, or of an emulator of it.

What the function says of its errors is not shown: it may quote an endpoint.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations.clients import AwsSettings, make_client
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.hooks.payloads import MOST_BYTES, check_answer, check_payload
from pinpoint_kit.records.message import HookFailed
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import BaseClient

__all__ = ["LambdaHook"]

#: Names, partial ARNs and whole ones, with a version or an alias:
#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_NAME = re.compile(
    r"(arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):\d{12}:function:"
    r"|\d{12}:function:)?[A-Za-z0-9-_]{1,64}(:[A-Za-z0-9-_$]{1,128})?"
)
_TYPE = re.compile(r"[\w.]{1,100}")
#: The longest that anybody waits for a function; a call says how long it may take.
_LONGEST_S = 240.0


class LambdaHook:
    """Calls a function of AWS Lambda and waits for its answer (`Invoke`, `RequestResponse`).

    Args:
        function: its name or ARN, with a version or an alias if wanted.
        client: a boto3 client of `lambda`; made of the machine's settings unless given, among them
            `AWS_ENDPOINT_URL_LAMBDA`.
        region: the Region of a client that is made here; that of the ARN unless given.
        endpoint_url: another address of the service for it.
        profile: a profile of the AWS configuration files for it.

    Raises:
        ConfigurationError: it is no name of a function, or no client can be made.
    """

    def __init__(
        self,
        function: str,
        client: BaseClient | None = None,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
    ) -> None:
        found = _NAME.fullmatch(function)
        if found is None:
            raise ConfigurationError("no name of a function: write lambda:NAME or lambda:ARN")
        settings = AwsSettings(
            region=region or found["region"],
            endpoint_url=endpoint_url,
            profile=profile,
            timeout=_LONGEST_S,
        )
        self._name = f"lambda:{function}"
        self._function = function
        self._is_own = client is None
        self._client: Any = client or make_client("lambda", settings, self._name)

    def __repr__(self) -> str:
        return f"<LambdaHook {self._name}>"

    @property
    def name(self) -> str:
        """What logs call it."""
        return self._name

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Return the function's answer to one call.

        Args:
            payload: JSON in UTF-8, 6 MB at most.
            timeout: how long to wait, in seconds.

        Raises:
            HookFailed: the function or the service failed, or no answer came in time.
        """
        check_payload(self._name, payload)
        try:
            with deadlines.within(timeout):
                answer = self._client.invoke(
                    FunctionName=self._function,
                    InvocationType="RequestResponse",
                    Payload=payload,
                )
                content = answer["Payload"].read(MOST_BYTES + 1)
        except Exception as error:  # botocore raises anything at an answer of another form
            raise HookFailed(f"{self._name}: {_code_of(error)}") from error
        if answer.get("FunctionError"):
            raise HookFailed(f"{self._name}: the function failed ({_type_in(content)})")
        return check_answer(self._name, content)

    def close(self) -> None:
        """Close the connections of a client that was made here; idempotent."""
        if self._is_own:
            self._client.close()


def _code_of(error: Exception) -> str:
    response: Mapping[str, Any] = getattr(error, "response", {})
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    found = _TYPE.fullmatch(str(code or type(error).__name__))
    return found[0] if found else "Unknown"


def _type_in(content: bytes) -> str:
    try:
        answer = json.loads(content)
    except ValueError:
        return "Unknown"
    found = _TYPE.fullmatch(str(answer.get("errorType"))) if isinstance(answer, dict) else None
    return found[0] if found else "Unknown"
