"""An expert for NetHack that goes down as fast as it can."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import gymnasium

from textenvs.agents.experts.expert import Decision, Expert
from textenvs.agents.experts.nethack_facts import Facts, Target
from textenvs.agents.experts.nethack_reading import STEPS, Reading, place_words, read
from textenvs.agents.experts.nethack_recollection import DIGITS, MANY_JUMPS, NetHackRecollection
from textenvs.agents.experts.nethack_ways import WAYS_DOWN

__all__ = ["NetHackExpert"]

_KEYS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *("apply", "southwest", "close", "drop", "eat", "fire", "rush", "west", "inventory"),
            *("south", "north", "east", "move", "southeast", "open", "pay", "quaff", "read"),
            *("search", "throw", "northeast", "versionshort", "wield", "swap", "northwest", "zap"),
            *("takeoffall", "far southwest", "call", "droptype", "engrave", "fight", "rush2"),
            *("far west", "inventtype", "far south", "far north", "far east", "movefar"),
            *("far southeast", "options", "puton", "quiver", "remove", "save", "takeoff"),
            *("far northeast", "history", "wear", "twoweapon", "far northwest", "cast"),
        ),
        strict=True,
    )
)
_YES, _NO = _KEYS["y"], _KEYS["n"]

_PEACEFUL = frozenset(
    {"shopkeeper", "guard", "watchman", "watch captain", "aligned priest", "Oracle"}
)
_LEAVE = frozenset(
    {"floating eye", "blue jelly", "brown mold", "green mold"}
    | {"gas spore", "cockatrice", "chickatrice", "spotted jelly", "ochre jelly"}
    | _PEACEFUL
)
_WEAK = frozenset(
    {"newt", "jackal", "fox", "coyote", "sewer rat", "giant rat", "rabid rat", "gecko", "grid bug"}
    | {"kobold", "large kobold", "goblin", "hobbit", "gnome", "gnome lord", "kitten", "little dog"}
    | {"cave spider", "centipede", "acid blob", "lichen", "manes", "kobold zombie", "gnome zombie"}
    | {"bat", "giant bat", "garter snake", "homunculus", "imp", "lemming", "killer bee", "housecat"}
)
_EDIBLE = frozenset(
    {"newt", "jackal", "sewer rat", "giant rat", "gecko", "gnome", "gnome lord", "dwarf", "hobbit"}
    | {"goblin", "hill orc", "Mordor orc", "Uruk-hai", "rothe", "pony", "horse", "fox", "coyote"}
    | {"lichen", "giant ant", "acid blob", "floating eye", "baby crocodile", "winter wolf cub"}
    | {"wolf", "jaguar", "lynx", "rock piercer", "bugbear", "giant beetle", "iguana", "imp"}
    | {"cave spider", "grid bug", "dwarf lord", "gnome king", "woodchuck"}
    | {"hill giant", "monkey", "ape", "owlbear"}
)
_FOOD = re.compile(
    r"food ration|cram ration|lembas|tripe|cream pie|candy bar|fortune cookie|pancake|apple|orange"
    r"|pear|melon|banana|carrot|clove of garlic|sprig|egg|slime mold|kelp|royal jelly|K-ration"
    r"|C-ration|meat|huge chunk|tin\b|tins\b"
)
_DIGGER = re.compile(r"pick-axe|mattock|broad pick")
_BOW = re.compile(r"\bbow \(alternate weapon")
_BOW_NAME = re.compile(r"\bbow\b")
_THROWN = re.compile(r"dart|dagger|shuriken")
_SLEEP = re.compile(r"wand of sleep \(0:[1-9]")
_CHOICE = re.compile(r"\[[^\]]*\](?: \(.\))?(?: .)?$")  # how a question ends, and an answer
_LINE = re.compile(r"\b(?:Call|name)\b[^.!?]*:(?: \S*)?$")  # a question that takes words
_MENU_DIGGER = re.compile(
    r"\b([a-zA-Z]) ([-+]) (?:(?!\b[a-zA-Z] [-+] )[^(])*?(?:pick-axe|mattock|broad pick)"
)
_MENU_PAGE = re.compile(r"\((\d+) of (\d+)\)")
_PICK = re.compile(r"\bpick-axe")
_MISSILE = re.compile(
    r"dagger|dart|shuriken|spear|knife|arrow|crossbow bolt|\bya\b|flint|rock\b|rocks\b"
)
_FIRST_PRAYER, _NEXT_PRAYER = 105, 800  # turns
_NO_DIGGING = frozenset({"stairs up", "stairs down", "ladder up", "ladder down"}) | frozenset(
    {"altar", "fountain", "throne", "sink"}
)
_SEARCHED = 15  # turns of one search
_MEALTIME = 400  # turns; a hero who begins is not hungry
_EXPLOSION = 20
_HOPELESS = 4  # below it is too far to leave the Mines
_RANGE = 5
_FIT = 15  # hit points to attack a peaceful dwarf with
_READY = 100  # turns in which a hero gets ready
_DEEP = 7  # from this level on nobody is fought who can be left behind
_STUCK = 30  # actions without a turn of the game after which one is made to pass
_TIRED, _RESTED = 11, 17  # twentieths of the hit points below which, and until which, one rests
_FAR = 5  # a gap that the cursor crosses by eights


class _Scene(NamedTuple):
    """All that a decision depends on."""

    now: Reading
    facts: Facts
    thought: str


class NetHackExpert(Expert):
    """Dives: looks for the way down, fights what stands beside it, prays when it is nearly dead.

    It explores doors and ends of corridors from near to far, leaves long ways to the game's travel
    command, lets that command find what is unexplored, and searches for what is hidden when nothing
    is left. With a pick-axe it digs down.
    """

    name = "nethack-expert"
    games = ("NetHack",)

    def recollection(self) -> NetHackRecollection:
        """A recollection of a game that begins."""
        return NetHackRecollection()

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Forget everything, and see which keys there are."""
        super().begin(episode, env, seed)
        few_keys = "travel" not in env.get_wrapper_attr("action_names")
        self._recollections[episode] = NetHackRecollection(few_keys)

    def decide(self, text: str, recollection: Any, thought: str) -> Decision:
        """Apply the first rule that fits."""
        scene = _Scene(read(text), recollection.facts(), thought)
        for rule in _RULES_OF_FEW_KEYS if scene.facts.few_keys else _RULES:
            decision = rule(scene)
            if decision is not None:
                return decision
        return Decision("wait", "search")


