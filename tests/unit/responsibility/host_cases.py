"""Cases of the checks of a machine; `cases.py` takes them in."""

from collections.abc import Mapping

from stronghouse.kernel.canonical import Json

Fields = Mapping[str, Json]
Case = tuple[Fields, list[tuple[Fields, str]], list[Fields]]
_SETTINGS: dict[str, Json] = {
    "kernel.randomize_va_space": "2",
    "kernel.kptr_restrict": "1",
    "kernel.dmesg_restrict": "1",
    "kernel.yama.ptrace_scope": "1",
    "kernel.unprivileged_bpf_disabled": "2",
    "fs.protected_hardlinks": "1",
    "fs.protected_symlinks": "1",
    "fs.protected_fifos": "1",
    "fs.protected_regular": "2",
    "fs.suid_dumpable": "0",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.icmp_echo_ignore_broadcasts": "1",
    "net.ipv6.conf.all.accept_redirects": None,
    "net.ipv6.conf.all.accept_source_route": None,
}


def _file(path: str, purpose: str, mode: str, uid: int = 0) -> dict[str, Json]:
    return {"path": path, "purpose": purpose, "mode": mode, "uid": uid, "gid": 0}


def _host(kind: str, fields: Fields, changed: Fields) -> dict[str, Json]:
    return {"id": "host/one", "kind": kind, **fields, **changed}


def system(*, settings: Fields | None = None, **changed: Json) -> dict[str, Json]:
    """A machine where all is well, but for what is changed."""
    files: list[Json] = [
        _file("/etc/shadow", "private", "0640"),
        _file("/etc/passwd", "owned", "0644"),
        _file("/usr/bin", "path", "0755"),
    ]
    fine: dict[str, Json] = {
        "container": False,
        "sysctls": {**_SETTINGS, **(settings or {})},
        "interfaces": ["eth0"],
        "core_pattern": "core",
        "core_limit": "0",
        "clock": {"state": "synchronised", "services": ["chronyd"]},
        "disk": {"state": "encrypted", "device": "dm-0", "kind": "ext4"},
        "files": files,
        "etc_walked": 900,
        "etc_complete": True,
        "etc_writable": [],
        "etc_writable_count": 0,
    }
    return _host("host_system", fine, changed)


def updates(**changed: Json) -> dict[str, Json]:
    """A machine that is up to date, but for what is changed."""
    fine: dict[str, Json] = {
        "apt": True,
        "container": False,
        "problem": None,
        "security_sources": 1,
        "rolling": False,
        "pending": 0,
        "named": [],
        "lists_age_days": 7,
        "restart_required": False,
        "kernel": "6.1.0-18-amd64",
        "kernels": ["6.1.0-9-amd64", "6.1.0-18-amd64"],
    }
    return _host("host_updates", fine, changed)


def sshd(*, settings: Fields | None = None, **changed: Json) -> dict[str, Json]:
    """A careful SSH server, but for what is changed."""
    good: dict[str, Json] = {
        "permitrootlogin": "prohibit-password",
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "permitemptypasswords": "no",
        "ciphers": "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
        "macs": "hmac-sha2-256-etm@openssh.com",
        "kexalgorithms": "curve25519-sha256,diffie-hellman-group14-sha256,diffie-hellman-group16-sha512",
        "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-512",
        "maxauthtries": "6",
        "logingracetime": "120",
        "permituserenvironment": "no",
        "hostbasedauthentication": "no",
        "ignorerhosts": "yes",
        "strictmodes": "yes",
    }
    fine: dict[str, Json] = {
        "installed": True,
        "problem": None,
        "settings": {**good, **(settings or {})},
        "matched": [],
    }
    return _host("host_sshd", fine, changed)


def firewall(**changed: Json) -> dict[str, Json]:
    """A closed machine with open ports, but for what is changed."""
    fine: dict[str, Json] = {"tool": "nft", "problem": None, "closed": ["ip", "ip6"], "open_ipv4": 1, "open_ipv6": 1}
    return _host("host_firewall", fine, changed)


def account(name: str = "root", uid: int = 0, **changed: Json) -> dict[str, Json]:
    """An account with a sound password."""
    fine: dict[str, Json] = {"login": True, "password": "yescrypt", "expired": False, "keys": 0, "unread_keys": 0}
    return {"name": name, "uid": uid, **fine, **changed}


def key_file(*, kind: str = "ssh-ed25519", bits: int | None = 256, **changed: Json) -> dict[str, Json]:
    """A file with one key."""
    keys: list[Json] = [{"type": kind, "bits": bits, "fingerprint": "SHA256:x", "comment": "", "options": []}]
    fine: dict[str, Json] = {"account": "a", "path": "/home/a/.ssh/authorized_keys", "problem": None, "mode": "0600",
                             "writable": False, "keys": keys}  # fmt: skip
    return {**fine, **changed}


def rule(**changed: Json) -> dict[str, Json]:
    """A rule that asks for a password."""
    fine: dict[str, Json] = {"who": "%sudo", "file": "/etc/sudoers", "nopasswd": False, "all": True, "wildcard": False}
    return {**fine, **changed}


