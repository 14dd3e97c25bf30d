"""What a new installation is given: an organization, its administrator, an API key and a region, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from stronghouse.access import api_keys, people
from stronghouse.access.api_keys import KeyRequest
from stronghouse.access.model import Source
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import actions as organizations
from stronghouse.organizations import store
from stronghouse.regions import actions as regions

LOCAL_REGION = "local"
STANDS_FOR = ("aws", "us-east-1")  # what clickhousectl asks for when it is told nothing
ORGANIZATION_NAME = "Stronghouse demo"
ADMIN_EMAIL = "admin@stronghouse.localhost"
LOOPBACK = (Source("127.0.0.0/8", "this machine"), Source("::1/128", "this machine"))


@dataclass(frozen=True)
class FirstSecrets:
    """Credentials that exist outside the database only in this object."""

    organization_id: str
    api_key_id: Secret
    api_key_secret: Secret
    sign_in_token: Secret


def set_up(audit: AuditLog, *, now: datetime) -> FirstSecrets | None:
    """Set up an empty installation; None when it was set up before."""
    with audit.unit_of_work(Context(SYSTEM)) as uow:
        if store.first_id(uow.connection) is not None:
            return None
        organization = organizations.create_organization(uow, name=ORGANIZATION_NAME, now=now)
        provider, region = STANDS_FOR
        regions.create_region(uow, region_id=LOCAL_REGION, cloud_provider=provider, cloud_region=region, now=now)
        people.create_member(
            uow, organization_id=organization.id, email=ADMIN_EMAIL, name="Administrator", role_ids=(ADMIN.id,), now=now
        )
        token = people.issue_sign_in_link(uow, email=ADMIN_EMAIL, now=now)
        request = KeyRequest(name="first start", role_ids=(ADMIN.id,), ip_access=LOOPBACK)
        new = api_keys.create_key(uow, request, organization_id=organization.id, creator=None, now=now)
    if new.key_id is None or new.key_secret is None:
        raise RuntimeError("a key without given hashes has an id and a secret")
    return FirstSecrets(organization.id, new.key_id, new.key_secret, token)
