"""`ApiError`: the one way in which code of the engine says no.

A refusal carries the service's exception name and a text that never holds data of the caller:
a place such as `$.Item[3].Address` says where the problem is. HTTP statuses do not belong
here; they come from the service model (wire/routes.py).
"""

from __future__ import annotations

__all__ = [
    "ApiError",
    "bad_request",
    "conflict",
    "forbidden",
    "internal_error",
    "method_not_allowed",
    "not_found",
    "not_implemented",
    "too_large",
    "unavailable",
]


class ApiError(Exception):
    """The request, or one item of it, is refused.

    Attributes:
        code: the exception name, for example `BadRequestException`.
        text: what is wrong, without any data.
        path: where, relative to what was parsed (".Attributes.plan[0]", "" is the whole), or
            None when the text alone says it.
        retry_after_s: seconds after which the request may be repeated, None where that is not
            known.
        is_permanent: True when the answer says so that repeating the request is of no use, which
            nobody could tell by a 500.
    """

    def __init__(
        self,
        code: str,
        text: str,
        path: str | None = None,
        *,
        is_permanent: bool = False,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code, text, path)
        self.retry_after_s = retry_after_s
        self.code = code
        self.text = text
        self.path = path
        self.is_permanent = is_permanent

    @property
    def message(self) -> str:
        """The text, with its place when there is one."""
        return self.text if self.path is None else f"{self.text} @ ${self.path}"

    def under(self, prefix: str) -> ApiError:
        """Return the same refusal, placed below `prefix`."""
        path = prefix + (self.path or "")
        return ApiError(self.code, self.text, path, is_permanent=self.is_permanent)


def bad_request(text: str, path: str | None = None) -> ApiError:
    """400: the content is refused."""
    return ApiError("BadRequestException", text, path)


def forbidden(text: str, path: str | None = None) -> ApiError:
    """403: this may be asked for, but not here or not by this caller."""
    return ApiError("ForbiddenException", text, path)


def not_found(text: str) -> ApiError:
    """404: there is no such application, endpoint, user or path."""
    return ApiError("NotFoundException", text)


def method_not_allowed(text: str) -> ApiError:
    """405: the path exists, but not with this method."""
    return ApiError("MethodNotAllowedException", text)


def conflict(text: str) -> ApiError:
    """409: what is there already does not allow it."""
    return ApiError("ConflictException", text)


def too_large(text: str) -> ApiError:
    """413: the body is over a limit."""
    return ApiError("PayloadTooLargeException", text)


def internal_error(text: str, *, is_permanent: bool = False) -> ApiError:
    """500: the engine or its database failed; unless permanent, the request may succeed later."""
    return ApiError("InternalServerErrorException", text, is_permanent=is_permanent)


def unavailable(
    text: str, *, retry_after_s: int | None = None, is_permanent: bool = False
) -> ApiError:
    """503: not now; or, when permanent, not at all for this request."""
    return ApiError(
        "ServiceUnavailableException",
        text,
        is_permanent=is_permanent,
        retry_after_s=retry_after_s,
    )


def not_implemented(text: str) -> ApiError:
    """501: the operation is real, but not emulated; no repetition changes that."""
    return ApiError("NotImplementedException", text, is_permanent=True)
