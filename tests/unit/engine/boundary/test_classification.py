import pytest

from stronghouse.engine.boundary.classification import Table, Verdict, by_lower_case, classified, reasons


@pytest.mark.parametrize("table", list(Table))
def test_a_table_is_sorted_or_kept_by_hand_and_has_every_reason(table: Table) -> None:
    entries = classified(table)
    assert entries
    for entry in entries.values():
        if entry.verdict in {Verdict.REFUSE, Verdict.ADMIN, Verdict.FIXED}:
            assert entry.because.strip(), entry
        else:
            assert entry.reason == "-" or entry.reason in reasons()


def test_no_reason_is_without_use() -> None:
    used = {entry.reason for table in Table for entry in classified(table).values()}
    assert set(reasons()) - used == {"unreviewed"}


def test_where_names_differ_in_case_only_the_stricter_verdict_stands() -> None:
    for table in Table:
        for entry in classified(table).values():
            if entry.verdict is not Verdict.ALLOW:
                assert by_lower_case(table)[entry.name.lower()].verdict is not Verdict.ALLOW
