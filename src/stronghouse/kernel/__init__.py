"""What every area stands on: errors, ids, secrets, time, files, processes, logs.

Invariant: nothing here knows an area, a database or a web framework.
"""
