import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from stronghouse.engine.configuration import KEY_VARIABLE, Layout, Node, base_profile, render, write_configuration
from stronghouse.engine.settings import FIXED
from stronghouse.kernel.errors import Invalid

USERS: Node = ("clickhouse", (("profiles", (base_profile("default"),)),))


def read(path: Path) -> ET.Element:
    return ET.fromstring(path.read_text())  # noqa: S314 - our own file


def test_every_storage_policy_is_encrypted_and_the_key_comes_from_the_environment(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_configuration(layout, memory_limit_bytes=1 << 30, users=USERS)
    engine = read(layout.engine_file)
    policies = engine.find("storage_configuration/policies")
    assert policies is not None
    assert {policy.tag for policy in policies} == {"main", "default"}
    assert [disk.text for disk in policies.iter("disk")] == ["encrypted", "encrypted"]
    disks = engine.find("storage_configuration/disks")
    assert disks is not None
    assert [disk.tag for disk in disks] == ["local", "encrypted"], "the wrapped disk comes first"
    key = disks.find("encrypted/key_hex")
    assert key is not None
    assert (key.attrib, key.text) == ({"id": "1", "from_env": KEY_VARIABLE}, None)
    assert disks.findtext("encrypted/algorithm") == "AES_256_CTR"
    logs = [element for element in engine if element.tag.endswith("_log")]
    assert [(log.tag, log.findtext("engine")) for log in logs] == [("query_log", "ENGINE = Null")], "it keeps nothing"


def test_fixed_settings_have_a_value_and_a_constraint(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_configuration(layout, memory_limit_bytes=1 << 30, users=USERS)
    profile = read(layout.users_file).find("profiles/default")
    assert profile is not None
    for name, value in FIXED.items():
        assert (profile.findtext(name) or "") == value
        assert profile.find(f"constraints/{name}/const") is not None
    assert layout.users_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a?b", "a&b", "a%20b", "a#b", "a<b", "a\nb"])
def test_a_path_that_would_mean_something_in_an_address_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        write_configuration(Layout(tmp_path / name), memory_limit_bytes=1, users=USERS)


def test_text_and_names_that_the_engine_would_misread_are_refused() -> None:
    assert b"<a>&lt;&amp;</a>" in render(("a", "<&"))
    for tree in (("a b", ""), ("a.b", ""), ("include", ""), ("1", ""), ("a", "\x00"), ("a", "\n"), ("", "")):
        with pytest.raises(ValueError, match=r"is no element|cannot hold"):
            render(tree)


def test_only_the_key_comes_from_the_environment(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_configuration(layout, memory_limit_bytes=1 << 30, users=("clickhouse", (("key_hex", "text"),)))
    assert read(layout.users_file)[0].attrib == {}
    having = [element.tag for element in read(layout.engine_file).iter() if element.attrib]
    assert having == ["key_hex"]