def _over(scene: _Scene) -> Decision | None:
    return None if scene.now.alive else Decision("over", "esc")


def _answer_with_few_keys(scene: _Scene) -> Decision | None:
    """Say where to kick, and turn down whatever else the game asks."""
    now = scene.now
    if not now.alive or now.covered or _CHOICE.search(now.message):
        return Decision("leave the question", "more")
    if "In what direction" in now.message:
        kick = _direction(scene)
        return kick if kick.action in STEPS else Decision("leave the question", "more")
    return None


def _answer(scene: _Scene) -> Decision | None:
    """Answer questions; what the question is about is in the thought that led to it."""
    message = scene.now.message
    if scene.facts.jumps >= 0:
        return None
    if "Pick up what?" in message:
        return _choose(message)
    if "Really attack" in message:
        if "attack the dwarf?" in message and _may_hunt(scene.now):
            return Decision("attack: yes", _YES)
        return Decision("leave the peaceful one", "esc")
    if "want to pray?" in message:
        return Decision("pray: yes", _YES)
    if "who are you?" in message:
        return Decision("leave the question", "esc")
    if "eat it?" in message or "eat one?" in message:
        is_fresh = scene.facts.fresh is not None and scene.facts.fresh.name in message
        return Decision("eat: yes", _YES) if is_fresh else Decision("eat: no", _NO)
    if "In what direction" in message:
        return _direction(scene)
    if _CHOICE.search(message):
        return _letter(scene)
    if scene.now.covered:
        return Decision("leave the page", "esc")
    if _LINE.search(message) or (message.endswith("?") and "You read" not in message):
        return Decision("leave the question", "esc")
    return None


