import pytest

from stronghouse.worker.statuses import content_type_of, status_of


@pytest.mark.parametrize(("code", "status"), [(516, 403), (497, 403), (62, 400), (60, 404), (159, 408), (241, 500)])
def test_statuses(code: int, status: int) -> None:
    assert status_of(code) == status


def test_content_types() -> None:
    assert content_type_of("JSONEachRow").startswith("application/x-ndjson")
    assert content_type_of("JSONCompact").startswith("application/json")
    assert content_type_of("TabSeparatedRaw").startswith("text/tab-separated-values")
    assert content_type_of("RowBinaryWithNames") == "application/octet-stream"
    assert content_type_of("Pretty").startswith("text/plain")
