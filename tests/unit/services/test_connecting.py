"""Snippets: without any password, and safe whatever a path or a name holds. That they run is tested in tests/e2e."""

import ast
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from stronghouse.services.connecting import Connection, Snippet, snippets

HERE = Connection("localhost", 8444, "default", Path("/var/lib/stronghouse/ca.pem"))
ODD = replace(HERE, username="o'neil\"%s$(id)`id`\\", ca_file=Path('/tmp/it\'s "a" $(id) path/ca.pem'))


def by_language(to: Connection) -> dict[str, Snippet]:
    return {snippet.language: snippet for title, snippet in snippets(to).items() if title != "clickhouse-client"}


def words(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", " "))


def test_embedded_services_have_three_clients_and_no_native_one() -> None:
    assert [title.split()[0] for title in snippets(HERE)] == ["Python", "JavaScript", "curl"]


def test_an_engine_that_speaks_the_native_protocol_has_clickhouse_client_too() -> None:
    native = snippets(replace(HERE, native=("ch.example.com", 9440)))["clickhouse-client"]
    assert native.language == "shell"
    expected = "SSL_CERT_FILE=/var/lib/stronghouse/ca.pem clickhouse-client --secure --host ch.example.com --port 9440"
    assert words(native.text) == words(f"{expected} --user default --query 'SELECT version()'")


@pytest.mark.parametrize("to", [HERE, ODD, replace(HERE, ca_file=None, native=("::1", 9440))])
def test_every_snippet_verifies_the_certificate_and_takes_the_password_from_the_environment(to: Connection) -> None:
    for title, snippet in snippets(to).items():
        for forbidden in ("--insecure", " -k ", "verify=False", "rejectUnauthorized", "--password", "--user default:"):
            assert forbidden not in snippet.text
        assert title == "clickhouse-client" or "CLICKHOUSE_PASSWORD" in snippet.text


def test_without_a_ca_file_no_snippet_names_one() -> None:
    for snippet in snippets(replace(HERE, ca_file=None, native=("::1", 9440))).values():
        assert not any(word in snippet.text for word in ("ca_cert", "cacert", "SSL_CERT_FILE", "None"))


def test_names_and_paths_are_one_literal_each() -> None:
    found = by_language(ODD)
    (call,) = [
        node
        for node in ast.walk(ast.parse(found["python"].text))
        if isinstance(node, ast.Call) and "get_client" in ast.unparse(node.func)
    ]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    assert ast.literal_eval(given["username"]) == ODD.username
    assert ast.literal_eval(given["ca_cert"]) == str(ODD.ca_file)
    assert {ODD.username, str(ODD.ca_file)} < set(words(found["shell"].text))


def test_an_ipv6_host_stands_in_brackets_in_urls() -> None:
    assert replace(HERE, host="::1").url == "https://[::1]:8444"
