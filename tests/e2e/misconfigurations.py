"""The misconfigurations, each with the checks that must find it and the part of their remediation that mends it."""

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stronghouse.access.roles.system import ADMIN, SYSTEM_ROLES
from stronghouse.kernel.clock import rfc3339
from tests.support.misconfiguration import Fix, Installation, Misconfiguration, edit_json

ROWS = 1000
ACCOUNTS = (
    "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
    "deploy:x:1000:1000::/home/deploy:/bin/bash\n"
)
OLD_KEY = "ssh-dss AAAAB3NzaC1kc3MAAAAIAAAAAAAAAAEAAAAIAAAAAAAAAAEAAAAIAAAAAAAAAAEAAAAIAAAAAAAAAAE= old"


def furnish_host(root: Path) -> None:
    """A small machine in order, below a root of its own."""
    etc, keys = root / "etc", root / "home" / "deploy" / ".ssh"
    for directory in (etc / "sudoers.d", keys, root / "root"):
        directory.mkdir(parents=True)
    files = {
        etc / "hostname": ("target\n", 0o644),
        etc / "os-release": ('ID=debian\nVERSION_ID="12"\n', 0o644),
        etc / "passwd": (ACCOUNTS, 0o644),
        etc / "group": ("root:x:0:\ndeploy:x:1000:\n", 0o644),
        etc / "shadow": ("root:!:19000:0:99999:7:::\ndaemon:*:19000::::::\ndeploy:!:19000:0:99999:7:::\n", 0o640),
        etc / "gshadow": ("root:*::\ndeploy:!::\n", 0o640),
        etc / "crontab": ("", 0o644),
        etc / "sudoers": ("root ALL=(ALL:ALL) ALL\n", 0o440),
        keys / "authorized_keys": ("", 0o600),
    }
    for path, (text, mode) in files.items():
        path.write_text(text)
        path.chmod(mode)
    keys.chmod(0o700)
    for path in (keys.parent, keys, keys / "authorized_keys"):
        os.chown(path, 1000, 1000)


def prepare(installation: Installation) -> None:
    """One service with data in it."""
    service = installation.stack.create_service("target")
    installation.remembered["service"] = service
    import_feed(installation)
    (installation.directory / "schedule.txt").write_text("Tables with personal data are emptied after a year.")
    installation.shell(file_schedule(installation).command())
    review_schedule(installation)
    for sql in ("CREATE TABLE t (id UInt64) ORDER BY id", f"INSERT INTO t SELECT number FROM numbers({ROWS})"):
        installation.stack.query(service.id, service.password, sql)


def file_schedule(it: Installation) -> Fix:
    """File the schedule of retention."""
    names = {"PATH": str(it.directory / "schedule.txt"), "YYYY-MM-DD": f"{datetime.now(UTC):%Y-%m-%d}"}
    return Fix("stronghouse document file retention_schedule PATH --date YYYY-MM-DD", names)


def review_schedule(it: Installation) -> None:
    """Look at what was filed last."""
    newest = json.loads(it.stronghouse("document", "list", "--json"))[0]
    it.stronghouse("document", "review", newest["id"], "--note", "It says what is kept for how long.")


def home(installation: Installation) -> Path:
    """The service's directory."""
    return installation.state / "agent" / "services" / str(installation.remembered["service"].id)


def edge(installation: Installation) -> Path:
    """The configuration of the agent's edge."""
    return installation.state / "agent" / "edge"


def restart(installation: Installation) -> None:
    """Stop it and run `stronghouse up` again, then wait for the service."""
    installation.restart()
    service = installation.remembered["service"]
    installation.stack.wait_until(lambda: installation.stack.answers(service), timeout=30)


def overwrite(path_of: Callable[[Installation], Path], content: bytes) -> Callable[[Installation], None]:
    """Overwrite a file, remembering what was in it as a backup would."""

    def act(installation: Installation) -> None:
        path = path_of(installation)
        installation.remembered[str(path)] = path.read_bytes()
        path.write_bytes(content)

    return act


def put_back(path_of: Callable[[Installation], Path]) -> Callable[[Installation], None]:
    """Restore a file from the backup."""

    def act(installation: Installation) -> None:
        path = path_of(installation)
        path.write_bytes(installation.remembered.pop(str(path)))

    return act