def _direction(scene: _Scene) -> Decision:
    """Say where to: the rule that asked for it still holds, as no turn has passed since."""
    verb = scene.thought.partition(":")[0].partition(" ")[0]
    if verb == "dig":
        return Decision("dig: down", "down")
    rules = {"kick": (_take, _visit), "throw": (_shoot,), "fire": (_fire,), "zap": (_zap,)}
    for rule in rules.get(verb, ()):
        again = rule(scene._replace(thought=""))
        if again is not None and again.thought.startswith(verb):
            return Decision(again.thought, again.thought.split()[-1])
    return Decision("leave the question", "esc")


def _may_hunt(now: Reading) -> bool:
    """Whether the hero lacks something to dig with, and is fit to fight for it."""
    return not _digger(now) and now.hp >= _FIT and now.hp * 3 >= now.hp_max * 2


def _choose(menu: str) -> Decision:
    """Mark what can dig in a menu, page by page, and close it."""
    found = _MENU_DIGGER.search(menu)
    if found is None:
        pages = _MENU_PAGE.search(menu)
        is_last = pages is None or pages[1] == pages[2]
        return Decision("take: nothing", "esc") if is_last else Decision("take: next page", "down")
    letter, mark = found.groups()
    if mark == "+":
        return Decision("take: letter marked", "more")
    return Decision(f"take: letter {letter}", _KEYS[letter])


def _letter(scene: _Scene) -> Decision:
    message, thought = scene.now.message, scene.thought
    if "to use or apply" in message and (digger := _digger(scene.now)):
        return Decision(f"dig: letter {digger}", _KEYS[digger])
    if "want to eat" in message and (food := _food(scene.now)):
        return Decision(f"eat: letter {food}", _KEYS[food])
    if "want to drink" in message and (potion := _potion(scene.now)):
        return Decision(f"drink: letter {potion}", _KEYS[potion])
    if "want to throw" in message and (missile := _missile(scene.now)):
        return Decision(scene.thought, _KEYS[missile])
    if "want to wield" in message and (bow := _letter_of(scene.now, _BOW)):
        return Decision(f"wield: letter {bow}", _KEYS[bow])
    if "want to zap" in message and (wand := _letter_of(scene.now, _SLEEP)):
        return Decision(thought, _KEYS[wand])
    if "want to drop" in message:
        return Decision("drop gold", "dollar")
    if "Continue?" in message and scene.thought.startswith("take"):
        return Decision("take: yes", _YES)
    return Decision("leave the question", "esc")


def _unstick(scene: _Scene) -> Decision | None:
    """Let a turn pass when nothing has come of anything for long."""
    facts = scene.facts
    if facts.idle < (2 if facts.jumps >= 0 else 1) * _STUCK:
        return None
    return Decision("stuck", "esc" if facts.jumps >= 0 or facts.typed else "search")


def _survive(scene: _Scene) -> Decision | None:
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.typed:
        return None
    dying = now.hp <= 5 or now.hp * 7 <= now.hp_max
    starving = "weak from hunger" in now.states or "fainting" in now.states
    heard = now.turn > _FIRST_PRAYER if facts.prayed < 0 else facts.prayed >= _NEXT_PRAYER
    if now.hp * 3 <= now.hp_max and _potion(now):
        return Decision("drink: HP low", "quaff")
    if dying and heard and now.hp < now.hp_max:
        return Decision("pray: HP low", "pray")
    if ("hungry" in now.states or starving) and _food(now):
        return Decision("eat", "eat")
    if starving and heard:
        return Decision("pray: weak", "pray")
    return None


def _descend(scene: _Scene) -> Decision | None:
    now = scene.now
    if scene.facts.mine_stairs:
        return None
    if now.underfoot in WAYS_DOWN and scene.facts.jumps < 0 and scene.facts.idle < 5:
        if _digger(now) and scene.facts.up:
            return None
        return Decision(f"descend: {now.underfoot} here", "down")
    return None


def _fight(scene: _Scene) -> Decision | None:
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 5:
        return None
    if now.is_swallowed:
        return Decision("fight: inside", "north")
    enemy = _enemy(scene)
    if _digger(now) and enemy and enemy[0] not in _WEAK and not facts.up and (dig := _dig(scene)):
        return dig  # the way down is safer
    for sight in now.creatures:
        if not sight.is_adjacent or sight.name.startswith("tame "):
            continue
        if sight.name in _LEAVE and not _may_touch(sight.name, now):
            continue
        word = place_words(sight.spot).removeprefix("adjacent ")
        if word not in facts.peaceful:
            return Decision(f"fight: {sight.name} {word}", word)
    return None


