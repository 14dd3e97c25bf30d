"""The rows are the agreed 34, each with an owner and at least one control; definitions agree with each other."""

from collections import Counter

from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.model import Owner

# How many rows each owner carries, as agreed; ids and titles stand in one place only, the file itself.
OWNERS = {Owner.CLOUD: 2, Owner.PLATFORM: 19, Owner.CUSTOMER: 6, Owner.THIRD_PARTY: 2, Owner.SHARED: 5}


def test_there_are_34_rows_with_unique_ids_and_titles(catalogue: Catalogue) -> None:
    rows = catalogue.responsibilities
    assert len(rows) == len({row.id for row in rows}) == len({row.title for row in rows}) == 34


def test_owner_classes_are_shared_out_as_agreed(catalogue: Catalogue) -> None:
    assert Counter(row.owner for row in catalogue.responsibilities) == OWNERS


def test_every_row_has_controls_in_plain_words_with_ids_of_their_own(catalogue: Catalogue) -> None:
    controls = [control for row in catalogue.responsibilities for control in row.controls]
    assert all(row.controls for row in catalogue.responsibilities)
    assert len({control.id for control in controls}) == len(controls)
    assert all(len(control.title) > 20 for control in controls)


def test_what_this_version_implements_has_a_check_in_its_row(catalogue: Catalogue) -> None:
    implemented = (
        "platform.transit platform.rest platform.os platform.network platform.infra_iam console.audit console.network "
        "console.tde service.iam"
    )
    assert all(catalogue.checks_of_row(row) for row in implemented.split())
    assert all(catalogue.checks_of_row(row.id) for row in catalogue.responsibilities)
    assert not catalogue.checks_of_row("no.such.row")
