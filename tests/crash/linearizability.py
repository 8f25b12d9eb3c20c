"""Checks histories of concurrent clients against what a Kubernetes store promises.

Objects are independent, so each is checked alone (P-compositionality, Herlihy and Wing 1990): is there an order of the
operations on it that agrees with their times and, one after the other, with their answers? The search is that of Wing and
Gong (1993) with Lowe's memory of configurations (2017), as in Porcupine. On top of it comes what resource versions promise
about all objects together, and what watches promise.

An operation without an answer may have happened or not, until the moment it can no longer happen (the server that had it is
dead)."""
import dataclasses
from typing import Optional

FOREVER = float("inf")


@dataclasses.dataclass
class Op:
    """What a client asked of one object and was told. value is unique for each write. A version of 0: none said."""
    kind: str  # create, update, delete, read
    key: str
    called: float
    returned: float
    outcome: str  # ok, exists (create), conflict (update), absent (update, delete, read), unknown
    value: Optional[str] = None
    version: int = 0  # ok: of the state written or read
    expected: int = 0  # update: only if the object has this version


# A state is (version, exact, value): the version of what is there, or, when not exact, one that is older than it. Versions
# only grow, which rules most wrong orders out at once.
INITIAL = (0, False, None)


def after_read(state, version, value):
    """The state, once it was seen to be this one; None when it is not."""
    known, exact, there = state
    if there != value or (version != known if exact else version <= known):
        return None
    return version, True, value


def after_write(state, version, value):
    """version 0: nobody was told."""
    known = state[0]
    if not version:
        return known, False, value
    return (version, True, value) if version > known else None


def expectation_holds(state, op):
    known, exact, _ = state
    return not op.expected or (op.expected == known if exact else op.expected > known)


def steps(state, op):
    """The states that may follow when op takes place in this state; none when its answer would have been wrong."""
    known, exact, value = state
    there = value is not None
    wants = {"create": not there, "update": there and expectation_holds(state, op), "delete": there, "read": there}[op.kind]
    if op.outcome == "unknown":
        return [state] + ([after_write(state, 0, op.value)] if wants and op.kind != "read" else [])
    if op.outcome == "exists":
        return [state] if there else []
    if op.outcome == "absent":
        return [] if there else [state]
    if op.outcome == "conflict":
        return [state] if there and not (exact and op.expected == known) else []
    if not wants:
        return []
    after = after_read(state, op.version, op.value) if op.kind == "read" else after_write(state, op.version, op.value)
    return [after] if after else []


class Entry:
    """A call or a return in the list of events; a call knows its return."""
    __slots__ = ("op", "bit", "match", "prev", "next")

    def __init__(self, op, bit, match=None):
        self.op, self.bit, self.match, self.prev, self.next = op, bit, match, None, None


def event_list(ops):
    events = []
    for i, op in enumerate(ops):
        back = Entry(op, 1 << i)
        # At the same time, calls go before returns: those operations overlap.
        events += [(op.called, 0, i, Entry(op, 1 << i, back)), (op.returned, 1, i, back)]
    head = tail = Entry(None, 0)
    for *_, entry in sorted(events, key=lambda e: e[:3]):
        tail.next, entry.prev, tail = entry, tail, entry
    return head


def lift(call):
    """Takes an operation out of the list."""
    for e in (call, call.match):
        e.prev.next = e.next
        if e.next:
            e.next.prev = e.prev


def unlift(call):
    for e in (call.match, call):
        e.prev.next = e
        if e.next:
            e.next.prev = e


def linearizable(ops, step=steps, initial=INITIAL):
    """None when there is an order; else the longest beginning of one that was found."""
    head = event_list(ops)
    done, state, seen, stack = 0, initial, set(), []
    entry, first_choice, longest = head.next, 0, []
    while head.next:
        if entry.match:
            moved = False
            choices = step(state, entry.op)
            for choice in range(first_choice, len(choices)):
                configuration = (done | entry.bit, choices[choice])
                if configuration not in seen:
                    seen.add(configuration)
                    stack.append((entry, choice, state))
                    done, state = configuration
                    lift(entry)
                    moved = True
                    break
            first_choice = 0
            entry = head.next if moved else entry.next
            if moved and len(stack) > len(longest):
                longest = [e.op for e, *_ in stack]
        else:
            # The return of an operation that found no place: the last choice was wrong.
            if not stack:
                return longest
            entry, choice, state = stack.pop()
            done ^= entry.bit
            unlift(entry)
            first_choice = choice + 1
    return None


def without_unseen(ops):
    """Without the writes that had no answer and whose value nobody saw. An order of the others is one of all, in which these
    did not happen; it is found much faster. That there is none proves nothing."""
    seen = {o.value for o in ops if o.outcome == "ok"}
    return [o for o in ops if o.outcome != "unknown" or o.kind == "delete" or o.value in seen]