def _rest(scene: _Scene) -> Decision | None:
    """Wait for hit points while nothing hostile is in sight."""
    now, facts = scene.now, scene.facts
    wanted = now.hp_max * (_RESTED if scene.thought.startswith("rest") else _TIRED) // 20
    if _digger(now) and now.hp * 3 > now.hp_max:
        return None
    hungry = any(state in now.states for state in ("hungry", "weak from hunger", "fainting"))
    if now.hp > wanted or hungry or facts.jumps >= 0 or facts.idle > 6:
        return None
    if any(_is_hostile(sight.name) for sight in now.creatures):
        return None
    return _count_search("rest: HP low", scene)


def _is_hostile(name: str) -> bool:
    return not name.startswith("tame ") and name not in _PEACEFUL


def _count_search(aim: str, scene: _Scene) -> Decision:
    """Search for some turns: the digits first, then the command."""
    count = scene.facts.typed
    if scene.facts.few_keys:
        return Decision(aim, "search")
    typed = str(_SEARCHED)
    left = typed.removeprefix(count)
    if count == typed:
        return Decision(aim, "search")
    if count and left == typed:
        return Decision("leave the count", "esc")
    return Decision(f"{aim}, count {left}", DIGITS[int(left[0])])


def _shoot(scene: _Scene) -> Decision | None:
    """Throw something at what had better not be touched and may be in the way."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 5 or not _missile(now):
        return None
    for sight in now.creatures:
        dx, dy = sight.spot
        in_line = not dx or not dy or abs(dx) == abs(dy)
        if sight.name in _LEAVE - _PEACEFUL and in_line and max(abs(dx), abs(dy)) < 4:
            return Decision(f"throw: {sight.name} {place_words(sight.spot).split()[1]}", "throw")
    return None


def _drop_gold(scene: _Scene) -> Decision | None:
    asked = "drop that gold" in scene.now.message or "drop all your gold" in scene.now.message
    return Decision("drop gold", "drop") if asked else None


def _wield(scene: _Scene) -> Decision | None:
    """Take the bow in hand for which there are arrows in the quiver."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.typed or facts.idle > 6 or now.turn > _READY:
        return None
    has_arrows = any("arrow" in item.name and "in quiver" in item.name for item in now.items)
    if not has_arrows or not _letter_of(now, _BOW):
        return None
    return Decision("wield: bow", "wield")


def _zap(scene: _Scene) -> Decision | None:
    """Put to sleep what is winning a fight; then it is an easy prey."""
    now, facts = scene.now, scene.facts
    enemy = _enemy(scene)
    if enemy is None or facts.jumps >= 0 or facts.idle > 6:
        return None
    name, word = enemy
    if scene.thought.startswith(("zap", "fight asleep")):
        return Decision(f"fight asleep: {name} {word}", word)
    if now.hp * 2 > now.hp_max or not _letter_of(now, _SLEEP):
        return None
    return Decision(f"zap: {name} {word}", "zap")


def _enemy(scene: _Scene) -> tuple[str, str] | None:
    """Name and direction of a hostile creature beside the hero."""
    for sight in scene.now.creatures:
        word = place_words(sight.spot).removeprefix("adjacent ")
        if sight.is_adjacent and _is_hostile(sight.name) and word not in scene.facts.peaceful:
            return sight.name, word
    return None


