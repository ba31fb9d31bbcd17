import numpy as np
from collections import deque

WATER, GRASS, STONE, PATH, SAND, TREE, LAVA = 1, 2, 3, 4, 5, 6, 7
COAL, IRON, DIAMOND, TABLE, FURNACE = 8, 9, 10, 11, 12
COW, ZOMBIE, SKELETON, ARROW, PLANT = 14, 15, 16, 17, 18
WALK = (GRASS, PATH, SAND)
CX, CY = 4, 3
DIRS = {1: (-1, 0), 2: (1, 0), 3: (0, -1), 4: (0, 1)}
USE = (5, 6, 7, 8)
MADE = {14: 'wood_pickaxe', 15: 'stone_pickaxe', 16: 'iron_pickaxe',
        17: 'wood_sword', 18: 'stone_sword', 19: 'iron_sword'}
PLACED = {10: STONE, 11: TABLE, 12: FURNACE, 13: PLANT}
TAKEN = ('food', 'drink', 'wood', 'stone', 'coal', 'iron', 'diamond')
WORTH = {'wood': 0.65, 'stone': 0.60, 'coal': 0.75, 'iron': 0.85, 'diamond': 0.90}
RECENT = (0.08, 0.12, 0.18, 0.26, 0.36)   # the last step weighs most

# raw worth of the rungs of the ladder
RUNGS = {
    'wood': 0.040, 'table': 0.130, 'wood_pickaxe': 0.110, 'wood_sword': 0.075,
    'stone': 0.050, 'stone_pickaxe': 0.100, 'stone_sword': 0.075,
    'coal': 0.060, 'furnace': 0.080, 'iron': 0.070,
    'iron_pickaxe': 0.090, 'iron_sword': 0.080, 'diamond': 0.090,
}
STOCK = {'wood': (0.026, 5), 'stone': (0.014, 6), 'coal': (0.020, 2), 'iron': (0.024, 2)}
TOTAL = sum(RUNGS.values()) + sum(w * n for w, n in STOCK.values())


def _clip(x, lo=0.0, hi=1.0):
    return lo if x < lo else hi if x > hi else x


def _need(x):
    """How pressing a meal or a drink is; a little even when full: it may be the task."""
    return 0.15 + 0.85 * (1.0 - _clip(x / 9.0)) ** 1.5


def _view(obs):
    return [[int(v) for v in col] for col in np.asarray(obs['local_view']).tolist()]


def _util(x):
    # each of the last points weighs more than one near the top
    f = _clip(x / 9.0)
    return 0.35 * f + 0.65 * (1.0 - (1.0 - f) ** 2.5)


def _need(x):
    """How pressing a meal or a drink is; a little even when full: it may be the task."""
    return 0.15 + 0.85 * (1.0 - _clip(x / 9.0)) ** 1.5


def _view(obs):
    return [[int(v) for v in col] for col in np.asarray(obs['local_view']).tolist()]


def _util(x):
    f = _clip(x / 9.0)
    return 0.4 * f + 0.6 * (1.0 - (1.0 - f) ** 2)


def _faced(view, obs):
    fx, fy = obs['facing']
    x, y = CX + int(fx), CY + int(fy)
    if 0 <= x < len(view) and 0 <= y < len(view[0]):
        return view[x][y]
    return 0


def _walk_distances(view):
    w, h = len(view), len(view[0])
    dist = {(CX, CY): 0}
    todo = deque([(CX, CY)])
    while todo:
        x, y = todo.popleft()
        d = dist[(x, y)] + 1
        for nx, ny in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
            if 0 <= nx < w and 0 <= ny < h and (nx, ny) not in dist and view[nx][ny] in WALK:
                dist[(nx, ny)] = d
                todo.append((nx, ny))
    return dist


def _steps(cell, dist, facing):
    """About how many moves until this cell is faced."""
    x, y = cell
    best = None
    for n in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
        d = dist.get(n)
        if d is not None and (best is None or d < best):
            best = d
    if best is None:
        return abs(x - CX) + abs(y - CY) + 2.0
    if best == 0:
        return 0.0 if (x - CX, y - CY) == facing else 1.0
    return best + 0.5