def check_objects(ops):
    """Every object's operations have an order."""
    keys = {}
    for op in ops:
        keys.setdefault(op.key, []).append(op)
    for key, mine in keys.items():
        if linearizable(without_unseen(mine)) is None:
            continue
        longest = linearizable(mine)
        if longest is not None:
            rest = sorted((o for o in mine if o not in longest), key=lambda o: o.called)
            raise AssertionError(f"{key}: no order of its {len(mine)} operations explains their answers.\n"
                                 f"In order, as far as possible: {longest[-5:]}\nand then one of: {rest[:5]}")


def writes_of(ops):
    return [o for o in ops if o.kind in ("create", "update") and o.outcome == "ok"]


def check_versions(ops):
    """Versions are given out once, and in the order of time over all objects."""
    writes = writes_of(ops)
    by_version = {}
    for o in writes:
        assert o.version not in by_version, f"version {o.version} was given to {by_version[o.version]} and to {o}"
        by_version[o.version] = o
    newest = None  # of what had returned before
    returned = sorted(writes, key=lambda o: o.returned)
    at = 0
    for o in sorted(writes, key=lambda o: o.called):
        while at < len(returned) and returned[at].returned < o.called:
            if newest is None or returned[at].version > newest.version:
                newest = returned[at]
            at += 1
        assert newest is None or o.version > newest.version, f"{o} began after {newest} had ended, with an older version"


@dataclasses.dataclass
class List:
    """A list of all objects: a read of each at one version."""
    called: float
    returned: float
    version: int
    items: dict  # key → (version, value)


def check_lists(ops, lists):
    """A list has of each object the newest version up to the list's own: nothing older, and nothing newer."""
    by_key = {}
    for o in writes_of(ops):
        by_key.setdefault(o.key, []).append(o)
    for one in lists:
        for key, (version, value) in one.items.items():
            assert version <= one.version, f"the list at {one.version} has {key} at {version}"
            for o in by_key.get(key, ()):
                assert o.version != version or o.value == value, f"the list at {one.version}: {key} is not what {o} wrote"
                # A later write that the list should have seen. (A deleted object is not there, which is no proof.)
                assert not version < o.version <= one.version, f"the list at {one.version} has {key} at {version}, not {o}"
    ordered = sorted(lists, key=lambda x: x.called)
    newest = 0
    ends = sorted(lists, key=lambda x: x.returned)
    at = 0
    for one in ordered:
        while at < len(ends) and ends[at].returned < one.called:
            newest = max(newest, ends[at].version)
            at += 1
        assert one.version >= newest, f"a list at {one.version} came after one at {newest}"


def reads_of_lists(lists, keys):
    """Each list as a read of every key, for check_objects()."""
    ops = []
    for one in lists:
        for key in keys:
            version, value = one.items.get(key, (0, None))
            ops.append(Op("read", key, one.called, one.returned, "ok" if value is not None else "absent", value, version))
    return ops


@dataclasses.dataclass
class Event:
    type: str  # ADDED, MODIFIED, DELETED
    key: str
    version: int
    value: str


@dataclasses.dataclass
class Watch:
    """What one watcher was told from a version on, over any number of resumed connections."""
    start: int
    items: dict  # key → (version, value): what was there at the start
    events: list


def check_watch(watch, ops):
    """Each version of each object, in order, once; nothing between is missing."""
    state = dict(watch.items)
    last = watch.start
    told = {}
    for e in watch.events:
        assert e.version > last, f"{e} came after version {last}"
        last = e.version
        there = e.key in state
        assert there == (e.type != "ADDED"), f"{e}, though {'it was there' if there else 'it was not there'}"
        told[e.version] = e
        if e.type == "DELETED":
            assert state.pop(e.key)[1] == e.value, f"{e} is not the last state"
        else:
            state[e.key] = (e.version, e.value)
    for o in writes_of(ops):
        if watch.start < o.version <= last:
            e = told.get(o.version)
            assert e, f"{o} was not told between {watch.start} and {last}"
            assert (e.key, e.value) == (o.key, o.value) and e.type != "DELETED", f"{e} was told of {o}"
    known = {(o.key, o.value) for o in ops if o.kind in ("create", "update")}
    for e in watch.events:
        assert (e.key, e.value) in known, f"nobody wrote {e}"


def check_watches(watches, ops):
    for w in watches:
        check_watch(w, ops)
    agreed = {}
    for w in watches:
        for e in w.events:
            assert agreed.setdefault(e.version, e) == e, f"watchers were told {agreed[e.version]} and {e}"


def check_all(ops, lists, watches):
    check_versions(ops)
    check_lists(ops, lists)
    check_watches(watches, ops)
    check_objects(ops + reads_of_lists(lists, {o.key for o in ops}))
