"""One service's worker: a sandboxed process that serves ClickHouse's HTTP interface on a socket that it inherits.

    process.py   the agent's side: starts a worker, tells it things, ends it
    launch.py    the stage between: takes rights away, then becomes the worker (standard library and pyseccomp only)
    __main__.py  the worker: opens the engine, serves, answers the agent

Invariants:
- A worker is confined before its first line of code runs, and what could not be confined is reported.
- No statement, parameter, password or row goes to a log or to a file in plain text.
- A connection is accepted only by a worker that will answer it; the others wait in the socket that the agent holds.
"""