def chmod(path_of: Callable[[Installation], Path], mode: int) -> Callable[[Installation], None]:
    """Change a file's mode."""
    return lambda installation: path_of(installation).chmod(mode)


def certificate(*, days: int) -> tuple[str, str]:
    """A certificate for localhost by nobody's authority, ending in so many days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def show_certificate(*, days: int) -> Callable[[Installation], None]:
    """Put another certificate into the edge's secret."""
    chain, key = certificate(days=days)

    def change(document: Any) -> None:
        shown = document["resources"][0]["tls_certificate"]
        shown["certificate_chain"] = {"inline_string": chain}
        shown["private_key"] = {"inline_string": key}

    return lambda installation: edit_json(edge(installation) / "sds" / "certificate.json", change)


def edit_listeners(change: Callable[[Any], None]) -> Callable[[Installation], None]:
    """Change the listener of the service in the edge's file."""

    def act(installation: Installation) -> None:
        port = installation.remembered["service"].port

        def of_service(document: Any) -> None:
            (listener,) = [
                one for one in document["resources"] if one["address"]["socket_address"]["port_value"] == port
            ]
            change(listener)

        edit_json(edge(installation) / "xds" / "listeners.json", of_service)
        installation.settle()

    return act


def allow_old_tls(listener: Any) -> None:
    """TLS 1.0 and up."""
    for chain in listener["filter_chains"]:
        parameters = chain["transport_socket"]["typed_config"]["common_tls_context"].setdefault("tls_params", {})
        parameters["tls_minimum_protocol_version"] = "TLSv1_0"
        parameters["cipher_suites"] = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256"]


def speak_plainly(listener: Any) -> None:
    """No TLS at all."""
    listener["listener_filters"] = []
    for chain in listener["filter_chains"]:
        chain.pop("transport_socket")
        chain.pop("filter_chain_match", None)


def listen_everywhere(it: Installation) -> None:
    """A second listener like the service's, on every address of the machine."""

    def add(document: Any) -> None:
        extra = json.loads(json.dumps(document["resources"][-1]))
        extra["name"] = "extra"
        extra["address"]["socket_address"] = {"address": "0.0.0.0", "port_value": it.stack.port_base + 24}
        extra.pop("additional_addresses", None)
        document["resources"].append(extra)

    edit_json(edge(it) / "xds" / "listeners.json", add)
    it.settle()


def let_everyone_in(installation: Installation) -> None:
    """Take the access rule of the service out of the edge's routes."""
    service = installation.remembered["service"]

    def change(document: Any) -> None:
        (host,) = [one for one in document["resources"][0]["virtual_hosts"] if one["name"] == service.id]
        allow = next(iter(host["typed_per_filter_config"].values()))["rbac"]["rules"]
        allow["policies"] = {
            name: {**policy, "permissions": [{"any": True}], "principals": [{"any": True}]}
            for name, policy in allow["policies"].items()
        }

    edit_json(edge(installation) / "xds" / "routes.json", change)
    installation.settle()


def sql(statement: str, *, changes: bool = True) -> Callable[[Installation], None]:
    """A statement past the control plane."""

    def act(it: Installation) -> None:
        names = {"service": it.remembered["service"].id, "key": it.remembered.get("key"), "admin": ADMIN.id}
        with it.database() as connection:
            changed = connection.execute(statement, names)
            assert changed.rowcount > 0 or not changes, statement

    return act


def _machine_key(it: Installation) -> Path:
    return it.stack.machine_key


def _wrapped_key(it: Installation) -> Path:
    return home(it) / "data-key.json"


def _stray(it: Installation) -> Path:
    return home(it) / "data" / "export.csv"


def _drop_export(it: Installation) -> None:
    """As the engine's own user, so that only its content gives it away."""
    _stray(it).write_text("name,iban\nAda,GB33BUKB20201555555555\n")
    owner = (home(it) / "data").stat()
    os.chown(_stray(it), owner.st_uid, owner.st_gid)
    _stray(it).chmod(0o600)


def _database(it: Installation) -> Path:
    return it.state / "control" / "control.db"


def _etc(name: str) -> Callable[[Installation], Path]:
    return lambda it: it.host_root / "etc" / name


