import numpy as np
from collections import deque

DU = (0, 1, 0, -1)      # up, right, down, left in the view
DV = (-1, 0, 1, 0)
OBJECTS = (5, 6, 7)
WIDE = 48
SHIFT = 20

_RIGHT = np.repeat(np.arange(7) - 3, 7).reshape(7, 7)      # of the cell [u, v]
_AHEAD = 6 - np.tile(np.arange(7), 7).reshape(7, 7)
_OFFSET = []
for _d in range(4):
    _e = (_d + 1) % 4
    _OFFSET.append((_AHEAD * DU[_d] + _RIGHT * DU[_e]) * WIDE
                   + (_AHEAD * DV[_d] + _RIGHT * DV[_e]))


def _passable(k, s):
    return k in (1, 3, 8) or (k == 4 and s == 0)


def _costs(kind, state, targets):
    """Steps until the player stands in front of each target and looks at it."""
    found = {}
    want = set(targets)
    if not want:
        return found
    seen = bytearray(196)
    seen[(3 * 7 + 6) * 4] = 1
    queue = deque([(3, 6, 0, 0)])
    while queue and want:
        u, v, d, c = queue.popleft()
        nu, nv = u + DU[d], v + DV[d]
        if 0 <= nu < 7 and 0 <= nv < 7:
            if (nu, nv) in want:
                found[(nu, nv)] = c
                want.discard((nu, nv))
            if _passable(kind[nu][nv], state[nu][nv]):
                i = (nu * 7 + nv) * 4 + d
                if not seen[i]:
                    seen[i] = 1
                    queue.append((nu, nv, d, c + 1))
        for e in ((d + 1) % 4, (d + 3) % 4):
            i = (u * 7 + v) * 4 + e
            if not seen[i]:
                seen[i] = 1
                queue.append((u, v, e, c + 1))
    for (u, v) in want:                       # no way in view
        found[(u, v)] = abs(u - 3) + abs(6 - v) + 4
    return found


def _far(u, v):
    """The same for a cell out of view, as if nothing stood between."""
    r, f = abs(u - 3), 6 - v
    if r == 0:
        return (f - 1) if f > 0 else 1 - f
    if f >= 0:
        return f + r
    return r - f + 1


def _front(obs):
    return int(obs[3, 5, 0]), int(obs[3, 5, 1]), int(obs[3, 5, 2])


def _carried(obs):
    k = int(obs[3, 6, 0])
    return (k, int(obs[3, 6, 1])) if k in OBJECTS else None


def _interesting(f):
    return f[0] in OBJECTS or (f[0] == 4 and f[2] != 0)


