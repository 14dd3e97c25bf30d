"""Every permission there is, by the names that the Cloud API and `clickhousectl` use; ours are marked.

A permission is about the organization, or about one service. Which of the two its name says. Some of the Cloud's guard
nothing here, because what they are about does not exist: billing, support cases, pipes, generative AI, snapshots and
PostgreSQL services. They can be granted all the same, so that roles that were written for the Cloud work unchanged.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Literal

Scope = Literal["organization", "service"]


class Permission(StrEnum):
    """One thing that a role may allow."""

    ORGANIZATION_VIEW = "control-plane:organization:view"
    ORGANIZATION_MANAGE = "control-plane:organization:manage"
    SERVICE_CREATE = "control-plane:organization:create-service"
    API_KEYS_VIEW = "control-plane:organization:view-api-keys"
    API_KEYS_CREATE = "control-plane:organization:create-api-keys"
    API_KEYS_UPDATE = "control-plane:organization:update-api-keys"
    API_KEYS_DELETE = "control-plane:organization:delete-api-keys"
    ACTIVITIES_VIEW = "control-plane:organization:view-activities"
    BILLING_VIEW = "control-plane:organization:view-billing"
    BILLING_MANAGE = "control-plane:organization:manage-billing"
    MEMBERS_MANAGE = "control-plane:organization:manage-members"  # ours: members and invitations
    ROLES_MANAGE = "control-plane:organization:manage-roles"  # ours
    SSO_MANAGE = "control-plane:organization:manage-sso"  # ours: identity providers, domains, SCIM
    REGIONS_MANAGE = "control-plane:organization:manage-regions"  # ours
    AUDIT_LOG_VIEW = "control-plane:organization:view-audit-log"  # ours: the Cloud has no permission for the log itself
    AUDIT_LOG_EXPORT = "control-plane:organization:export-audit-log"  # ours
    RESPONSIBILITIES_VIEW = "control-plane:organization:view-responsibilities"  # ours
    CHECKS_RUN = "control-plane:organization:run-checks"  # ours
    FINDINGS_MANAGE = "control-plane:organization:manage-findings"  # ours: status, due dates, asking for a disposition
    DISPOSITIONS_APPROVE = "control-plane:organization:approve-dispositions"  # ours
    RESPONSIBILITIES_MANAGE = "control-plane:organization:manage-responsibilities"  # ours: who is accountable, guidance
    DOCUMENTS_VIEW = "control-plane:organization:view-documents"  # ours
    DOCUMENTS_MANAGE = "control-plane:organization:manage-documents"  # ours
    EVIDENCE_EXPORT = "control-plane:organization:export-evidence"  # ours: the auditor's package
    NOTIFICATIONS_MANAGE = "control-plane:organization:manage-notifications"  # ours
    ADVISORIES_MANAGE = "control-plane:organization:manage-advisories"  # ours: for the whole installation
    SUPPORT_MANAGE = "control-plane:support:manage"
    SERVICE_VIEW = "control-plane:service:view"
    SERVICE_MANAGE = "control-plane:service:manage"
    SERVICE_DELETE = "control-plane:service:delete"
    IP_ACCESS_MANAGE = "control-plane:service:manage-ip-access-list"
    BACKUPS_VIEW = "control-plane:service:view-backups"
    BACKUPS_MANAGE = "control-plane:service:manage-backups"
    SNAPSHOTS_VIEW = "control-plane:service:view-snapshots"
    SNAPSHOTS_MANAGE = "control-plane:service:manage-snapshots"
    PRIVATE_ENDPOINTS_VIEW = "control-plane:service:view-private-endpoints"
    PRIVATE_ENDPOINTS_MANAGE = "control-plane:service:manage-private-endpoints"
    QUERY_ENDPOINTS_VIEW = "control-plane:service:view-query-api-endpoints"
    QUERY_ENDPOINTS_MANAGE = "control-plane:service:manage-query-api-endpoints"
    SCALING_VIEW = "control-plane:service:view-scaling-config"
    SCALING_MANAGE = "control-plane:service:manage-scaling-config"
    ENCRYPTION_KEYS_VIEW = "control-plane:service:view-encryption-keys"  # ours
    ENCRYPTION_KEYS_MANAGE = "control-plane:service:manage-encryption-keys"  # ours
    PIPES_MANAGE = "control-plane:service:manage-clickpipes"
    CLICKSTACK_MANAGE = "control-plane:service:manage-clickstack-api"
    GENERATIVE_AI_MANAGE = "control-plane:service:manage-generative-ai"
    POSTGRES_VIEW = "control-plane:postgres-service:view"
    POSTGRES_MANAGE = "control-plane:postgres-service:manage"
    DATABASE_ACCESS = "sql-console:database:access"

    @property
    def scope(self) -> Scope:
        """What it is about."""
        return (
            "organization" if self.startswith(("control-plane:organization:", "control-plane:support:")) else "service"
        )


INCLUDED: Mapping[Permission, frozenset[Permission]] = MappingProxyType(
    {
        Permission.ORGANIZATION_MANAGE: frozenset(
            {
                Permission.MEMBERS_MANAGE,
                Permission.ROLES_MANAGE,
                Permission.SSO_MANAGE,
                Permission.REGIONS_MANAGE,
            }
        ),
        Permission.SERVICE_MANAGE: frozenset({Permission.IP_ACCESS_MANAGE}),
    }
)
"""What the Cloud's wide permissions take in, so that roles written for it may do here what they may do there."""


def widened(permissions: Iterable[Permission]) -> frozenset[Permission]:
    """These permissions with all that they include."""
    given = frozenset(permissions)
    return given.union(chain.from_iterable(INCLUDED.get(one, ()) for one in given))
