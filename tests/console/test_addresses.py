"""Where a form may lead back to."""

import pytest

from stronghouse.console.addresses import local_path


@pytest.mark.parametrize("path", ["/", "/services?state=running&q=a%20b", "/audit/1#x", "/a//b"])
def test_a_path_of_this_origin_is_followed(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "/a\r\nset-cookie: x=y",
        "\\\\evil.example",
        " //evil.example",
    ],
)
def test_everything_else_leads_home(elsewhere: str) -> None:
    assert local_path(elsewhere) == "/"
