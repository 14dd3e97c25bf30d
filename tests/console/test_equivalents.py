"""What pages tell of the command line and of the API can be run as it stands."""

import shlex
import subprocess

from stronghouse.console.equivalents import Equivalents

ALL = Equivalents("https://localhost:8440", "/state of ada/ca.pem", "0f0e")
NAME = 'it\'s $(touch /tmp/x) `id` "quoted" ü'


def test_words_reach_the_command_as_they_are() -> None:
    one = ALL.of("service", "stop", NAME)
    assert one.cli is not None
    assert shlex.split(one.cli) == ["stronghouse", "service", "stop", NAME]
    assert one.curl is None


def test_curl_gets_address_and_body_as_they_are_and_the_key_on_a_descriptor() -> None:
    one = ALL.of(method="PATCH", path="/services/1", body={"name": NAME})
    assert one.cli is None
    assert one.curl is not None
    script = f"""
curl() {{ for word in "$@"; do printf '%s\\0' "$word"; done; echo; cat "$4"; }}
STRONGHOUSE_KEY_ID=id STRONGHOUSE_KEY_SECRET=secret
{one.curl}
"""
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True, timeout=10)
    words, _, config = done.stdout.partition("\n")
    *before, path_of_config, method, patch, header, kind, flag, body, url, _ = words.split("\0")
    assert before == ["--cacert", "/state of ada/ca.pem", "-K"]
    assert path_of_config.startswith("/dev/fd/")
    assert (method, patch, header, kind) == ("-X", "PATCH", "-H", "content-type: application/json")
    assert (flag, body) == ("-d", '{"name": "it\'s $(touch /tmp/x) `id` \\"quoted\\" ü"}')
    assert url == "https://localhost:8440/v1/organizations/0f0e/services/1"
    assert config == 'user = "id:secret"'
    assert "secret" not in words


def test_a_body_with_a_secret_comes_from_a_file_and_a_form_has_its_fields() -> None:
    secret = ALL.of("notification", "add", "x", method="POST", path="/notificationChannels", body="channel.json")
    assert secret.curl is not None
    words = shlex.split(secret.curl.partition('SECRET")')[2].replace("\\\n", " "))
    assert words[words.index("-d") + 1] == "@channel.json"
    form = ALL.of(method="POST", path="/documents", form=[f"note={NAME}", "file=@report.pdf"])
    assert form.curl is not None
    words = shlex.split(form.curl.partition('SECRET")')[2].replace("\\\n", " "))
    assert [words[at + 1] for at, word in enumerate(words) if word == "-F"] == [f"note={NAME}", "file=@report.pdf"]
    assert "-d" not in words
