"""Regions: their names, what create requests may call them, and the one version of their desired state."""

import pytest

from stronghouse.audit.unit_of_work import UnauditedChange
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.regions import actions, events
from tests.unit.regions.conftest import CONTEXT, REGION, Ground


def test_every_change_raises_the_one_version_of_a_region(ground: Ground) -> None:
    with ground.audit.unit_of_work(CONTEXT) as uow:
        versions = [
            actions.publish(uow, region_id=REGION, kind="service", resource_id="a", document={"x": 1}),
            actions.publish(uow, region_id=REGION, kind="service", resource_id="b", document={"x": 2}),
            actions.publish(uow, region_id=REGION, kind="service", resource_id="a", document={"x": 3}),
            actions.publish(uow, region_id=REGION, kind="service", resource_id="b", document=None),
        ]
        uow.record(events.RegionCreated(organization_id=None, region_id="stands for any event", stands_for=None))
    assert versions == [1, 2, 3, 4]
    with ground.audit.database.read() as connection:
        state = actions.desired_state(connection, REGION)
    assert state.version == 4
    assert [(wanted.id, wanted.version, wanted.document) for wanted in state.documents] == [("a", 3, {"x": 3})]


def test_publishing_counts_as_a_change_that_needs_an_event(ground: Ground) -> None:
    with pytest.raises(UnauditedChange), ground.audit.unit_of_work(CONTEXT) as uow:
        actions.publish(uow, region_id=REGION, kind="service", resource_id="a", document={})
    with ground.audit.database.read() as connection:
        assert actions.desired_state(connection, REGION).version == 0


def test_publishing_to_no_region_is_refused(ground: Ground) -> None:
    with pytest.raises(NotFound), ground.audit.unit_of_work(CONTEXT) as uow:
        actions.publish(uow, region_id="elsewhere", kind="service", resource_id="a", document={})


@pytest.mark.parametrize(
    ("provider", "region"), [(None, None), (None, "local"), ("aws", "local"), ("aws", "us-east-1"), (None, "us-east-1")]
)
def test_a_region_is_found_by_its_name_and_by_what_it_stands_for(
    ground: Ground, provider: str | None, region: str | None
) -> None:
    with ground.audit.database.read() as connection:
        assert actions.resolve_region(connection, provider=provider, region=region).id == REGION


@pytest.mark.parametrize(("provider", "region"), [("gcp", "us-east-1"), ("aws", "eu-west-1"), ("aws", "")])
def test_any_other_region_is_refused_with_a_list_of_what_there_is(
    ground: Ground, provider: str | None, region: str
) -> None:
    with (
        ground.audit.database.read() as connection,
        pytest.raises(Invalid, match=r"local \(for aws/us-east-1\)"),
    ):
        actions.resolve_region(connection, provider=provider, region=region)


def test_with_several_regions_a_request_must_name_one(ground: Ground) -> None:
    with ground.audit.unit_of_work(CONTEXT) as uow:
        actions.create_region(uow, region_id="second", now=ground.clock.now())
    with ground.audit.database.read() as connection, pytest.raises(Invalid, match="second"):
        actions.resolve_region(connection, provider=None, region=None)


@pytest.mark.parametrize("name", ["", "Local", "a" * 33, "a.b", "a/b", "a b", "é", "-a"])
def test_a_regions_name_is_a_dns_label(ground: Ground, name: str) -> None:
    with pytest.raises(Invalid), ground.audit.unit_of_work(CONTEXT) as uow:
        actions.create_region(uow, region_id=name, now=ground.clock.now())


def test_two_regions_cannot_stand_for_the_same_cloud_region(ground: Ground) -> None:
    with pytest.raises(Conflict), ground.audit.unit_of_work(CONTEXT) as uow:
        actions.create_region(
            uow, region_id="other", cloud_provider="aws", cloud_region="us-east-1", now=ground.clock.now()
        )
