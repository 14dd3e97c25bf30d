from pathlib import Path

import pytest

from stronghouse.engine.configuration import Layout
from stronghouse.engine.data_key import check_data_key
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.files import private_directory

KEY = bytes(range(32))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    private_directory(made.configuration)
    return made


def test_the_first_key_is_the_only_one(layout: Layout) -> None:
    check_data_key(layout, KEY)
    check_data_key(layout, KEY)
    with pytest.raises(Conflict) as refused:
        check_data_key(layout, bytes(32))
    assert refused.value.code == "data_key_wrong"
    assert KEY.hex() not in (layout.configuration / "key-check.json").read_text()


@pytest.mark.parametrize("key", [b"", KEY[:16], KEY + b"x"])
def test_a_key_of_another_length_is_none(layout: Layout, key: bytes) -> None:
    with pytest.raises(Invalid):
        check_data_key(layout, key)
    assert list(layout.configuration.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "{}", '{"version": 2, "hmac_sha256": ""}', '{"version": 1, "hmac_sha256": "x"}']
)
def test_a_damaged_check_value_fails_closed(layout: Layout, content: str) -> None:
    (layout.configuration / "key-check.json").write_text(content)
    with pytest.raises(Conflict):
        check_data_key(layout, KEY)


def test_data_without_a_check_value_are_not_adopted(layout: Layout) -> None:
    (private_directory(layout.disk) / "data").mkdir()
    with pytest.raises(Conflict) as refused:
        check_data_key(layout, KEY)
    assert refused.value.code == "data_key_unknown"
