"""Services: the life of a ClickHouse service as the control plane sees it.

Invariant: a service's row says what is wanted and what its region last reported; only reports of the wanted version
count, so a late report never undoes a newer act.
"""
