"""One service being served: everything that a worker has, opened in order, closed in order."""

import base64
import dataclasses
import gc
import os
import secrets
import signal
import socket
import threading
from collections.abc import Mapping

from stronghouse.engine.access.catalogue import Catalogue, Method, User
from stronghouse.engine.access.effective_settings import setting_values, settings_of
from stronghouse.engine.access.key_users import with_key_users
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.access.store import OWNER_ID, PURPOSE, CatalogueStore, initial
from stronghouse.engine.admission import Admission
from stronghouse.engine.engine import Engine, prove_data_key
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import Journal
from stronghouse.engine.logs.keeper import LogKeeper
from stronghouse.engine.logs.patterns import Patterns
from stronghouse.engine.quotas import QuotaKeeper
from stronghouse.engine.service_settings import check_service_setting
from stronghouse.engine.sql import text
from stronghouse.engine.subkeys import subkey
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.attempts import Attempts
from stronghouse.worker.changing import Changes
from stronghouse.worker.commands import Commands
from stronghouse.worker.connections import Connections
from stronghouse.worker.control import Control
from stronghouse.worker.desk import ID_BYTES, Desk
from stronghouse.worker.front import Front
from stronghouse.worker.gate import Gate
from stronghouse.worker.killing import Killer
from stronghouse.worker.log import log
from stronghouse.worker.log_prover import LogProver
from stronghouse.worker.messages import Message
from stronghouse.worker.metrics import engine_metrics
from stronghouse.worker.query import Tools
from stronghouse.worker.recording import Recorder
from stronghouse.worker.reopening import Reopening
from stronghouse.worker.repeating import Repeats
from stronghouse.worker.reports import access_report
from stronghouse.worker.responses import Identity
from stronghouse.worker.running import Running
from stronghouse.worker.server import Server
from stronghouse.worker.sessions import Sessions
from stronghouse.worker.sizes import Sizes
from stronghouse.worker.specification import KeyUsers, SandboxReport, WorkerSpec, read_settings
from stronghouse.worker.system_database import SystemDatabase

SWEEP_SECONDS = 1.0
MOST_OPENINGS = 200
"""The engine leaves five threads and fifteen descriptors behind whenever it is opened again (measured): after so many
changes of access another process takes over."""
LAST_WORDS_SECONDS = 3.0
JOURNAL = "log journal"


