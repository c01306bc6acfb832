"""In which Regions a Pinpoint project could serve a user pool: the documents' table.

Source: Amazon Cognito Developer Guide, "Using Amazon Pinpoint analytics with Amazon Cognito user
pools", Region mappings; AWS General Reference, "Amazon Pinpoint endpoints and quotas".
"""

from __future__ import annotations

import attrs

__all__ = ["RegionCheck", "check_regions"]

_HUB = "us-east-1"
#: Pool Region -> Regions that its project may be in.
_MAP: dict[str, tuple[str, ...]] = {
    "ap-northeast-1": (_HUB,),
    "ap-northeast-2": (_HUB,),
    "ap-south-1": (_HUB, "ap-south-1"),
    "ap-southeast-1": (_HUB,),
    "ap-southeast-2": (_HUB, "ap-southeast-2"),
    "ca-central-1": (_HUB,),
    "eu-central-1": (_HUB, "eu-central-1"),
    "eu-west-1": (_HUB, "eu-west-1"),
    "eu-west-2": (_HUB,),
    "us-east-1": (_HUB,),
    "us-east-2": (_HUB,),
    "us-west-2": (_HUB, "us-west-2"),
}
#: Where user pools exist, and analytics for them never did.
_WITHOUT = {
    "af-south-1": "Africa (Cape Town)",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-southeast-3": "Asia Pacific (Jakarta)",
    "eu-south-1": "Europe (Milan)",
    "il-central-1": "Israel (Tel Aviv)",
    "me-south-1": "Middle East (Bahrain)",
}
#: Where Pinpoint existed.
_PINPOINT = frozenset(_MAP) | {"us-gov-west-1"}


@attrs.frozen
class RegionCheck:
    """Whether Cognito could send a pool's analytics to a project.

    Args:
        is_allowed: whether it could.
        message: one sentence that says so, or why not and what to do.
        project_regions: the Regions that the project may be in; none where there is no way.
    """

    is_allowed: bool
    message: str
    project_regions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.is_allowed


def check_regions(
    pool_region: str, project_region: str, *, by_application_arn: bool = False
) -> RegionCheck:
    """Check that Cognito's built-in integration was possible between two Regions.

    It concerns the built-in integration only: `with_analytics` and `trigger_handler` work with
    every pool.

    Args:
        pool_region: the Region of the user pool, for example `eu-west-2`.
        project_region: the Region of the Pinpoint project.
        by_application_arn: whether the app client names its project by `ApplicationArn`, which
            has to be in the pool's own Region.

    Returns:
        The answer, which is true when it was possible.

    Examples:
        >>> check_regions("eu-west-2", "eu-west-2").message
        'A user pool in eu-west-2 needs its project in us-east-1, and not in eu-west-2.'
    """
    pool, project = pool_region.strip().lower(), project_region.strip().lower()
    if pool in _WITHOUT:
        return RegionCheck(
            is_allowed=False,
            message=f"User pools in {_WITHOUT[pool]}, {pool}, have no Pinpoint analytics: use"
            " cognito.with_analytics instead.",
        )
    if pool not in _PINPOINT:
        return RegionCheck(
            is_allowed=False,
            message=f"Pinpoint was not available in {pool}, and its user pools cannot use another"
            " Region: use cognito.with_analytics instead.",
        )
    allowed = _MAP.get(pool, (pool,))
    if by_application_arn:
        allowed = tuple(region for region in allowed if region == pool)
        if not allowed:
            return RegionCheck(
                is_allowed=False,
                message=f"ApplicationArn works only within a Region, and a user pool in {pool}"
                f" needs its project in {_HUB}: give ApplicationId.",
            )
    if project in allowed:
        message = f"A user pool in {pool} can use a project in {project}."
        return RegionCheck(is_allowed=True, message=message, project_regions=allowed)
    message = (
        f"A user pool in {pool} needs its project in {' or '.join(allowed)}, and not in {project}."
    )
    return RegionCheck(is_allowed=False, message=message, project_regions=allowed)