def append(path_of: Callable[[Installation], Path], text: str) -> Callable[[Installation], None]:
    """Add lines to a file, which a backup holds as it was."""

    def act(it: Installation) -> None:
        path = path_of(it)
        it.remembered[str(path)] = path.read_bytes()
        with path.open("a") as file:
            file.write(text)

    return act


def edit(path_of: Callable[[Installation], Path], old: str, new: str) -> Callable[[Installation], None]:
    """Replace a text in a file."""

    def act(it: Installation) -> None:
        path = path_of(it)
        text = path.read_text()
        assert old in text, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new, 1))

    return act


def restart_service(it: Installation) -> list[Fix]:
    """Stop the service and start it again."""
    names = {"SERVICE": it.remembered["service"].id}
    return [Fix("stronghouse service stop <SERVICE>", names), Fix("stronghouse service start <SERVICE>", names)]


def await_service(it: Installation) -> None:
    """Wait until the service answers."""
    service = it.remembered["service"]
    it.stack.wait_until(lambda: it.stack.answers(service), timeout=30)


def _engine(name: str) -> Callable[[Installation], Path]:
    return lambda it: home(it) / "data" / "configuration" / name


def import_feed(it: Installation) -> None:
    """A feed of today that says nothing about what is installed."""
    now = datetime.now(UTC)
    entry = {
        "id": "TEST-2026-0001",
        "modified": rfc3339(now),
        "affected": [{"package": {"ecosystem": "PyPI", "name": "not-installed-here"}, "versions": ["1.0"]}],
    }
    file = it.directory / "feed.json"
    file.write_text(json.dumps(entry))
    it.stronghouse("advisories", "import", str(file), "--unsigned")


def damage_document(it: Installation) -> None:
    """Flip a bit in the middle of the sealed file."""
    (sealed,) = [path for path in (it.state / "control" / "documents").rglob("*") if path.is_file()]
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)


def _sandbox(it: Installation) -> Path:
    return it.program / "stronghouse" / "worker" / "sandbox.py"


def _kill_worker(it: Installation) -> None:
    service = it.remembered["service"]
    os.kill(it.stack.pid_of("worker", service.id), signal.SIGKILL)
    await_service(it)


def switch_sandbox_off(it: Installation) -> None:
    """Change the installed program, and let the engine start again."""
    edit(_sandbox, "filtered = _filter()", "filtered = False")(it)
    _kill_worker(it)


def restore_program(it: Installation) -> None:
    """Install the program again and restart the service."""
    edit(_sandbox, "filtered = False", "filtered = _filter()")(it)
    _kill_worker(it)


ENTRY_EDITED = sql(
    """UPDATE audit_entry SET body = replace(body, '"outcome":"success"', '"outcome":"denied"') WHERE "index" = 3"""
)
ENTRY_RESTORED = sql(
    """UPDATE audit_entry SET body = replace(body, '"outcome":"denied"', '"outcome":"success"') WHERE "index" = 3"""
)
EVIDENCE_EDITED = sql(
    """UPDATE evidence SET body = replace(body, '"resources":[', '"resources": [')
       WHERE id IN (SELECT evidence_id FROM check_result WHERE check_id = 'tde_key_unwraps')"""
)
RESULT_EDITED = sql(
    """UPDATE check_result SET reason = 'All is well.'
       WHERE check_id = 'tde_key_unwraps' AND resource = 'service/' || :service"""
)
LIST_OPENED = sql(
    """UPDATE service SET ip_access = json_insert(ip_access, '$[#]', json('{"source": "0.0.0.0/0", "description": ""}'))
       WHERE id = :service"""
)
KEY_PROMOTED = sql("UPDATE api_key SET role_ids = json_array(:admin) WHERE id = :key")
KEY_OPENED = sql(
    """UPDATE api_key SET ip_access = json('[{"source": "0.0.0.0/0", "description": ""}]') WHERE id = :key"""
)
FEED_AGED = sql("UPDATE advisory_feed SET feed_time = feed_time - 30 * 86400000000")
TRIGGER_MADE = sql("CREATE TRIGGER quiet AFTER INSERT ON api_key BEGIN SELECT 1; END", changes=False)


def delete_key(it: Installation) -> list[Fix]:
    """Delete the key that was changed."""
    return [Fix("stronghouse key delete <KEY>", {"KEY": it.remembered["key"]})]


