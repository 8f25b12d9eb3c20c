"""The checker itself: it accepts what is right and refuses what is wrong."""
import random

import pytest

from linearizability import (FOREVER, Event, List, Op, Watch, check_all, check_lists, check_objects, check_versions,
                             check_watch, check_watches, linearizable)


def create(called, returned, value, version, outcome="ok"):
    return Op("create", "k", called, returned, outcome, value, version)


def update(called, returned, value, version, expected=0, outcome="ok"):
    return Op("update", "k", called, returned, outcome, value, version, expected)


def delete(called, returned, outcome="ok"):
    return Op("delete", "k", called, returned, outcome)


def read(called, returned, value=None, version=0):
    return Op("read", "k", called, returned, "ok" if value else "absent", value, version)


GOOD = {
    "nothing": [],
    "one after the other": [create(0, 1, "a", 1), read(2, 3, "a", 1), update(4, 5, "b", 2, 1), read(6, 7, "b", 2),
                            delete(8, 9), read(10, 11)],
    "a read during a write sees either": [create(0, 1, "a", 1), update(2, 9, "b", 2), read(3, 4, "a", 1), read(5, 6, "b", 2)],
    "of two that create one succeeds": [create(0, 5, "a", 1), create(1, 4, "b", 0, "exists"), read(6, 7, "a", 1)],
    "a conflict after another's update": [create(0, 1, "a", 1), update(2, 5, "b", 2, 1),
                                          update(3, 6, "c", 0, 1, "conflict"), read(7, 8, "b", 2)],
    "no answer, but it happened": [create(0, 1, "a", 1), update(2, 5, "b", 0, 1, "unknown"), read(6, 7, "b", 2),
                                   update(8, 9, "c", 3, 2)],
    "no answer, and it did not happen": [create(0, 1, "a", 1), update(2, 5, "b", 0, 1, "unknown"), read(6, 7, "a", 1)],
    "no answer, and it happened late": [create(0, 1, "a", 1), update(2, FOREVER, "b", 0, 0, "unknown"),
                                        read(6, 7, "a", 1), read(8, 9, "b", 2)],
    "a deletion without an answer": [create(0, 1, "a", 1), Op("delete", "k", 2, 5, "unknown"), create(6, 7, "b", 3)],
    "a version that is only learnt later": [create(0, 3, "a", 0, "unknown"), update(4, 5, "b", 2, 1)],
}
BAD = {
    "a read of what was never written": [create(0, 1, "a", 1), read(2, 3, "x", 2)],
    "a read of what is over": [create(0, 1, "a", 1), update(2, 3, "b", 2), read(4, 5, "a", 1)],
    "an acknowledged write is lost": [create(0, 1, "a", 1), read(2, 3)],
    "a deleted object is there again": [create(0, 1, "a", 1), delete(2, 3), read(4, 5, "a", 1)],
    "two that create succeed": [create(0, 5, "a", 1), create(1, 4, "b", 2)],
    "both of two that expect one version succeed": [create(0, 1, "a", 1), update(2, 5, "b", 2, 1), update(3, 6, "c", 3, 1)],
    "a conflict without reason": [create(0, 1, "a", 1), update(2, 3, "b", 0, 1, "conflict")],
    "back and forth": [create(0, 1, "a", 1), update(2, 9, "b", 2), read(3, 4, "b", 2), read(5, 6, "a", 1)],
    "it exists though nobody made it": [create(0, 1, "a", 0, "exists")],
    "absent while it is there": [create(0, 1, "a", 1), delete(2, 3, "absent")],
    "what had no answer happens after its server's death": [create(0, 1, "a", 1), update(2, 5, "b", 0, 1, "unknown"),
                                                            read(6, 7, "a", 1), read(8, 9, "b", 2)],
    "what had no answer, undone": [create(0, 1, "a", 1), update(2, 5, "b", 0, 1, "unknown"), read(6, 7, "b", 2),
                                   read(8, 9, "a", 1)],
    "the right value with another version": [create(0, 1, "a", 1), read(2, 3, "a", 7)],
}


@pytest.mark.parametrize("ops", GOOD.values(), ids=GOOD)
def test_right_histories_are_accepted(ops):
    assert linearizable(ops) is None
    check_all(ops, [], [])


@pytest.mark.parametrize("ops", BAD.values(), ids=BAD)
def test_wrong_histories_are_refused(ops):
    assert linearizable(ops) is not None
    with pytest.raises(AssertionError):
        check_objects(ops)