class Serving:
    """What a worker has, all of it; made with the engine open and nobody let in yet.

    Raises:
        StronghouseError: the engine, the catalogue or the journal cannot be opened.
    """

    def __init__(
        self, spec: WorkerSpec, sandbox: SandboxReport, control: Control, listener: socket.socket, data_key: bytes
    ) -> None:
        self._spec, self._sandbox, self._control = spec, sandbox, control
        self._ending = threading.Event()
        self._openings = 0
        prove_data_key(spec.data_directory, data_key)
        self.store = CatalogueStore(spec.data_directory, subkey(data_key, PURPOSE), spec.service_id)
        catalogue = self._catalogue()
        self.engine = Engine.open(
            spec.data_directory,
            data_key=data_key,
            memory_limit_bytes=spec.memory_limit_bytes,
            users=users_tree(catalogue),
        )
        try:
            catalogue = dataclasses.replace(catalogue, service_settings=self._usable(spec.settings))
            self._open_logs(catalogue, data_key)
            self._open_access(catalogue)
            self.front = self._front()
        except BaseException:
            self.engine.close()
            raise
        self.server = Server(self.front.handle, listener)
        self.commands = Commands(
            control=control,
            server=self.server,
            running=self.running,
            sessions=self.sessions,
            set_password=self.set_password,
            set_settings=self.set_settings,
            set_key_users=self.set_key_users,
            report=self._report,
        )
        self._sweeper = threading.Thread(target=self._sweep, name="sweep", daemon=True)

    def _open_logs(self, catalogue: Catalogue, data_key: bytes) -> None:
        """What records, and the `system` database that shows it."""
        spec = self._spec
        self.quotas = QuotaKeeper(SystemClock())
        self.journal = Journal(spec.data_directory / "journal", subkey(data_key, JOURNAL), spec.service_id)
        self.logs = LogKeeper(self.journal, retention_days=spec.log_retention_days)
        self.system = SystemDatabase(self.engine, self.logs, self.quotas)
        self.system.prepare(catalogue)
        self.patterns = Patterns(spec.mask_patterns)
        self.patterns.resume(self.engine.internal)
        self.recorder = Recorder(self.journal, self.quotas, self.patterns.apply if spec.mask_patterns else None)

    def _open_access(self, catalogue: Catalogue) -> None:
        """What lets people in, and changes who they are."""
        self.accounts = Accounts(catalogue, Attempts(SystemClock()))
        self.admission = Admission(self.engine)
        self.connections = Connections(self.engine)
        self.killer = Killer(self.engine)
        self.running = Running(self.killer.kill)
        self.sessions = Sessions()
        self.gate = Gate()
        self.reopening = Reopening(
            engine=self.engine,
            gate=self.gate,
            running=self.running,
            store=self.store,
            data_key=self._control.data_key,
            close_all=self._close_connections,
            opened=self._opened,
            in_force=self._in_force,
            refreshed=self.system.refresh,
        )
        self.changes = Changes(lambda: self.accounts.catalogue, self._put)

    def start(self) -> None:
        """Let requests in."""
        self._tidy()
        self._sweeper.start()
        self.server.start()

    def ready(self) -> Message:
        """What the agent is told first."""
        return {"type": "ready", "engine_version": self.engine.version, "sandbox": self._sandbox.to_json()}

    def set_password(self, password_sha256: str) -> None:
        """Another password of the owner from now on, by its hash in base64; the owner's sessions end."""
        self.changes.make(lambda catalogue: _with_owner_of(catalogue, password_sha256))

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Other settings of the service from now on; sessions of those for whom something changed end.

        They were tried before they were asked for. One that is refused all the same is left out, as at a start.
        """
        usable = self._usable(settings)

        def change(catalogue: Catalogue) -> Catalogue:
            if catalogue.service_settings == usable:
                return catalogue
            return dataclasses.replace(catalogue, generation=catalogue.generation + 1, service_settings=usable)

        self.changes.make(change)

    def set_key_users(self, wanted: KeyUsers) -> None:
        """Just these users of API keys from now on; returns when that is in force.

        Raises:
            Unavailable: the kernel does not confine this process well enough for a second user.
            ValueError: a role or a name is not one of ours.
        """
        missing = self._sandbox.missing_for_users
        if missing and wanted.roles:
            raise Unavailable(
                f"The machine's kernel lacks {missing}, without which users cannot be kept apart.",
                code="users_not_confined",
            )
        method = Method("sha256_password", wanted.password_hash, wanted.salt)
        self.changes.make(
            lambda catalogue: with_key_users(
                catalogue, wanted.roles, method=method, new_id=lambda: secrets.token_hex(ID_BYTES)
            )
        )

    def close(self) -> None:
        """Let running requests end for the time that was granted, end the rest with code 394, close everything."""
        grace = self.commands.grace or 0.0
        if not self.running.wait_until_idle(grace):
            self.running.cancel_all()
        self.server.finish(LAST_WORDS_SECONDS)
        self._ending.set()
        self.running.close()
        self._close_connections()
        self.logs.close()
        self.journal.close()
        self.engine.close()

    def _front(self) -> Front:
        desk = Desk(self.accounts, self.changes, self.quotas, self._sandbox.missing_for_users)
        identity = Identity(self.engine.version, self.engine.timezone, self._spec.service_id)
        return Front(
            accounts=self.accounts,
            desk=desk,
            tools=Tools(self.admission, self.connections, self.running, self.system, Sizes(), self.reopening.room),
            gate=self.gate,
            sessions=self.sessions,
            recorder=self.recorder,
            identity=identity,
            repeats=Repeats(self.accounts, self.connections, self.running, self.gate, self.recorder, identity),
        )

    def _catalogue(self) -> Catalogue:
        """The stored one, or the first; with the owner's password of today."""
        stored = self.store.load()
        current = _with_owner_of(stored, self._spec.password_sha256) if stored else initial(self._spec.password_sha256)
        if current is not stored:
            self.store.save(current)
        return current

    def _put(self, catalogue: Catalogue) -> None:
        self._try_settings(catalogue)
        self.reopening.put(catalogue, self.accounts.catalogue)

    def _refusal(self, settings: Mapping[str, str]) -> str | None:
        """Why the first of these settings is refused, by the boundary or by the engine; None if none is."""
        try:
            for name, value in settings.items():
                check_service_setting(name, value)
                # One at a time on a connection of its own: `readonly` would refuse the others.
                with self.engine.internal() as connection:
                    connection.query(f"SET {name} = {text(value)}")
        except (DatabaseError, Invalid) as error:
            return error.public
        return None

    def _usable(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Those that this engine takes: with another one nobody could sign in."""
        refused: list[Json] = [name for name, value in settings.items() if self._refusal({name: value}) is not None]
        if refused:
            log.error("settings_refused", names=refused)
        return {name: value for name, value in settings.items() if name not in refused}

    def _try_settings(self, catalogue: Catalogue) -> None:
        """Refuse values that the engine would refuse at every sign-in; raises DatabaseError."""
        new = setting_values(catalogue) - setting_values(self.accounts.catalogue)
        if new:
            with self.engine.internal() as connection:
                for name, value in sorted(new, key=lambda given: given[0] == "readonly"):
                    connection.query(f"SET {name} = {text(value)}")

    def _in_force(self, catalogue: Catalogue) -> None:
        """The catalogue is stored: who was dropped or locked is refused from here on, and their queries end."""
        before = self.accounts.catalogue
        self.accounts.replace(catalogue)
        for user in before.users.values():
            after = catalogue.users.get(user.id)
            if after is None or (after.locked and not user.locked):
                self.running.cancel_all(of_user=user.id)
            if after is None or after.methods != user.methods or _settings(before, user) != _settings(catalogue, after):
                self.sessions.forget(user.id)

    def _close_connections(self) -> None:
        """All but the engine's first. Nobody is inside the gate."""
        self.sessions.revoke()
        self.connections.close()
        self.admission.close()
        self.killer.close()
        self.patterns.suspend()
        self.logs.suspend()

    def _opened(self, catalogue: Catalogue) -> None:
        """The engine is open again."""
        self._openings += 1
        if self._openings >= MOST_OPENINGS:
            log.info("worn", openings=self._openings)
            os.kill(os.getpid(), signal.SIGTERM)  # answers what was accepted, ends, and the agent starts another
        self.system.prepare(catalogue)
        self.admission.open()
        self.killer.open()
        self.patterns.resume(self.engine.internal)

    def _report(self, message: Message) -> Json:
        match message:
            case {"type": "logs"}:
                canary = message.get("canary")
                return self._prover().report(canary if isinstance(canary, str) else None).to_json()
            case {"type": "access"}:
                return access_report(self.accounts.catalogue).to_json()
            case {"type": "metrics"}:
                with self.gate, self.engine.internal() as connection:
                    return engine_metrics(connection)
            case {"type": "check_settings"}:
                with self.gate:
                    return self._refusal(read_settings(message.get("settings")))
        raise ValueError("an unknown message")

    def _prover(self) -> LogProver:
        return LogProver(self.engine, self.gate, self.logs, self.journal)

    def _tidy(self) -> None:
        """Give back what only the opening took: 6 MB that a service would keep while nobody uses it (measured)."""
        gc.collect()
        gc.freeze()
        with self.engine.internal() as connection:
            connection.query("SYSTEM JEMALLOC PURGE")

    def _sweep(self) -> None:
        while not self._ending.wait(SWEEP_SECONDS):
            self.sessions.sweep()


def _settings(catalogue: Catalogue, user: User) -> tuple[dict[str, str], str | None]:
    """What the user's sessions begin with."""
    return settings_of(catalogue, user, catalogue.default_roles_of(user)), user.default_database


def _with_owner_of(catalogue: Catalogue, password_sha256: str) -> Catalogue:
    """The same with this password of the owner; the same object when it is that already."""
    owner = catalogue.users[OWNER_ID]
    digest = base64.b64decode(password_sha256, validate=True).hex()
    if [method.hash for method in owner.methods] == [digest]:
        return catalogue
    method = dataclasses.replace(initial(password_sha256).users[OWNER_ID].methods[0])
    users = {**catalogue.users, OWNER_ID: dataclasses.replace(owner, methods=(method,))}
    return dataclasses.replace(catalogue, generation=catalogue.generation + 1, users=users)
