"""A second, simple description of server-side apply (KEP-555) to compare the server with: objects are sets of paths, and what
an apply or an update does is said in the terms of sets. It has nothing in common with the server's way (walks over trees).

A schema is a nested structure of: "leaf"; {"map": {name: schema}} (declared members); {"any": schema} (members by any
name); {"keys": [names], "of": schema} (a list of type map); "set" (a list of type set)."""
import json


class Conflict(Exception):
    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs  # {((manager, operation), path)}


def item_step(schema, item):
    if schema == "set":
        return "v:" + json.dumps(item)
    return "k:" + json.dumps({k: item[k] for k in sorted(schema["keys"])}, separators=(",", ":"))


def children(schema, value):
    """The parts of a map or list as (step, schema, value, declared by name)."""
    if schema == "set":
        return [(item_step(schema, v), "leaf", v, False) for v in value]
    if "keys" in schema:
        return [(item_step(schema, v), schema["of"], v, False) for v in value]
    if "any" in schema:
        return [("f:" + k, schema["any"], v, False) for k, v in value.items()]
    return [("f:" + k, schema["map"][k], v, True) for k, v in value.items()]


def nodes(schema, value, path=()):
    """Every place of an object: {path: (value of a leaf or of what is empty, or None; declared by name; schema)}."""
    found = {}
    for step, below, v, named in children(schema, value):
        inner = {} if below == "leaf" else nodes(below, v, path + (step,))
        leaf = v if below == "leaf" or not v else None
        found[path + (step,)] = (leaf, named, below)
        found.update(inner)
    return found


def build(schema, places, path=()):
    """The object that has these places."""
    steps = [p[-1] for p in places if p[:-1] == path]
    if schema == "set":
        return [places[path + (s,)][0] for s in steps]
    out = [] if "keys" in schema else {}
    for step in steps:
        leaf, _, below = places[path + (step,)]
        if below == "leaf" or leaf is not None:
            v = leaf
        else:
            inner = {p: x for p, x in places.items() if p[:len(path) + 1] == path + (step,)}
            if len(inner) == 1:  # it has lost all its parts: null, which is dropped
                continue
            v = build(below, inner, path + (step,))
        if isinstance(out, list):
            out.append(v)
        else:
            out[step[2:]] = v
    return out


def members(places):
    """The paths an applied configuration owns."""
    parents = {p[:-1] for p in places}
    owned = set()
    for path, (leaf, named, below) in places.items():
        is_list = below == "set" or (isinstance(below, dict) and "keys" in below)
        if below == "leaf" or not named or (path not in parents and not is_list):
            owned.add(path)
    return owned


def closed(paths, known):
    """With the declared fields above them."""
    out = set(paths)
    for path in paths:
        for n in range(1, len(path)):
            if known.get(path[:n], (None, path[n - 1].startswith("f:"), None))[1]:
                out.add(path[:n])
    return out


def without(places, gone):
    return {p: x for p, x in places.items() if not any(p[:n] in gone for n in range(1, len(p) + 1))}


def compare(old, new):
    added = set(new) - set(old)
    removed = set(old) - set(new)
    parents = {p[:-1] for p in new} | {p[:-1] for p in old}
    modified = {p for p in set(old) & set(new) if new[p][2] == "leaf" and old[p][0] != new[p][0] and p not in parents}
    return added, removed, modified


def named_set(places):
    """All places but lists that are empty, which no set can name (one that has lost all its items is null, not empty)."""
    have = {p[:-1] for p in places}
    return {p for p, (leaf, _, below) in places.items()
            if p in have or leaf is None or below == "leaf" or not (below == "set" or "keys" in below)}


class Model:
    def __init__(self, schema):
        self.schema, self.obj, self.owners = schema, None, {}  # owners: {(manager, operation): paths}

    def yield_fields(self, changed, but=None):
        for owner in list(self.owners):
            if owner != but:
                self.owners[owner] -= changed
                if not self.owners[owner]:
                    del self.owners[owner]

    def update(self, manager, obj):
        old = nodes(self.schema, self.obj) if self.obj is not None else {}
        new = nodes(self.schema, obj)
        created, self.obj = self.obj is None, obj
        if not self.owners and not created:
            return
        added, removed, modified = compare(old, new)
        self.yield_fields(added | removed | modified)
        if added | modified:
            self.owners.setdefault((manager, "Update"), set()).update(added | modified)

    def apply(self, manager, config, force=False):
        me = (manager, "Apply")
        owners = {k: set(v) for k, v in self.owners.items()}
        live = nodes(self.schema, self.obj) if self.obj is not None else {}
        if not owners and self.obj is not None:
            owners[("before-first-apply", "Update")] = set(live)
        wanted = nodes(self.schema, config)
        last = owners.get(me, set())
        merged = {**live, **wanted}
        for path, (leaf, named, below) in wanted.items():  # an empty list or map takes nothing away
            if below != "leaf" and path in live:
                merged[path] = live[path] if any(p[:-1] == path for p in live) else wanted[path]
        mine = members(wanted)
        owners[me] = mine
        known = {**live, **wanted}
        result = merged
        if last:
            everything = named_set(merged)
            applied_before = closed(last, known)
            owned = set()
            for paths in owners.values():
                owned |= closed(paths, known)
            pruned = without(merged, applied_before)
            restored = without(merged, everything - (named_set(pruned) | owned))
            result = without(merged, (everything - named_set(restored)) & applied_before)
        added, removed, modified = compare(live, result)
        conflicts = {(owner, path) for owner, paths in owners.items() if owner != me for path in paths & (added | modified)}
        if conflicts and not force:
            raise Conflict(conflicts)
        self.owners = owners
        self.yield_fields(added | removed | modified, me)
        if not mine:
            del self.owners[me]
        self.obj = build(self.schema, result)