def simulated(seed, clients=4, count=60):
    """A history of a real register: each operation takes place at some moment between its call and its return."""
    rng = random.Random(seed)
    state, version, ops, free = None, 0, [], [0.0] * clients
    for _ in range(count):
        client = min(range(clients), key=lambda c: free[c])
        called = free[client] + rng.random()
        kind = rng.choice(["create", "update", "delete", "read", "read"])
        ops.append([called + rng.random(), called, kind])
        free[client] = called + 3 * rng.random()
        ops[-1].append(max(free[client], ops[-1][0]))
    result = []
    for at, called, kind, returned in sorted(ops):
        value = f"v{len(result)}"
        lost = kind != "read" and rng.random() < 0.1
        wanted = rng.choice([0, version, max(version - 1, 0)]) if kind == "update" else 0
        if kind == "create":
            outcome = "exists" if state else "ok"
        elif state is None:
            outcome = "absent"
        elif kind == "update" and wanted and wanted != state[0]:
            outcome = "conflict"
        else:
            outcome = "ok"
        if outcome == "ok" and kind in ("create", "update"):
            version += 1
            state = (version, value)
        elif outcome == "ok" and kind == "delete":
            version += 1
            state = None
        seen = state if kind == "read" and state else (version, value)
        result.append(Op(kind, "k", called, returned, "unknown" if lost else outcome, seen[1] if kind != "delete" else None,
                         0 if lost or outcome != "ok" or kind == "delete" else seen[0], wanted))
    return result


@pytest.mark.parametrize("seed", range(30))
def test_simulated_histories_are_accepted_and_broken_ones_refused(seed):
    ops = simulated(seed)
    assert linearizable(ops) is None
    reads = [o for o in ops if o.kind == "read" and o.outcome == "ok"]
    if reads:
        victim = random.Random(seed).choice(reads)
        victim.value = "never written"
        assert linearizable(ops) is not None


def test_many_writes_without_answer_are_no_problem():
    lost = [update(2, 5, f"lost-{i}", 0, 0, "unknown") for i in range(40)]
    check_objects([create(0, 1, "a", 1), *lost, read(6, 7, "lost-7", 4)])
    check_objects([create(0, 1, "a", 1), *lost, update(6, 7, "b", 0, 1, "conflict"), read(8, 9, "lost-7", 4)])
    # One that nobody saw explains why another conflicts.
    check_objects([create(0, 1, "a", 1), *lost[:3], update(6, 7, "b", 0, 1, "conflict"), delete(8, 9)])


def test_versions_given_out_twice_or_backwards_are_refused():
    with pytest.raises(AssertionError, match="was given to"):
        check_versions([create(0, 1, "a", 1), Op("create", "l", 2, 3, "ok", "b", 1)])
    with pytest.raises(AssertionError, match="older version"):
        check_versions([create(0, 1, "a", 5), Op("create", "l", 2, 3, "ok", "b", 4)])
    check_versions([create(0, 3, "a", 5), Op("create", "l", 2, 4, "ok", "b", 4)])


def test_lists_are_of_one_moment():
    ops = [create(0, 1, "a", 1), update(2, 3, "b", 2), Op("create", "l", 4, 5, "ok", "c", 3)]
    check_lists(ops, [List(6, 7, 3, {"k": (2, "b"), "l": (3, "c")})])
    with pytest.raises(AssertionError, match="has k at 1"):
        check_lists(ops, [List(6, 7, 3, {"k": (1, "a"), "l": (3, "c")})])
    with pytest.raises(AssertionError, match="the list at 2 has l at 3"):
        check_lists(ops, [List(6, 7, 2, {"k": (2, "b"), "l": (3, "c")})])
    with pytest.raises(AssertionError, match="came after"):
        check_lists(ops, [List(6, 7, 3, {}), List(8, 9, 2, {})])
    with pytest.raises(AssertionError, match="no order"):
        check_all(ops, [List(6, 7, 3, {"k": (2, "b")})], [])  # l is missing


EVENTS = [Event("ADDED", "k", 1, "a"), Event("MODIFIED", "k", 2, "b"), Event("DELETED", "k", 3, "b"),
          Event("ADDED", "k", 4, "c")]
WRITES = [create(0, 1, "a", 1), update(2, 3, "b", 2), delete(4, 5), create(6, 7, "c", 4)]


def test_watches_have_every_version_in_order():
    check_watch(Watch(0, {}, EVENTS), WRITES)
    check_watch(Watch(1, {"k": (1, "a")}, EVENTS[1:]), WRITES)
    for missing in range(len(EVENTS)):
        events = EVENTS[:missing] + EVENTS[missing + 1:] + [Event("MODIFIED", "k", 9, "c")]
        with pytest.raises(AssertionError):
            check_watch(Watch(0, {}, events), WRITES)
    with pytest.raises(AssertionError, match="came after"):
        check_watch(Watch(0, {}, [EVENTS[0], EVENTS[1], EVENTS[1]]), WRITES)
    with pytest.raises(AssertionError, match="nobody wrote"):
        check_watch(Watch(0, {}, EVENTS + [Event("MODIFIED", "k", 9, "x")]), WRITES)
    with pytest.raises(AssertionError, match="not the last state"):
        check_watch(Watch(0, {}, EVENTS[:2] + [Event("DELETED", "k", 3, "a")]), WRITES)


def test_watchers_agree():
    other = [Event("ADDED", "k", 1, "b")]
    with pytest.raises(AssertionError, match="were told"):
        check_watches([Watch(0, {}, EVENTS[:1]), Watch(0, {}, other)], [create(0, 1, "a", 0, "unknown"),
                                                                        create(0, 1, "b", 0, "unknown")])