def potential(observation, past_observations, past_actions):
    obs = np.asarray(observation)
    past = np.asarray(past_observations)
    acts = [int(a) for a in np.asarray(past_actions).ravel()]
    frames = [past[i] for i in range(len(acts)) if acts[i] >= 0] + [obs]
    acts = [a for a in acts if a >= 0]
    n = len(acts)
    fronts = [_front(f) for f in frames]
    carries = [_carried(f) for f in frames]

    # where the player stood, in the cells of the present view
    poses = [(3, 6, 0)] * (n + 1)
    for i in range(n - 1, -1, -1):
        u, v, d = poses[i + 1]
        if acts[i] == 0:
            d = (d + 1) % 4
        elif acts[i] == 1:
            d = (d + 3) % 4
        elif acts[i] == 2 and _passable(fronts[i][0], fronts[i][2]):
            u, v = u - DU[d], v - DV[d]
        poses[i] = (u, v, d)
    places = [(u + DU[d], v + DV[d]) for u, v, d in poses]

    # what the last steps did
    wasted = 0.0
    harm = 0.0
    pick_age = None
    opened = 0.0
    dropped = set()
    gone = {}
    for i, a in enumerate(acts):
        before, after = fronts[i], fronts[i + 1]
        age = n - 1 - i
        if a == 6:
            wasted += 1
        elif a == 2:
            if not _passable(before[0], before[2]):
                wasted += 1
        elif a in (3, 4):
            if carries[i] == carries[i + 1]:
                wasted += 1
            elif a == 3:
                gone[places[i]] = i
                if carries[i + 1] in dropped:
                    wasted += 1
                    pick_age = None
                else:
                    pick_age = age
            elif carries[i] is not None:
                dropped.add(carries[i])
        elif a == 5:
            if before == after:
                wasted += 1
            elif before[0] == 7:
                harm = 1.0
                gone[places[i]] = i
            elif before[0] == 4:
                if after[0] == 4 and after[2] == 0:
                    opened = 1.0
                    gone[places[i]] = i
                else:
                    wasted += 1
        if i > 0 and a in (0, 1) and acts[i - 1] == 1 - a:
            wasted += 1
        if i > 2 and a in (0, 1) and acts[i - 3:i + 1] == [a] * 4:
            wasted += 1
    waste = min(1.0, wasted / 5.0)

    # what was faced lately, and for how long the thing in front was stared at
    front = fronts[-1]
    visited = set(f[:2] for f in fronts[:-1] if _interesting(f)) | dropped
    spots = set(p for p, f in zip(places[:-1], fronts[:-1]) if _interesting(f))
    floor = 0.0
    stay = 0
    facing = 0.0
    for age in range(1, n + 1):
        f = fronts[n - age]
        if _interesting(f) and f[:2] not in dropped:
            floor = 0.44 - 0.05 * (age - 1)
            break
    if _interesting(front):
        for i in range(n - 1, -1, -1):
            still = acts[i] in (3, 4, 5, 6) or (
                acts[i] == 2 and not _passable(fronts[i][0], fronts[i][2]))
            if fronts[i] == front and still:
                stay += 1
            else:
                break
        facing = 1.0 - 0.12 * stay
        if front[:2] in dropped:
            facing *= 0.4
        if front[0] == 4:
            facing *= 0.9

    # what can be reached now: things in view, and things remembered
    kind = obs[:, :, 0].tolist()
    colour = obs[:, :, 1].tolist()
    state = obs[:, :, 2].tolist()
    targets = []
    objects = 0
    kinds = set()
    for u in range(7):
        for v in range(7):
            k = kind[u][v]
            if u == 3 and v == 6:
                continue
            if k in OBJECTS:
                objects += 1
                kinds.add((k, colour[u][v]))
            if v == 5 and u == 3:
                continue
            if k in OBJECTS or (k == 4 and state[u][v] != 0):
                targets.append((u, v))

    remembered = {}
    shown = np.zeros(WIDE * WIDE, dtype=bool)
    for i in range(n + 1):
        f = frames[i]
        k = f[:, :, 0]
        pu, pv, d = poses[i]
        clear = (k != 0) & (k != 2)
        cells = _OFFSET[d] + ((pu + SHIFT) * WIDE + pv + SHIFT)
        shown[cells[clear]] = True
        if i == n:
            break
        us, vs = np.nonzero((k >= 4) & (k <= 7))
        e = (d + 1) % 4
        for u, v in zip(us.tolist(), vs.tolist()):
            if u == 3 and v == 6:
                continue
            thing = (int(f[u, v, 0]), int(f[u, v, 1]), int(f[u, v, 2]))
            if not _interesting(thing):
                continue
            r, a = u - 3, 6 - v
            p = (pu + a * DU[d] + r * DU[e], pv + a * DV[d] + r * DV[e])
            if p in gone and gone[p] >= i:
                continue
            if 0 <= p[0] < 7 and 0 <= p[1] < 7 and kind[p[0]][p[1]] != 0:
                continue
            remembered[p] = thing

    def worth(p, k, c, cost):
        w = 0.8 * max(0.05, 1.0 - (cost - 1) / 12.0)
        if k == 4:
            w *= 0.7
        if p in spots:
            w *= 0.35
        elif (k, c) in visited:
            w *= 0.55
        return w

    approach = 0.0
    for (u, v), c in _costs(kind, state, targets).items():
        approach = max(approach, worth((u, v), kind[u][v], colour[u][v], c))
    recall = 0.0
    for p, thing in remembered.items():
        recall = max(recall, 0.72 * worth(p, thing[0], thing[1], _far(*p)))
    best = max(approach, recall, facing)
    if facing > 0.0:
        floor = min(floor, 0.3)
    progress = floor + (1.0 - floor) * best

    old = set(t[:2] for t in remembered.values()) - kinds
    more = objects + len(remembered) - len(kinds) - len(old)
    sight = 1.0 - 0.65 ** (len(kinds) + 0.5 * len(old) + 0.2 * more)

    # how much of the room the last observations have shown
    known = min(1.0, float(shown.sum()) / 140.0)
    lost = not targets and not remembered and facing == 0.0

    carrying = 0.0
    if carries[-1] is not None:
        carrying = 0.2 if pick_age is None else 1.0 - 0.17 * pick_age

    lava = 1.0 if front[0] == 9 else 0.0

    value = (0.11 + 0.48 * progress + 0.19 * carrying + 0.08 * sight
             + (0.14 if lost else 0.03) * known + 0.05 * opened
             - 0.15 * waste - 0.10 * harm - 0.10 * lava)
    value = float(min(1.0, max(0.0, value)))
    parts = {
        "progress": float(progress), "approach": float(approach),
        "recall": float(recall), "facing": float(facing),
        "floor": float(floor), "stay": float(stay),
        "carrying": float(carrying), "sight": float(sight),
        "known": float(known), "opened": float(opened),
        "waste": float(waste), "harm": float(harm), "lava": float(lava),
    }
    return value, parts
