from stronghouse.app.supervisor_backoff import LONGEST_DELAY, Backoff


def test_first_restart_is_immediate_and_later_ones_wait_longer_up_to_a_limit() -> None:
    backoff = Backoff()
    delays = [backoff.next_delay(lifetime=0.1) for _ in range(12)]
    assert delays[:5] == [0, 0.5, 1, 2, 4]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY


def test_long_health_makes_the_next_restart_immediate_again() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next_delay(lifetime=29.9)
    assert backoff.next_delay(lifetime=30.0) == 0
    assert backoff.next_delay(lifetime=0.0) == 0.5


def test_endless_failures_do_not_overflow() -> None:
    backoff = Backoff(failures=10_000)
    assert backoff.next_delay(lifetime=0.0) == LONGEST_DELAY
