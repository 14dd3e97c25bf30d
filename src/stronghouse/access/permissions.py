"""Every permission there is, by the names that the Cloud API and `clickhousectl` use; ours are marked."""

from enum import StrEnum


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
    AUDIT_LOG_VIEW = "control-plane:organization:view-audit-log"  # ours: the Cloud has no permission for the log itself
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
    SERVICE_VIEW = "control-plane:service:view"
    SERVICE_MANAGE = "control-plane:service:manage"
    SERVICE_DELETE = "control-plane:service:delete"