def make_key(it: Installation) -> None:
    """A key of a developer, narrow and not for ever."""
    developer = next(role.id for role in SYSTEM_ROLES.values() if role.name == "Developer")
    new = it.stack.api(
        "POST",
        "/keys",
        {
            "name": "deploy",
            "state": "enabled",
            "assignedRoleIds": [developer],
            "ipAccessList": [{"source": "127.0.0.1/32", "description": "tests"}],
            "expireAt": rfc3339(datetime.now(UTC) + timedelta(days=30)),
        },
    )
    it.remembered["key"] = new["key"]["id"]


def with_key(breaks: Callable[[Installation], None]) -> Callable[[Installation], None]:
    """Make a key in the ordinary way, look, then change it."""

    def act(it: Installation) -> None:
        make_key(it)
        breaks(it)

    return act


BY_RESTART: dict[str, Any] = {"acts": restart, "asks_for": "`stronghouse up`"}
CASES = [
    Misconfiguration(
        "the machine key is readable by everyone",
        chmod(_machine_key, 0o644),
        frozenset({"tde_machine_key_apart", "own_files_private"}),
        fixes=lambda it: [Fix("chmod 600 <FILE>", {"FILE": str(_machine_key(it))})],
    ),
    Misconfiguration(
        "the state directory is readable by everyone",
        lambda it: it.state.chmod(0o755),
        frozenset({"own_files_private"}),
        fixes=lambda it: [Fix("chmod go-rwx <PATH>", {"PATH": str(it.state)})],
    ),
    Misconfiguration(
        "the database is readable by everyone",
        chmod(_database, 0o644),
        frozenset({"own_files_private"}),
        fixes=lambda it: [Fix("chmod go-rwx <PATH>", {"PATH": str(_database(it))})],
    ),
    Misconfiguration(
        "a wrapped data key is overwritten",
        overwrite(_wrapped_key, b"{}"),
        frozenset({"tde_key_unwraps", "tde_files_use_key"}),
        acts=put_back(_wrapped_key),
        asks_for="restore the wrapped key",
    ),
    Misconfiguration(
        "an export in plain text lies among the data",
        _drop_export,
        frozenset({"rest_files_encrypted"}),
        fixes=lambda it: [Fix("rm <FILE>", {"FILE": str(_stray(it))})],
    ),
    Misconfiguration(
        "the edge shows an expired certificate",
        show_certificate(days=-1),
        frozenset(
            {
                "tls_certificate_fresh",
                "tls_certificate_trusted",
                "edge_configuration_as_rendered",
            }
        ),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the edge shows a certificate of somebody else",
        show_certificate(days=60),
        frozenset({"tls_certificate_trusted", "edge_configuration_as_rendered"}),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the edge accepts old versions of TLS",
        edit_listeners(allow_old_tls),
        frozenset({"tls_versions_modern", "edge_configuration_as_rendered"}),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the edge speaks without TLS",
        edit_listeners(speak_plainly),
        frozenset(
            {
                "tls_plaintext_refused",
                "tls_certificate_fresh",
                "tls_versions_modern",
                "tls_certificate_trusted",
                "edge_configuration_as_rendered",
            }
        ),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the edge listens on every address",
        listen_everywhere,
        frozenset({"listening_loopback_only", "edge_configuration_as_rendered"}),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the access list is taken out of the edge",
        let_everyone_in,
        frozenset({"network_access_enforced", "edge_configuration_as_rendered"}),
        **BY_RESTART,
    ),
    Misconfiguration(
        "the encrypted disk is taken out of an engine's configuration",
        edit(_engine("engine.xml"), "<type>encrypted</type>", "<type>local</type>"),
        frozenset({"service_configuration_as_rendered"}),
        fixes=restart_service,
        acts=await_service,
    ),
    Misconfiguration(
        "an engine gets a second user without a password",
        edit(_engine("users.xml"), "<users>", "<users><intruder><no_password/></intruder>"),
        frozenset({"service_configuration_as_rendered", "service_users_known"}),
        fixes=restart_service,
        acts=await_service,
    ),
    Misconfiguration(
        "an access list is opened in the database",
        LIST_OPENED,
        frozenset({"services_follow_audit_log"}),
        fixes=lambda it: [
            Fix(
                "stronghouse service update <SERVICE> --remove-ip <BLOCK>",
                {"SERVICE": it.remembered["service"].id, "BLOCK": "0.0.0.0/0"},
            )
        ],
    ),
    Misconfiguration(
        "an API key is made an administrator's in the database",
        with_key(KEY_PROMOTED),
        frozenset({"keys_follow_audit_log"}),
        fixes=delete_key,
    ),
    Misconfiguration(
        "an API key is opened to every address in the database",
        with_key(KEY_OPENED),
        frozenset({"keys_follow_audit_log", "api_keys_narrow"}),
        fixes=delete_key,
    ),
    Misconfiguration(
        "a trigger is put into the database",
        TRIGGER_MADE,
        frozenset({"database_schema_as_declared"}),
        acts=sql("DROP TRIGGER quiet", changes=False),
        asks_for="`DROP TRIGGER <NAME>;`",
    ),
    Misconfiguration(
        "an entry of the audit log is edited",
        ENTRY_EDITED,
        frozenset({"audit_tree_verified"}),
        acts=ENTRY_RESTORED,
        asks_for="restore from before it",
    ),
    Misconfiguration(
        "kept evidence is edited",
        EVIDENCE_EDITED,
        frozenset({"audit_evidence_intact"}),
        acts=lambda it: it.look(),
        asks_for="`stronghouse check`",
        looked_at=frozenset({"audit_evidence_intact"}),
    ),
    Misconfiguration(
        "a result is changed by hand",
        RESULT_EDITED,
        frozenset({"audit_evidence_intact"}),
        acts=lambda it: it.look(),
        asks_for="`stronghouse check`",
        looked_at=frozenset({"audit_evidence_intact"}),
    ),
    Misconfiguration(
        "the advisory feed is old",
        FEED_AGED,
        frozenset({"advisories_feed_current", "components_free_of_advisories"}),
        acts=import_feed,
        asks_for="`stronghouse advisories import FILE",
    ),
    Misconfiguration(
        "the sealed file of a document is damaged",
        damage_document,
        frozenset({"document_retention_schedule"}),
        fixes=lambda it: [file_schedule(it)],
        acts=review_schedule,
        asks_for="`stronghouse document review DOCUMENT",
    ),
    Misconfiguration(
        "somebody may use sudo without a password",
        append(_etc("sudoers"), "deploy ALL=(ALL) NOPASSWD: ALL\n"),
        frozenset({"host_sudo_narrow"}),
        acts=put_back(_etc("sudoers")),
        asks_for="remove NOPASSWD",
    ),
    Misconfiguration(
        "a second account has the rights of root",
        append(_etc("passwd"), "toor:x:0:0::/root:/bin/sh\n"),
        frozenset({"host_root_alone"}),
        acts=put_back(_etc("passwd")),
        asks_for="`userdel NAME`",
    ),
    Misconfiguration(
        "an account has an empty password",
        edit(_etc("shadow"), "deploy:!:", "deploy::"),
        frozenset({"host_passwords_sound"}),
        acts=edit(_etc("shadow"), "deploy::", "deploy:!:"),
        asks_for="`passwd -l NAME`",
    ),
    Misconfiguration(
        "password hashes are readable by everyone",
        chmod(_etc("shadow"), 0o644),
        frozenset({"host_credential_files_private"}),
        fixes=lambda it: [Fix("chown root FILE && chmod o-rwx,g-w FILE", {"FILE": str(_etc("shadow")(it))})],
    ),
    Misconfiguration(
        "a configuration file may be changed by everyone",
        chmod(_etc("crontab"), 0o666),
        frozenset({"host_configuration_owned"}),
        fixes=lambda it: [Fix("chown root FILE && chmod go-w FILE", {"FILE": str(_etc("crontab")(it))})],
    ),
    Misconfiguration(
        "an old key opens an account",
        append(lambda it: it.host_root / "home" / "deploy" / ".ssh" / "authorized_keys", f"{OLD_KEY}\n"),
        frozenset({"host_authorized_keys_sound"}),
        acts=put_back(lambda it: it.host_root / "home" / "deploy" / ".ssh" / "authorized_keys"),
        asks_for="Remove the named key from the named file",
    ),
    Misconfiguration(
        "the program is changed so that engines run with half a sandbox",
        switch_sandbox_off,
        frozenset({"sandbox_kernel_enforced", "sandbox_reaches_nothing"}),
        acts=restore_program,
        asks_for="install the program again",
    ),
]