def potential(observation, past_observations, past_actions):
    inv = observation['inventory']
    get = lambda k: int(inv.get(k, 0))
    health, food, drink, energy = get('health'), get('food'), get('drink'), get('energy')
    if health <= 0:
        return 0.0, {'dead': 1.0}

    view = _view(observation)
    facing = (int(observation['facing'][0]), int(observation['facing'][1]))
    sleeping = bool(observation['sleeping'])
    daylight = float(observation['daylight'])
    past = list(past_observations)
    past_views = [_view(o) for o in past]
    actions = [int(a) for a in past_actions]

    cells = {}
    for x, col in enumerate(view):
        for y, v in enumerate(col):
            cells.setdefault(v, []).append((x, y))
    seen_lately = set(cells)
    for v in past_views:
        for col in v:
            seen_lately.update(col)

    # ---------------------------------------------------------------- survival
    out = sum(1 for v in (food, drink, energy) if v <= 0)      # health is falling
    survival = (0.34 * _util(health) + 0.23 * _util(food)
                + 0.23 * _util(drink) + 0.20 * _util(energy))
    survival *= 1.0 - 0.05 * out
    if health <= 3:
        survival *= 0.85 + 0.05 * (health - 1)                 # one more hit may end it

    # ---------------------------------------------------------------- progress
    wp, sp, ip = get('wood_pickaxe') > 0, get('stone_pickaxe') > 0, get('iron_pickaxe') > 0
    ws, ss, is_ = get('wood_sword') > 0, get('stone_sword') > 0, get('iron_sword') > 0
    wood, stone, coal, iron = get('wood'), get('stone'), get('coal'), get('iron')
    stone_tool, iron_tool = sp or ss, ip or is_
    any_tool = wp or ws or stone_tool or iron_tool

    furnace_done = iron_tool or FURNACE in seen_lately
    table_done = any_tool or TABLE in seen_lately
    done = {
        'wood': wood > 0 or table_done,
        'table': table_done,
        'wood_pickaxe': wp, 'wood_sword': ws,
        'stone': stone > 0 or stone_tool or furnace_done and wp,
        'stone_pickaxe': sp, 'stone_sword': ss,
        'coal': coal > 0 or iron_tool,
        'furnace': furnace_done,
        'iron': iron > 0 or iron_tool,
        'iron_pickaxe': ip, 'iron_sword': is_,
        'diamond': get('diamond') > 0,
    }
    rungs = sum(RUNGS[k] for k, d in done.items() if d)
    if table_done and not any_tool and wood < 1:
        rungs -= 0.25 * RUNGS['table']      # a table alone, with nothing to make there

    missing = 6 - sum((wp, ws, sp, ss, ip, is_))
    missing_stone = 2 - sum((sp, ss))
    missing_iron = 2 - sum((ip, is_))
    want = {
        'wood': min(5, missing + (0 if table_done else 2)),
        'stone': min(6, missing_stone + (4 if missing_iron and not furnace_done else 0)),
        'coal': missing_iron,
        'iron': missing_iron,
    }
    have = {'wood': wood, 'stone': stone, 'coal': coal, 'iron': iron}
    stock = sum(STOCK[k][0] * min(have[k], want[k]) for k in STOCK)
    progress = (rungs + stock) / TOTAL
    progress = progress ** 0.75          # the first rungs are what a beginner meets

    # ------------------------------------------------------------- opportunity
    dist = _walk_distances(view)

    def near(kind):
        found = cells.get(kind)
        if not found:
            return 0.0
        return _clip(1.0 - min(_steps(c, dist, facing) for c in found) / 11.0)

    def close(kind):  # being beside it is enough, whatever is faced
        found = cells.get(kind)
        if not found:
            return 0.0
        d = min(max(abs(x - CX), abs(y - CY)) for x, y in found)
        return _clip(1.0 - max(0, d - 1) / 7.0)

    chances = {
        'water': _need(drink) * near(WATER),
        'cow': _need(food) * near(COW),
        'tree': (0.65 if wood < want['wood'] else 0.05) * near(TREE),
    }
    if wp:
        chances['stone'] = (0.70 if stone < 1 and missing_stone else
                            0.50 if stone < want['stone'] else 0.05) * near(STONE)
        chances['coal'] = (0.75 if coal < want['coal'] else 0.05) * near(COAL)
    if sp:
        chances['iron'] = (0.85 if iron < want['iron'] else 0.05) * near(IRON)
    if ip:
        chances['diamond'] = 0.9 * near(DIAMOND)
    # a new tool can be made of what is in hand
    plain = ((not wp and wood >= 1) or (not ws and wood >= 1)
             or (not sp and wood >= 1 and stone >= 1) or (not ss and wood >= 1 and stone >= 1))
    metal = missing_iron > 0 and wood >= 1 and coal >= 1 and iron >= 1
    if plain:
        chances['craft'] = 0.85 * close(TABLE)
    if metal:
        chances['craft_iron'] = 0.95 * min(close(TABLE), close(FURNACE))
    if stone >= 4 and missing_iron and FURNACE not in cells:
        chances['furnace'] = 0.75 * close(TABLE)
    if wood >= 2 and TABLE not in cells and (not any_tool or wood >= 3 and (plain or metal)):
        chances['table'] = 0.70 + (0.05 if _faced(view, observation) in WALK else 0.0)
    # with hunger or thirst near the end of their tether all else can wait
    urgent = _clip((3.0 - min(food, drink)) / 3.0)
    thirsty = drink <= food
    for k in chances:
        if k != ('water' if thirsty else 'cow'):
            chances[k] *= 1.0 - (0.2 if k in ('water', 'cow') else 0.4) * urgent

    # -------------------------------------------------------- waste and search
    seq_obs = past + [observation]
    seq_view = past_views + [view]
    idle, dx, dy, blows, taken, won = 0.0, 0, 0, 0, 0.0, 0.0
    for i, a in enumerate(actions):
        if a < 0:
            continue
        fresh = RECENT[i] if i < len(RECENT) else RECENT[-1]
        before, after = seq_obs[i], seq_obs[i + 1]
        vb, va = seq_view[i], seq_view[i + 1]
        target = _faced(vb, before)
        ib, ia = before['inventory'], after['inventory']
        got = [k for k in TAKEN if ia.get(k, 0) > ib.get(k, 0) and ib.get(k, 0) < want.get(k, 9)]
        for k in got:
            # what was taken is gone from the view: keep the chance that it was, fading
            worth = _need(ib.get(k, 0)) if k in ('food', 'drink') else WORTH[k]
            taken = max(taken, worth * (i + 1) / 5.0)
        if a in USE and target in (ZOMBIE, SKELETON):
            blows += 1
            around = [va[x][y] for x in range(CX - 2, CX + 3) for y in range(CY - 2, CY + 3)]
            if target not in around:
                won = max(won, (i + 1) / 5.0)   # it is gone after the blow
            continue
        if before['sleeping'] or after['sleeping']:
            # the last action of a sleep may have counted already
            if a in (11, 12) and _faced(va, after) == PLACED[a] != target:
                taken = max(taken, 0.85 * (i + 1) / 5.0)
            elif energy >= 7:
                idle += 0.5 * fresh
            continue
        if a in DIRS:
            mx, my = DIRS[a]
            if vb[CX + mx][CY + my] in WALK:
                dx += mx
                dy += my
            elif tuple(before['facing']) == tuple(after['facing']):
                idle += fresh
            continue
        if a in USE and target == COW:
            continue
        if a in MADE:
            useful = ib.get(MADE[a], 0) < 1 <= ia.get(MADE[a], 0)   # a second one is a waste
        elif a in PLACED:
            useful = target != PLACED[a] and _faced(va, after) == PLACED[a]
            if a in (11, 12) and any(PLACED[a] in col for col in vb):
                useful = False      # there was one in view already
        elif a in USE:
            useful = bool(got)
        else:
            useful = False
        if not useful:
            idle += fresh
        elif a in MADE or a in (11, 12):
            taken = max(taken, 0.85 * (i + 1) / 5.0)   # the chance to make it was used
    effective = 1.0 - _clip(idle)
    # mostly the best chance, a little for having others beside it
    chances['taken'] = taken
    order = sorted(chances.values(), reverse=True)
    opportunity = 0.85 * order[0] + 0.15 * min(1.0, order[0] + order[1])
    lacking = 1.0 - _clip(opportunity)
    if drink <= 4 and WATER not in cells:
        lacking = max(lacking, 1.0 - drink / 9.0)
    if food <= 4 and COW not in cells:
        lacking = max(lacking, 1.0 - food / 9.0)
    search = _clip((abs(dx) + abs(dy)) / 5.0) * lacking

    # ------------------------------------------------------------------ danger
    frail = _clip(1.3 - health / 9.0, 0.3, 1.0)
    sword = 0.6 if is_ else 0.7 if ss else 0.85 if ws else 1.0
    danger = 0.0
    front = _faced(view, observation)
    for kind, reach, weight in ((ZOMBIE, 5, 0.8), (SKELETON, 5, 0.6), (ARROW, 3, 0.4)):
        found = cells.get(kind)
        if not found:
            continue
        d = min(abs(x - CX) + abs(y - CY) for x, y in found)
        t = weight * frail * _clip(1.0 - (d - 1) / reach)
        if kind != ARROW:
            t *= sword
            if front == kind and health >= 4 and not sleeping:
                t *= 0.35         # ready to fight it
            if sleeping:
                t *= 1.5
        danger += t
    for x, y in cells.get(LAVA, ()):
        d = abs(x - CX) + abs(y - CY)
        if d == 1:
            danger += 0.7 if (x - CX, y - CY) == facing else 0.4
        elif d == 2:
            danger += 0.05
    danger = _clip(danger)
    fight = max(min(blows, 4) / 8.0 if health >= 4 else 0.0, won)

    # ------------------------------------------------------------------- sleep
    if sleeping:
        night = daylight < 0.4
        if energy >= (8 if night else 7):
            rest = -0.8                     # hardly tired: a waste of many steps
        else:
            rest = _clip((7.0 - energy) / 7.0 + (0.2 if night else 0.0))
        if min(food, drink) <= 2:
            rest -= 0.3 * (3 - min(food, drink))   # hunger and thirst do not wait
    else:
        rest = -0.5 * _clip((3.0 - energy) / 3.0)
    rest = 0.5 + 0.5 * _clip(rest, -1.0, 1.0)

    parts = {
        'survival': 0.24 * survival,
        'progress': 0.45 * progress,
        'opportunity': 0.07 * opportunity,
        'effective': 0.04 * effective,
        'search': 0.03 * search,
        'safety': 0.09 * (1.0 - danger),
        'fight': 0.03 * fight,
        'rest': 0.05 * rest,
    }
    value = float(_clip(sum(parts.values())))
    parts = {k: float(v) for k, v in parts.items()}
    return value, parts