def _fire(scene: _Scene) -> Decision | None:
    """Fire what is in the quiver at what is near and in line."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 6 or not _has_volley(now):
        return None
    for sight in now.creatures:
        dx, dy = sight.spot
        reach = max(abs(dx), abs(dy))
        if (dx and dy and abs(dx) != abs(dy)) or reach > _RANGE or not _is_hostile(sight.name):
            continue
        word = place_words(sight.spot).split()[1]
        if word not in facts.peaceful and now.free.get(word, 0) >= reach - 1:
            return Decision(f"fire: {sight.name} {word}", "fire")
    return None


def _has_volley(now: Reading) -> bool:
    """Whether the quiver holds something that is thrown, or arrows for the bow in hand."""
    ready = [i.name for i in now.items if "in quiver" in i.name or "at the ready" in i.name]
    bow = any(_BOW_NAME.search(i.name) and "weapon in hand" in i.name for i in now.items)
    return any(_THROWN.search(name) or (bow and "arrow" in name) for name in ready)


def _may_touch(name: str, now: Reading) -> bool:
    """A gas spore's explosion takes up to 24 hit points, most often much less."""
    return name == "gas spore" and now.hp > _EXPLOSION


def _eat_fresh(scene: _Scene) -> Decision | None:
    """Eat what was just killed, if it is harmless: before one is hungry there may be no other."""
    now, fresh = scene.now, scene.facts.fresh
    if fresh is None or now.turn < _MEALTIME or "satiated" in now.states or scene.facts.idle > 6:
        return None
    if fresh.name.removesuffix(" corpse") not in _EDIBLE or _digger(now):
        return None
    if fresh.way == "here":
        return Decision(f"eat: {fresh.name} here", "eat")
    return _go("eat", fresh, scene)


def _hunt(scene: _Scene) -> Decision | None:
    """Go for a dwarf: what he digs with is worth more than his peace."""
    facts = scene.facts
    if facts.prey is None or facts.jumps >= 0 or facts.idle > 6 or not _may_hunt(scene.now):
        return None
    if facts.prey.is_adjacent:
        return Decision(f"fight: {facts.prey.name} {facts.prey.way}", facts.prey.way)
    return _go("hunt", facts.prey, scene)


def _take(scene: _Scene) -> Decision | None:
    facts, tool = scene.facts, scene.facts.tool
    if _digger(scene.now) or facts.idle > 6:
        return None
    if facts.pile and facts.jumps < 0:
        return Decision("look: pile", "look")
    if facts.spoils:
        return _go("look", facts.spoils, scene)
    if tool is None:
        return None
    if tool.way == "here":
        return Decision(f"take: {tool.name} here", "pickup")
    return _go("take", tool, scene)


def _dig(scene: _Scene) -> Decision | None:
    now, facts = scene.now, scene.facts
    if not _digger(now) or facts.hard_floor or facts.jumps >= 0:
        return None
    if now.underfoot in _NO_DIGGING:
        word = next(iter(now.free), "")
        return Decision(f"dig: step {word}", word) if word else None
    return Decision("dig: apply", "apply")


def _leave_mines(scene: _Scene) -> Decision | None:
    """Go back up to where one can dig deeper than to the bottom of the Mines."""
    now, up = scene.now, scene.facts.up
    if up is None or now.depth > _HOPELESS:
        return None
    if now.underfoot == "stairs up":
        return Decision("ascend: stairs up here", "up") if scene.facts.jumps < 0 else None
    return _go("ascend", up, scene)


def _autopickup(scene: _Scene) -> Decision | None:
    """Switch it off at the beginning: in shops it makes debts."""
    is_first = not scene.thought and scene.now.turn == 1
    return Decision("autopickup off", "autopickup") if is_first else None


def _flee_down(scene: _Scene) -> Decision | None:
    """Deep down, or nearly dead, the way on is safer than a fight."""
    now, enemy = scene.now, _enemy(scene)
    if enemy is None or (now.depth < _DEEP and now.hp * 3 > now.hp_max):
        return None
    is_worth_it = now.depth >= _DEEP and enemy[0] not in _WEAK
    return _descend(scene) or (_dig(scene) if is_worth_it else None)


def _run_down(scene: _Scene) -> Decision | None:
    """With the way down in reach, do not stay for a fight that is not easily won."""
    now, down, enemy = scene.now, scene.facts.down, _enemy(scene)
    if enemy is None or down is None or down.way == "travel" or scene.facts.idle > 3:
        return None
    is_easy = enemy[0] in _WEAK and now.hp * 2 > now.hp_max
    return None if is_easy else _go("down", down, scene)


