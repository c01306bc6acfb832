"""IAM documents for Pinpoint: policies, trust, roles, and a check of what one has.

Values only: nothing here talks to AWS. Only imports belong here.
"""

from __future__ import annotations

from pinpoint_kit.iam.actions import ACTIONS, Action
from pinpoint_kit.iam.checking import Finding, check_policy
from pinpoint_kit.iam.documents import Place, policy_for, trust_policy
from pinpoint_kit.iam.named import POLICIES, ROLES, RoleDocuments, cognito_role, named_policy, role

__all__ = [
    "ACTIONS",
    "POLICIES",
    "ROLES",
    "Action",
    "Finding",
    "Place",
    "RoleDocuments",
    "check_policy",
    "cognito_role",
    "named_policy",
    "policy_for",
    "role",
    "trust_policy",
]
