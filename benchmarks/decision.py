"""How long it takes to decide whether somebody may do something, when their roles have two hundred policies.

Run it as `python -m benchmarks.decision`. The policies name a hundred services; what a request pays for is making the
rights out of the roles, once, and looking into them, for each thing that it does. The baseline is somebody with one
system role.
"""

import sys
import time
from random import Random

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import EVERY_SERVICE, Effect, Policy, Rights, Role, rights_of
from stronghouse.access.roles.system import DEVELOPER
from stronghouse.kernel.ids import new_id

POLICIES, SERVICES, DECISIONS = 200, 100, 100_000
LIMIT_MICROSECONDS = 50.0


def main() -> int:
    """Measure and print; 1 if the limit of the product's promises is passed."""
    random = Random(20_261_126)  # noqa: S311 - the same policies each time
    services = [new_id() for _ in range(SERVICES)]
    roles = [Role(str(part), str(part), made_up(random, services, POLICIES // 4)) for part in range(4)]
    many, few = rights_of(roles), rights_of([DEVELOPER])
    asked = [(random.choice(list(Permission)), random.choice(services)) for _ in range(DECISIONS)]
    slow, base = p99(many, asked), p99(few, asked)
    print(
        f"a decision at {POLICIES} policies, p99    {slow:8.2f} µs {slow / base:6.2f} times that with one system role"
    )
    made, plain = making(roles), making([DEVELOPER])
    print(f"making the rights of a request, median {made:8.0f} µs {made / plain:6.2f} times that of one system role")
    return int(slow > LIMIT_MICROSECONDS)


def made_up(random: Random, services: list[str], count: int) -> tuple[Policy, ...]:
    """Policies as roles have them: a few permissions, on one service or on every one; a fifth of them denies."""
    about_services = [one for one in Permission if one.scope == "service"]
    return tuple(
        Policy(
            id=str(number),
            effect=Effect.DENY if random.random() < 0.2 else Effect.ALLOW,
            permissions=tuple(random.sample(about_services, 4)),
            resources=(EVERY_SERVICE,) if number % 10 == 0 else (f"instance/{random.choice(services)}",),
        )
        for number in range(count)
    )


def p99(rights: Rights, asked: list[tuple[Permission, str]]) -> float:
    """Microseconds that 99 of 100 decisions stay below."""
    took = []
    for permission, service_id in asked:
        began = time.perf_counter_ns()
        rights.may(permission, service_id)
        took.append(time.perf_counter_ns() - began)
    return sorted(took)[len(took) * 99 // 100] / 1000


def making(roles: list[Role]) -> float:
    """Microseconds for the rights of one request."""
    took = []
    for _ in range(200):
        began = time.perf_counter_ns()
        rights_of(roles)
        took.append(time.perf_counter_ns() - began)
    return sorted(took)[len(took) // 2] / 1000


if __name__ == "__main__":
    sys.exit(main())