def _go_down(scene: _Scene) -> Decision | None:
    down = scene.facts.down
    return _go("down", down, scene) if down else None


def _visit(scene: _Scene) -> Decision | None:
    for target in scene.facts.unvisited[:1]:
        if target.name == "locked door" and target.is_adjacent and target.way in STEPS:
            return Decision(f"kick: locked door {target.way}", "kick")
        return _go("go", target, scene)
    return None


def _explore(scene: _Scene) -> Decision | None:
    facts, cursor = scene.facts, scene.now.cursor
    if facts.none_unexplored:
        return None
    if facts.jumps < 0:
        return Decision("explore: travel", "travel")
    if cursor and facts.cursor == "new" and facts.jumps:
        return Decision(f"explore: {cursor.name} {place_words(cursor.spot)}", "wait")
    if facts.jumps >= MANY_JUMPS or (facts.jumps and not cursor):
        return Decision("explore: nothing", "esc")
    return Decision("explore: jump", "swap")


def _search(scene: _Scene) -> Decision | None:
    facts = scene.facts
    target = facts.search
    if target is None:
        return None
    if target.way != "here":
        return _go("search", target, scene)
    return _count_search(f"search: {target.name} here", scene)


def _go(goal: str, target: Target, scene: _Scene) -> Decision:
    """Follow the way to a target, or steer the cursor of the travel command to it."""
    facts, cursor = scene.facts, scene.now.cursor
    aim = f"{goal}: {target.name} {place_words(target.spot)}"
    if facts.jumps >= 0:
        name = cursor.name if cursor else ""
        if name == target.name and target.name in ("stairs down", "stairs up"):
            return Decision(f"{aim}, confirm", "wait")
        if target.name in ("stairs down", "stairs up") and facts.jumps < 4:
            return Decision(f"{aim}, jump", goal if goal == "down" else "up")
        if facts.gap == "here" and facts.cursor == "unreachable":
            return Decision(f"{aim}, no way", "esc")
        if facts.gap == "here":
            return Decision(f"{aim}, confirm", "wait")
        if facts.jumps > 20 or not facts.gap:
            return Decision(f"{aim}, no", "esc")
        count, word = facts.gap.split()[:2]
        is_far = count.isdigit() and int(count) >= _FAR
        return Decision(f"{aim}, cursor {count} {word}", f"far {word}" if is_far else word)
    if target.way == "travel":
        return Decision(f"{aim} by travel", "travel")
    if target.way == "here":
        return Decision(f"{aim}, wait", "search")
    first, _, word = target.way.partition(" ")
    if first.isdigit():
        return Decision(f"{aim} by {target.way}", word if facts.typed else DIGITS[int(first)])
    return Decision(f"{aim} by {target.way}", target.way)


def _letter_of(now: Reading, wanted: re.Pattern[str]) -> str:
    return next((item.letter for item in now.items if wanted.search(item.name)), "")


def _digger(now: Reading) -> str:
    """The letter of a pick-axe, or of a mattock, which takes both hands."""
    has_shield = any("shield" in item.name for item in now.items)
    return _letter_of(now, _PICK) or ("" if has_shield else _letter_of(now, _DIGGER))


def _food(now: Reading) -> str:
    return _letter_of(now, _FOOD)


def _missile(now: Reading) -> str:
    return next(
        (
            item.letter
            for item in now.items
            if _MISSILE.search(item.name) and "weapon in hand" not in item.name
        ),
        "",
    )


def _potion(now: Reading) -> str:
    return next(
        (item.letter for item in now.items if "healing" in item.name and "potion" in item.name), ""
    )


_RULES = (
    _over,
    _answer,
    _unstick,
    _autopickup,
    _survive,
    _drop_gold,
    _flee_down,
    _run_down,
    _wield,
    _zap,
    _fire,
    _fight,
    _shoot,
    _take,
    _hunt,
    _eat_fresh,
    _rest,
    _descend,
    _leave_mines,
    _dig,
    _go_down,
    _visit,
    _explore,
    _search,
)

_RULES_OF_FEW_KEYS = (
    _answer_with_few_keys,
    _fight,
    _rest,
    _descend,
    _go_down,
    _visit,
    _search,
)