def access(**changed: Json) -> dict[str, Json]:
    """A machine with careful accounts, but for what is changed."""
    fine: dict[str, Json] = {
        "accounts": [account(), account("www-data", 33, login=False, password="locked")],
        "shadow_read": True,
        "sudo": True,
        "sudo_rules": [rule(), rule(who="root", nopasswd=True)],
        "sudo_unread": [],
        "sudo_unauthenticated": [],
        "key_files": [key_file()],
        "keys_command": False,
    }
    return _host("host_access", fine, changed)


def port(number: int = 22, program: str | None = "sshd", protocol: str = "tcp") -> dict[str, Json]:
    """A port that is open to every address."""
    return {"protocol": protocol, "address": "0.0.0.0", "port": number, "program": program}


def listening(*sockets: dict[str, Json], **changed: Json) -> dict[str, Json]:
    """A machine with these ports beyond loopback."""
    beyond: list[Json] = [*sockets]
    fine: dict[str, Json] = {"loopback": 4, "beyond": beyond, "declared": [], "ephemeral": [32768, 60999]}
    return _host("host_listening", fine, changed)


_NO_SSH: list[Fields] = [sshd(installed=False, settings={})]
HOST_CASES: Mapping[str, Case] = {
    "host_kernel_memory_hidden": (
        system(),
        [(system(settings={"kernel.kptr_restrict": "0"}), "kernel.kptr_restrict is 0")],
        [system(settings=dict.fromkeys(_SETTINGS))],
    ),
    "host_kernel_links_protected": (
        system(),
        [(system(settings={"fs.protected_symlinks": "0"}), "fs.protected_symlinks is 0")],
        [system(settings=dict.fromkeys(_SETTINGS))],
    ),
    "host_kernel_network_hardened": (
        system(),
        [
            (system(settings={"net.ipv4.conf.all.rp_filter": "0"}), "rp_filter is 0"),
            (system(settings={"net.ipv6.conf.all.accept_redirects": "1"}), "ipv6"),
        ],
        [system(interfaces=[])],
    ),
    "host_core_dumps_contained": (
        system(),
        [
            (system(core_limit="unlimited"), "unlimited"),
            (system(settings={"fs.suid_dumpable": "1"}), "fs.suid_dumpable is 1"),
        ],
        [system(core_pattern="")],
    ),
    "host_clock_synchronised": (
        system(),
        [(system(clock={"state": "unsynchronised", "services": []}), "no service")],
        [system(clock={"state": "unsupported", "services": []})],
    ),
    "host_disk_encrypted": (
        system(),
        [(system(disk={"state": "plain", "device": "sda1", "kind": "ext4"}), "sda1")],
        [system(disk={"state": "memory", "device": None, "kind": "tmpfs"})],
    ),
    "host_credential_files_private": (
        system(),
        [
            (system(files=[_file("/etc/shadow", "private", "0644")]), "/etc/shadow has mode 0644"),
            (system(files=[_file("/etc/shadow", "private", "0600", uid=7)]), "owner 7"),
        ],
        [system(files=[])],
    ),
    "host_path_owned": (
        system(),
        [(system(files=[_file("/usr/local/bin", "path", "0775")]), "/usr/local/bin")],
        [system(files=[])],
    ),
    "host_configuration_owned": (
        system(),
        [
            (system(files=[_file("/etc/cron.d", "owned", "0777")]), "/etc/cron.d"),
            (system(etc_writable=["/etc/x"], etc_writable_count=1), "/etc/x"),
        ],
        [system(files=[], etc_walked=0)],
    ),
    "host_security_updates_installed": (
        updates(),
        [
            (updates(pending=2, named=["libc6 2.36-9", "openssl 3.0"]), "libc6 2.36-9"),
            (updates(security_sources=0), "no security source"),
        ],
        [updates(rolling=True)],
    ),
    "host_package_lists_fresh": (
        updates(),
        [(updates(lists_age_days=8), "8 days"), (updates(lists_age_days=None), "never")],
        [updates(apt=False)],
    ),
    "host_restart_done": (
        updates(),
        [(updates(kernel="6.1.0-9-amd64"), "6.1.0-18"), (updates(restart_required=True, kernels=[]), "restart")],
        [updates(kernels=[])],
    ),
    "host_sshd_root_restricted": (
        sshd(),
        [
            (sshd(settings={"permitrootlogin": "yes"}), "PermitRootLogin is yes"),
            (sshd(matched=["permitrootlogin yes"]), "Match block"),
        ],
        _NO_SSH,
    ),
    "host_sshd_keys_only": (
        sshd(),
        [
            (sshd(settings={"passwordauthentication": "yes"}), "passwordauthentication"),
            (sshd(settings={"kbdinteractiveauthentication": "yes"}), "kbdinteractive"),
            (sshd(matched=["passwordauthentication yes"]), "Match block"),
        ],
        _NO_SSH,
    ),
    "host_sshd_algorithms_modern": (
        sshd(),
        [
            (sshd(settings={"ciphers": "aes128-cbc"}), "aes128-cbc"),
            (sshd(settings={"kexalgorithms": "diffie-hellman-group1-sha1"}), "group1"),
            (sshd(settings={"hostkeyalgorithms": "ssh-ed25519,ssh-rsa"}), "ssh-rsa"),
        ],
        _NO_SSH,
    ),
    "host_sshd_sessions_limited": (
        sshd(),
        [
            (sshd(settings={"maxauthtries": "7"}), "maxauthtries is 7"),
            (sshd(settings={"logingracetime": "0"}), "logingracetime is 0"),
            (sshd(settings={"strictmodes": "no"}), "strictmodes"),
        ],
        _NO_SSH,
    ),
    "host_firewall_closed": (
        firewall(),
        [(firewall(closed=[]), "IPv4"), (firewall(closed=["ip"]), "IPv6")],
        [firewall(closed=[], open_ipv4=0, open_ipv6=0)],
    ),
    "host_root_alone": (access(), [(access(accounts=[account(), account("toor")]), "toor")], [access(accounts=[])]),
    "host_passwords_sound": (
        access(),
        [
            (access(accounts=[account("a", 1000, password="empty")]), "a has an empty password"),
            (access(accounts=[account("a", 1000, password="md5")]), "md5"),
        ],
        [access(accounts=[])],
    ),
    "host_system_accounts_closed": (
        access(),
        [
            (access(accounts=[account("db", 101)]), "db"),
            (access(accounts=[account("db", 101, password="locked", keys=1)]), "db"),
        ],
        [access(accounts=[account("a", 1000)])],
    ),
    "host_sudo_narrow": (
        access(),
        [
            (access(sudo_rules=[rule(who="ubuntu", nopasswd=True)]), "ubuntu"),
            (access(sudo_rules=[rule(all=False, wildcard=True)]), "wildcard"),
            (access(sudo_unauthenticated=["/etc/sudoers.d/x"]), "/etc/sudoers.d/x"),
        ],
        [access(sudo=False, sudo_rules=[])],
    ),
    "host_authorized_keys_sound": (
        access(),
        [
            (access(key_files=[key_file(kind="ssh-rsa", bits=1024)]), "1024 bits"),
            (access(key_files=[key_file(kind="ssh-dss", bits=None)]), "DSA"),
            (access(key_files=[key_file(writable=True)]), "others may write"),
        ],
        [access(key_files=[])],
    ),
    "host_listening_expected": (
        listening(
            port(), port(68, "dhclient", "udp"), port(443, "nginx"), port(40000, "named", "udp"), declared=["tcp/443"]
        ),
        [
            (listening(port(5432, "postgres")), "postgres listens on tcp 0.0.0.0 port 5432"),
            (listening(port(9999, None)), "9999"),
            (listening(port(22, "nc")), "nc"),
        ],
        [listening(loopback=0)],
    ),
}
HOST_MANUAL: Mapping[str, list[Fields]] = {
    "host_kernel_memory_hidden": [system(settings={"kernel.yama.ptrace_scope": None})],
    "host_kernel_network_hardened": [system(interfaces=None)],
    "host_core_dumps_contained": [
        system(core_pattern="|/usr/lib/systemd/systemd-coredump %P"),
        system(core_limit=None),
    ],
    "host_clock_synchronised": [
        system(clock={"state": "unsynchronised", "services": ["chronyd"]}),
        system(clock={"state": "unsynchronised", "services": []}, container=True),
        system(clock={"state": "unknown", "services": []}),
    ],
    "host_disk_encrypted": [
        system(disk={"state": "virtual", "device": "vda", "kind": "ext4"}),
        system(disk={"state": "unknown", "device": None, "kind": "overlay"}),
    ],
    "host_configuration_owned": [system(etc_complete=False)],
    "host_security_updates_installed": [
        updates(apt=False),
        updates(lists_age_days=8),
        updates(problem="apt-get failed"),
        updates(lists_age_days=None),
    ],
    "host_restart_done": [updates(kernel="6.18.44-own")],
    "host_sshd_keys_only": [sshd(problem="no hostkeys available", settings={})],
    "host_firewall_closed": [firewall(closed=[], problem="you must be root")],
    "host_passwords_sound": [access(shadow_read=False), access(accounts=[account("a", 1000, password="unknown")])],
    "host_sudo_narrow": [access(sudo_unread=["/etc/sudoers.d/x"])],
    "host_authorized_keys_sound": [
        access(key_files=[key_file(problem="it is a link", keys=[])]),
        access(key_files=[key_file(kind="unreadable", bits=None)]),
        access(keys_command=True),
    ],
    "host_listening_expected": [listening(port(22, None))],
}
"""Where nobody can know from here: a person has to judge, and it is never a pass."""
HOST_COLLECTED_BY: Mapping[str, tuple[str, ...]] = {
    "host_system": ("host_disk_encrypted",),
    "host_updates": ("host_restart_done",),
    "host_sshd": ("host_sshd_keys_only",),
    "host_firewall": ("host_firewall_closed",),
    "host_access": ("host_root_alone",),
    "host_listening": ("host_listening_expected",),
}
