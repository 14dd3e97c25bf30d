"""Proving that a users file works, in a process of its own, before the service depends on it.

The engine reports a bad users file by not opening at all, so the file is tried out on an engine without keys, disks or
data first. The process inherits the sandbox of whoever starts it, and ends with a line on its standard output.

Invariants:
- What is proven is the file that was given, byte for byte, and that the engine reads the generation's marker from it.
- Nothing is left behind, and no other engine's directory is touched.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from threading import Thread

from stronghouse.engine.binding import load_engine
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import write_private
from stronghouse.kernel.processes import run

MARKER = "g_{}"
"""The role that every rendered users file has for its generation, and gives to the engine's user."""
_FLAGS = ("-s", "-P", "-B")
_SOUND = "sound"
_CONFIGURATION = """<clickhouse>
<user_directories><users_xml><path>{users}</path></users_xml></user_directories>
<max_server_memory_usage>268435456</max_server_memory_usage>
</clickhouse>
"""
_QUESTION = "SELECT has(currentRoles(), '{}')"


def validate(layout_directory: Path, users_xml: bytes, generation: int, timeout: float = 5.0) -> None:
    """Try `users_xml` out below `layout_directory`; returns if an engine opens with it and knows `generation`.

    Raises:
        Unavailable: code `users_file_invalid`: it does not; `detail` has the engine's words.
    """
    try:
        directory = Path(tempfile.mkdtemp(prefix="scratch-", dir=layout_directory))
    except OSError as error:
        raise _invalid(f"the trial could not be made: {error}") from error
    try:
        write_private(directory / "users.xml", users_xml)
        write_private(directory / "engine.xml", _CONFIGURATION.format(users=directory / "users.xml").encode())
        arguments = [sys.executable, *_FLAGS, "-m", __name__, str(directory), str(generation)]
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "TZ": "UTC", "LANG": "C.UTF-8"}
        done = run(arguments, environment=environment, timeout=timeout, directory=directory)
        if done.returncode != 0 or done.stdout.strip() != _SOUND:
            raise _invalid(
                done.stdout.partition(", Stack trace")[0].strip()[:500] or f"status {done.returncode} {done.stderr}"
            )
    except TimeoutError as error:
        raise _invalid(str(error)) from None
    except OSError as error:
        raise _invalid(f"the trial could not be made: {error}") from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Open an engine on the directory `arguments[1]` and look for generation `arguments[2]`; the exit status."""
    answers: list[str] = []
    # The engine asks for its thread's stack. Of the first thread the kernel tells in /proc/self/maps alone, which the
    # sandbox lets the worker read and not the processes that it starts: the engine would crash there.
    thread = Thread(target=lambda: answers.append(_try(Path(arguments[1]), int(arguments[2]))))
    thread.start()
    thread.join()
    answer = "".join(answers)
    sys.stdout.write(answer)
    return 0 if answer == _SOUND else 1


def _try(directory: Path, generation: int) -> str:
    data = directory / "engine"
    data.mkdir(mode=0o700)
    marker = MARKER.format(generation)
    try:
        connection = load_engine().connect(f"file:{data}?config-file={directory / 'engine.xml'}")
        answer = connection.query(_QUESTION.format(marker), "TSVRaw", params={})
    except RuntimeError as error:
        return str(error)
    if answer.has_error():
        return answer.error_message()
    found = answer.bytes().decode().strip() == "1"
    connection.close()
    return _SOUND if found else f"the role {marker} is not in force"


def _invalid(detail: str) -> Unavailable:
    return Unavailable(
        "The change was not made: the engine would not open with it.", code="users_file_invalid", detail=detail
    )


if __name__ == "__main__":
    status = main(sys.argv)
    sys.stdout.flush()
    # Leaving in the usual way runs the engine's destructors beside its threads, which can crash.
    os._exit(status)
