"""Answers against the Cloud API's own schemas (their structure; `cloud_schemas.json` says nothing else of them)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stronghouse.access import people
from stronghouse.access.roles.system import ADMIN, BILLING, DEVELOPER
from stronghouse.services.model import ServiceState
from stronghouse.services.reports import Report, take_reports
from tests.support.control_plane import CONTEXT, Plane

DOCUMENT = json.loads((Path(__file__).parent / "cloud_schemas.json").read_text())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}

NEVER_ANSWERED = {
    "instancePrivateEndpointCreate",
    *("backupGet", "backupBucketGet", "backupBucketCreate", "backupBucketUpdate", "backupBucketDelete"),
    *("upgradeWindowGet", "upgradeWindowUpdate", "upgradeWindowDelete"),
}
"""What this version does not have: each of these ends with an error that says so (test_not_there.py)."""


class Cloud:
    """Calls operations by their Cloud name and checks each answer."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.organization_id = plane.organization()
        self.auth = plane.admin(self.organization_id)
        self.called: set[str] = set()

    def __call__(self, operation: str, body: object = None, *, query: dict[str, str] | None = None, **ids: str) -> Any:
        method, template, described = OPERATIONS[operation]
        path = template.format(organizationId=self.organization_id, **ids).removeprefix("/v1")
        options: dict[str, Any] = {} if body is None else {"json": body}
        answer = self.plane.call(method.upper(), path, self.auth, params=query, **options)
        assert answer.status_code == 200, answer.text
        answered = described["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {**answered, "components": DOCUMENT["components"]}
        jsonschema.validate(answer.json(), schema, format_checker=jsonschema.FormatChecker())
        self.called.add(operation)
        return answer.json().get("result")


@pytest.fixture
def cloud(plane: Plane) -> Cloud:
    return Cloud(plane)


def report(cloud: Cloud, service_id: str, state: str) -> None:
    """What the region would say after it did what was wanted."""
    with cloud.plane.control.audit.unit_of_work(CONTEXT) as uow:
        take_reports(
            uow, region_id="local", reports=[Report(service_id, state, version=10_000, engine_version="26.9.2.1")]
        )


def test_every_operation_in_scope_answers_as_the_schema_says(cloud: Cloud) -> None:
    cloud("organizationGetList")
    cloud("organizationUpdate", {"name": "Renamed"})
    assert cloud("organizationGet")["name"] == "Renamed"
    keys(cloud)
    members(cloud)
    invitations(cloud)
    services(cloud)
    organization_wide(cloud)
    activities = cloud("activityGetList")
    cloud("activityGet", activityId=activities[0]["id"])
    assert cloud.called == set(OPERATIONS) - NEVER_ANSWERED
    kinds = {activity["type"] for activity in activities}
    assert kinds >= {
        "create_organization",
        "organization_update_name",
        "key_create",
        "openapi_key_update",
        "key_delete",
        "organization_invite_create",
        "organization_invite_delete",
    }
    assert kinds >= {"service_create", "service_running", "service_update_name", "service_update_ip_access_list"}
    assert kinds >= {"service_stop", "service_start", "service_update_password", "service_delete"}


def keys(cloud: Cloud) -> None:
    new = cloud(
        "openapiKeyCreate", {"name": "ci", "assignedRoleIds": [ADMIN.id], "ipAccessList": [], "state": "enabled"}
    )
    key_id = new["key"]["id"]
    assert new["key"]["assignedRoles"] == [{"roleId": ADMIN.id, "roleName": "Admin", "roleType": "system"}]
    assert new["keyId"].endswith(new["key"]["keySuffix"])
    changed = cloud("openapiKeyUpdate", {"name": "build", "state": "disabled"}, keyId=key_id)
    assert (changed["name"], changed["state"], changed["keySuffix"]) == ("build", "disabled", new["key"]["keySuffix"])
    assert cloud("openapiKeyGet", keyId=key_id) == changed
    assert [key["id"] for key in cloud("openapiKeyGetList")].count(key_id) == 1
    cloud("openapiKeyDelete", keyId=key_id)


def members(cloud: Cloud) -> None:
    with cloud.plane.control.audit.unit_of_work(CONTEXT) as uow:
        ada = people.create_member(
            uow,
            organization_id=cloud.organization_id,
            email="ada@example.com",
            name="Ada",
            role_ids=(BILLING.id,),
            now=cloud.plane.clock.now(),
        )
    (listed,) = cloud("memberGetList")
    assert (listed["userId"], listed["email"]) == (ada.id, "ada@example.com")
    assert cloud("memberGet", userId=ada.id) == listed
    roles(cloud, ada.id)
    assert cloud("memberUpdate", {"assignedRoleIds": [DEVELOPER.id]}, userId=ada.id)["assignedRoles"] == [
        {"roleId": DEVELOPER.id, "roleName": "Developer", "roleType": "system"}
    ]
    cloud("memberDelete", userId=ada.id)
    assert cloud("memberGetList") == []


def invitations(cloud: Cloud) -> None:
    made = cloud("invitationCreate", {"email": "New.User@Example.com", "assignedRoleIds": [DEVELOPER.id]})
    assert (made["email"], made["assignedRoles"][0]["roleName"]) == ("new.user@example.com", "Developer")
    assert made["expireAt"] > made["createdAt"]
    assert cloud("invitationGetList") == [made]
    assert cloud("invitationGet", invitationId=made["id"]) == made
    cloud("invitationDelete", invitationId=made["id"])
    assert cloud("invitationGetList") == []


def roles(cloud: Cloud, user_id: str) -> None:
    tags = {"grants": ["sales"], "roleV2": "sql-console-readonly"}
    policies: list[dict[str, object]] = [
        {
            "allowDeny": "ALLOW",
            "permissions": ["sql-console:database:access"],
            "resources": ["instance/*"],
            "tags": tags,
        },
        {"allowDeny": "DENY", "permissions": ["control-plane:service:delete"], "resources": ["instance/*"]},
    ]
    made = cloud("organizationRolePost", {"name": "Analysts", "policies": policies, "actors": [f"user/{user_id}"]})
    assert [one["allowDeny"] for one in made["policies"]] == ["ALLOW", "DENY"]
    assert made["policies"][0]["tags"] == tags
    changed = cloud("organizationRolePatch", {"name": "Readers", "actors": []}, roleId=made["id"])
    assert (changed["name"], changed["actors"]) == ("Readers", [])
    assert cloud("organizationRoleGet", roleId=made["id"]) == changed
    assert changed in cloud("organizationRolesGetList")
    cloud("organizationRoleDelete", roleId=made["id"])


def organization_wide(cloud: Cloud) -> None:
    quotas = cloud("organizationQuotasGetList")
    assert cloud("organizationQuotaGet", quotaCode="services-per-organization") in quotas
    usage = cloud("usageCostGet", query={"from_date": "2026-11-01", "to_date": "2026-11-30"})
    assert usage == {"grandTotalCHC": 0, "costs": []}


def services(cloud: Cloud) -> None:
    created = cloud(
        "instanceCreate", {"name": "events", "provider": "aws", "region": "us-east-1", "idleTimeoutMinutes": 5.0}
    )
    service_id = created["service"]["id"]
    assert created["service"]["state"] == "provisioning"
    assert created["service"]["ipAccessList"] == []
    assert created["password"]
    report(cloud, service_id, "running")
    patch = {"name": "clicks", "ipAccessList": {"add": [{"source": "192.0.2.0/24", "description": "office"}]}}
    changed = cloud("instanceUpdate", patch, serviceId=service_id)
    assert (changed["name"], changed["state"]) == ("clicks", "running")
    assert cloud("instanceGet", serviceId=service_id) == changed
    assert cloud("instanceGetList") == [changed]
    query_endpoint(cloud, service_id)
    assert cloud("instancePasswordUpdate", {}, serviceId=service_id)["password"] != created["password"]
    assert cloud("instanceStateUpdate", {"command": "stop"}, serviceId=service_id)["state"] == "stopping"
    report(cloud, service_id, "stopped")
    assert cloud("instanceStateUpdate", {"command": "start"}, serviceId=service_id)["state"] == "starting"
    scaling(cloud, service_id)
    settings(cloud, service_id)
    what_is_not_there(cloud, service_id)
    cloud("instanceStateUpdate", {"command": "stop"}, serviceId=service_id)
    report(cloud, service_id, "stopped")
    cloud("instanceDelete", serviceId=service_id)
    assert cloud("instanceGet", serviceId=service_id)["state"] == ServiceState.TERMINATING
    report(cloud, service_id, "deleted")
    gone = cloud.plane.call("GET", f"/organizations/{cloud.organization_id}/services/{service_id}", cloud.auth)
    assert gone.status_code == 404


def scaling(cloud: Cloud, service_id: str) -> None:
    body = {"idleScaling": False, "maxReplicaMemoryGb": 16.0, "minReplicaMemoryGb": 16.0, "numReplicas": 1}
    assert cloud("instanceReplicaScalingUpdate", body, serviceId=service_id)["maxReplicaMemoryGb"] == 16
    scaled = cloud("instanceScalingUpdate", {"minTotalMemoryGb": 24, "maxTotalMemoryGb": 24}, serviceId=service_id)
    assert scaled["minReplicaMemoryGb"] == 8
    entries = [{"name": "nights", "weekdays": [0, 6], "startHourUtc": 22, "endHourUtc": 4, "maxReplicaMemoryGb": 12}]
    made = cloud("scalingScheduleUpsert", {"entries": entries}, serviceId=service_id)
    assert cloud("scalingScheduleGet", serviceId=service_id) == made
    assert cloud("instanceGet", serviceId=service_id)["scalingSchedule"] == made
    assert whole_numbers(made)
    cloud("scalingScheduleDelete", serviceId=service_id)


def settings(cloud: Cloud, service_id: str) -> None:
    cloud.plane.jobs.answers["check_settings"] = None
    as_text = cloud("serviceClickhouseSettingsUpdate", {"settings": '{"max_threads": 4}'}, serviceId=service_id)
    assert json.loads(as_text["settings"]) == {"max_threads": "4"}
    listed = cloud("serviceClickhouseSettingsListGet", serviceId=service_id)["settings"]
    assert listed == [{"name": "max_threads", "value": "4"}]
    one = cloud("serviceClickhouseSettingGet", serviceId=service_id, settingName="max_threads")
    assert one == listed[0]
    cloud("serviceClickhouseSettingDelete", serviceId=service_id, settingName="max_threads")
    schema = cloud("serviceClickhouseSettingsSchemaGet", serviceId=service_id)["settings"]
    assert {entry["name"]: entry["type"] for entry in schema}["max_block_size"] == "NonZeroUInt64"


def what_is_not_there(cloud: Cloud, service_id: str) -> None:
    """What clients read before they do anything else has to be answered, also where there is nothing."""
    assert cloud("backupGetList", serviceId=service_id) == []
    assert cloud("backupConfigurationGet", serviceId=service_id) == {}
    nothing = {"backupPeriodInHours": None, "backupRetentionPeriodInHours": None, "backupStartTime": None}
    assert cloud("backupConfigurationUpdate", nothing, serviceId=service_id) == {}
    config = cloud("instancePrivateEndpointConfigGet", serviceId=service_id)
    assert all(config[name] for name in ("endpointServiceId", "privateDnsHostname"))
    query = {"cloud_provider": "aws", "region_id": "us-east-1"}
    assert cloud("organizationPrivateEndpointConfigGetList", query=query)["endpointServiceId"]


def query_endpoint(cloud: Cloud, service_id: str) -> None:
    (key,) = cloud("openapiKeyGetList")
    wanted = {"roles": ["sql_console_read_only"], "openApiKeys": [key["id"]], "allowedOrigins": "*"}
    made = cloud("instanceQueryEndpointUpsert", wanted, serviceId=service_id)
    assert {name: made[name] for name in wanted} == wanted
    assert cloud("instanceQueryEndpointGet", serviceId=service_id) == made
    cloud("instanceQueryEndpointDelete", serviceId=service_id)


def whole_numbers(value: object) -> bool:
    match value:
        case dict():
            return all(whole_numbers(item) for item in value.values())
        case list():
            return all(whole_numbers(item) for item in value)
    return not isinstance(value, float)


def test_numbers_are_integers_even_when_the_client_sent_floats(cloud: Cloud) -> None:
    request = {
        "name": "a",
        "idleTimeoutMinutes": 10.0,
        "minReplicaMemoryGb": 8.0,
        "maxReplicaMemoryGb": 8.0,
        "numReplicas": 1,
    }
    assert whole_numbers(cloud("instanceCreate", request))


def test_whoami_is_what_clickhousectl_needs(cloud: Cloud) -> None:
    who = cloud.plane.call("GET", "/whoami", cloud.auth).json()["result"]
    (key,) = cloud("openapiKeyGetList")
    assert who == {"actorType": "apiKey", "keyId": key["id"], "name": "test", "organizationId": cloud.organization_id}


def test_keys_come_in_pages_with_a_cursor_beside_the_result(cloud: Cloud) -> None:
    for number in range(4):
        cloud("openapiKeyCreate", {"name": f"key {number}"})
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        answer = cloud.plane.call(
            "GET",
            f"/organizations/{cloud.organization_id}/keys",
            cloud.auth,
            params={"limit": 2, **({"cursor": cursor} if cursor else {})},
        ).json()
        seen += [key["id"] for key in answer["result"]]
        cursor, pages = answer.get("nextCursor"), pages + 1
    assert (len(seen), len(set(seen)), pages) == (5, 5, 3)


def test_an_ip_list_patch_removes_first_keeps_order_and_matches_by_source(cloud: Cloud) -> None:
    entries = [{"source": source, "description": ""} for source in ("192.0.2.1", "192.0.2.2", "2001:db8::/32")]
    service_id = cloud("instanceCreate", {"name": "a", "ipAccessList": entries})["service"]["id"]
    patch = {
        "remove": [*entries, {"source": "198.51.100.9"}],
        "add": [*entries[1:], {"source": "192.0.2.9", "description": "new"}],
    }
    changed = cloud("instanceUpdate", {"ipAccessList": patch}, serviceId=service_id)
    assert [entry["source"] for entry in changed["ipAccessList"]] == ["192.0.2.2", "2001:db8::/32", "192.0.2.9"]
    without = cloud("instanceUpdate", {"ipAccessList": {"remove": [{"source": "192.0.2.9"}]}}, serviceId=service_id)
    assert len(without["ipAccessList"]) == 2


def test_a_running_service_is_not_deleted_and_the_text_is_the_one_clients_match(cloud: Cloud) -> None:
    service_id = cloud("instanceCreate", {"name": "a"})["service"]["id"]
    report(cloud, service_id, "running")
    answer = cloud.plane.call("DELETE", f"/organizations/{cloud.organization_id}/services/{service_id}", cloud.auth)
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("CONFLICT:")
    assert "Current state: 'running'" in answer.json()["error"]


def test_a_late_report_does_not_undo_a_newer_act(cloud: Cloud) -> None:
    service_id = cloud("instanceCreate", {"name": "a"})["service"]["id"]
    cloud("instanceStateUpdate", {"command": "stop"}, serviceId=service_id)
    with cloud.plane.control.audit.unit_of_work(CONTEXT) as uow:
        take_reports(uow, region_id="local", reports=[Report(service_id, "running", version=1)])
    assert cloud("instanceGet", serviceId=service_id)["state"] == "stopping"


@pytest.mark.parametrize(
    "extra",
    [
        {"numReplicas": 3},
        {"tags": [{"key": "team"}]},
        {"isReadonly": True},
        {"dataWarehouseId": "x"},
        {"endpoints": [{"protocol": "mysql", "enabled": True}]},
        {"releaseChannel": "fast"},
        {"enableCoreDumps": True},
        {"region": "mars"},
        {"provider": "gcp", "region": "us-east-1"},
        {"minReplicaMemoryGb": 9},
        {"idleTimeoutMinutes": 1},
        {"ipAccessList": [{"source": "everyone"}]},
        {"name": "x" * 51},
        {"name": ""},
    ],
)
def test_what_cannot_be_brought_about_is_refused_and_nothing_is_created(cloud: Cloud, extra: dict[str, object]) -> None:
    body = {"name": "a", **extra}
    answer = cloud.plane.call("POST", f"/organizations/{cloud.organization_id}/services", cloud.auth, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith("BAD_REQUEST: ")
    assert cloud("instanceGetList") == []
    assert cloud.plane.jobs.notified == []


def test_unknown_fields_are_ignored(cloud: Cloud) -> None:
    assert cloud("instanceCreate", {"name": "a", "somethingNew": {"x": 1}})["service"]["name"] == "a"


def test_activities_take_bare_dates_and_times_and_come_newest_first(cloud: Cloud) -> None:
    cloud.plane.clock.advance(timedelta(days=1))
    cloud("openapiKeyCreate", {"name": "later"})
    everything = cloud("activityGetList")
    assert [item["createdAt"] for item in everything] == sorted(
        (item["createdAt"] for item in everything), reverse=True
    )
    assert {item["createdAt"][:10] for item in cloud("activityGetList", query={"to_date": "2026-11-23"})} == {
        "2026-11-23"
    }
    assert {
        item["createdAt"][:10] for item in cloud("activityGetList", query={"from_date": "2026-11-24T00:00:00Z"})
    } == {"2026-11-24"}
    bad = cloud.plane.call(
        "GET", f"/organizations/{cloud.organization_id}/activities", cloud.auth, params={"from_date": "soon"}
    )
    assert bad.status_code == 400
