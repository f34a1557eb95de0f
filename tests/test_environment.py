"""What a plan needs from its router: states by account, and the router's own randomness."""

from __future__ import annotations

import threading

from llmroute.environment import Randomness, StateTable


def test_a_state_is_made_once_for_each_key():
    """And kept, whatever is asked for in between."""
    table = StateTable(limit=3)
    first = table.get("a")
    table.get("b").cool_until = 5.0

    assert first is table.get("a")
    assert (0.0, 5.0) == (first.cool_until, table.get("b").cool_until)


def test_the_least_recently_used_state_is_forgotten():
    """A bound on what thousands of tenants hold."""
    table = StateTable(limit=2)
    first, second = table.get("a"), table.get("b")
    table.get("a")
    table.get("c")

    assert first is table.get("a")
    assert second is not table.get("b")


def test_threads_share_one_state():
    """Two plans of one account never meet different ones."""
    table = StateTable()
    barrier = threading.Barrier(8)
    seen = []

    def ask():
        barrier.wait()
        seen.extend(table.get(number) for number in range(100))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 800 == len(seen)
    assert 100 == len({id(state) for state in seen})


def test_a_seed_makes_the_numbers_repeatable():
    """Until the source is reseeded, as in a forked child."""
    one, other, unseeded = Randomness(5), Randomness(5), Randomness()
    numbers = [one.next() for _ in range(5)]

    assert numbers == [other.next() for _ in range(5)]
    assert numbers != [unseeded.next() for _ in range(5)]
    one.reseed()
    assert [one.next() for _ in range(5)] != [other.next() for _ in range(5)]
    assert all(0 <= one.next() < 1 for _ in range(100))
