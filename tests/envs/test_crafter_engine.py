"""The engine is the published game: its whole state is compared at every step."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.difficulty import DIFFICULTIES
from textenvs.envs.crafter.engine import Engine
from textenvs.envs.crafter.env import CrafterTextEnv
from textenvs.envs.crafter.reference import ReferenceCrafter
from textenvs.envs.crafter.rules import crafter_folder, load_rules
from textenvs.envs.crafter.tasks import TASKS
from textenvs.envs.crafter.things import COW, SKELETON, ZOMBIE
from textenvs.envs.crafter.words import WorldRandom
from textenvs.errors import UnknownName

RULES = load_rules(crafter_folder("this test"))
ITEMS = [name for name in RULES.initial if name != "health"]
MOVES, DO, SLEEP = (1, 2, 3, 4), 5, 6


def _engine(difficulty: str = "normal", area: tuple[int, int] = (64, 64)) -> Engine:
    return Engine(RULES, area, (9, 9), 10_000, DIFFICULTIES[difficulty])


class Pair:
    """The same game in both engines; whatever is done is done to both, and then compared."""

    def __init__(self, seed: int, area: tuple[int, int] = (64, 64)) -> None:
        self.ours, self.theirs = _engine(area=area), ReferenceCrafter(area=area)
        for game in (self.ours, self.theirs):
            game.seed_world(seed)
            game.reset()
        self.compare()

    def play(self, action: int) -> None:
        assert self.ours.play(action) == self.theirs.play(action)
        self.compare()

    def give(self, item: str, count: int) -> None:
        self.ours.inventory[item] = self.theirs._player.inventory[item] = count

    def heal(self) -> None:
        """So that a long game goes on; hunger and wounds are played all the same."""
        self.give("health", 9)
        self.ours._health_before = self.ours._health_paid = 9
        self.theirs._player._last_health = self.theirs._last_health = 9

    def build(self, x: int, y: int, material: str) -> None:
        self.ours.set_material(x * self.ours.height + y, NAMES.index(material))
        self.theirs._world[x, y] = material

    def compare(self) -> None:
        ours, theirs, player = self.ours, self.theirs, self.theirs._player
        assert bytes(ours.materials) == theirs._world._mat_map.tobytes()
        assert bytes(ours.seen) == theirs._sem_view().tobytes()
        assert ours.inventory == player.inventory
        assert ours.achievements == player.achievements
        assert (ours.sleeping, ours.facing) == (player.sleeping, tuple(player.facing))
        assert [_key(thing) for thing in ours.things] == [
            _their_key(thing) for thing in theirs._world.objects
        ]
        body = (player._hunger, player._thirst, player._fatigue, player._recover)
        assert (ours._hunger, ours._thirst, ours._fatigue, ours._recover) == body

    def compare_numbers(self) -> None:
        """Both have drawn as many numbers; to be asked at the end, since it draws."""
        assert self.ours.random.uniform() == self.theirs._world.random.uniform()


def _key(thing: Any) -> tuple[Any, ...]:
    health = None if NAMES[thing.kind] == "player" else thing.health
    return NAMES[thing.kind], thing.x, thing.y, health, thing.timer


def _their_key(thing: Any) -> tuple[Any, ...]:
    name = type(thing).__name__.lower()
    timers = (getattr(thing, key, 0) for key in ("cooldown", "reload", "grown"))
    health = None if name == "player" else thing.health
    return name, int(thing.pos[0]), int(thing.pos[1]), health, sum(timers)


def _wild(pair: Pair, seed: int, steps: int) -> None:
    """Play at random, with gifts, so that every rule is reached."""
    random = np.random.default_rng(seed)
    for t in range(steps):
        if t % 50 == 0:
            for item in ITEMS:
                if random.random() < 0.4:
                    pair.give(item, int(random.integers(10)))
        lively = random.random() < 0.5
        pair.play(int(random.integers(17)) if lively else int(random.choice([*MOVES, DO, DO])))
        pair.heal()


@pytest.mark.parametrize("seed", range(4))
def test_a_wild_game_is_the_same_at_every_step(seed: int) -> None:
    pair = Pair(seed)
    _wild(pair, seed, 700)
    pair.compare_numbers()


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**40),
    area=st.sampled_from([(13, 13), (24, 24), (17, 30), (12, 40)]),
    actions=st.lists(st.integers(0, 16), min_size=60, max_size=150),
)
def test_small_worlds_with_their_borders_are_the_same(
    seed: int, area: tuple[int, int], actions: list[int]
) -> None:
    pair = Pair(seed, area)
    for action in actions:
        pair.give("wood", 5)
        pair.give("sapling", 3)
        pair.play(action)
        pair.heal()
    pair.compare_numbers()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_long_game_is_the_same_at_every_step(seed: int) -> None:
    pair = Pair(seed)
    _wild(pair, seed, 10_000)
    pair.compare_numbers()
    assert sum(map(bool, pair.ours.achievements.values())) >= 16


def test_every_achievement_is_reached_in_both() -> None:
    """A workshop is built around the player, and every rule is tried."""
    pair = Pair(3)
    x, y = pair.ours.player.x, pair.ours.player.y
    actions = {name: index for index, name in enumerate(RULES.actions)}
    south = actions["move_down"]

    def on(material: str, *names: str) -> None:
        """Put a material before the player, who looks south, and play."""
        pair.build(x, y + 1, material)
        for name in names:
            pair.play(actions[name])
            pair.heal()

    pair.build(x, y + 1, "water")
    pair.play(south)
    pair.give("drink", 5)
    on("water", "do")
    on("tree", "do")
    pair.give("wood", 9)
    on("grass", "place_table")
    for name in ("make_wood_pickaxe", "make_wood_sword"):
        on("table", name)
    on("stone", "do", "place_stone")
    for material in ("stone", "coal", "iron"):
        on(material, "do")
    pair.build(x - 1, y, "table")
    for name in ("stone", "coal", "iron", "wood"):
        pair.give(name, 9)
    on("grass", "make_stone_pickaxe", "make_stone_sword", "place_furnace")
    on("furnace", "make_iron_pickaxe", "make_iron_sword")
    on("iron", "do")
    on("diamond", "do")
    for _ in range(60):
        on("grass", "do")
    on("grass", "place_plant")
    if pair.ours.plants:
        pair.ours.plants[0].timer = 400
        next(o for o in pair.theirs._world.objects if hasattr(o, "grown")).grown = 400
        on("grass", "do")
    pair.give("energy", 3)
    for _ in range(400):
        on("path", "sleep")
        if pair.ours.achievements["wake_up"]:
            break
    done = {name for name, count in pair.ours.achievements.items() if count}
    missing = set(RULES.achievements) - done
    assert missing <= {"eat_cow", "defeat_zombie", "defeat_skeleton"}
    pair.compare_numbers()


@pytest.mark.parametrize(
    ("kind", "name", "achievement"),
    [
        (COW, "Cow", "eat_cow"),
        (ZOMBIE, "Zombie", "defeat_zombie"),
        (SKELETON, "Skeleton", "defeat_skeleton"),
    ],
)
def test_fights_are_the_same(kind: int, name: str, achievement: str) -> None:
    from crafter import objects

    from textenvs.envs.crafter.things import Thing

    pair = Pair(2)
    random = np.random.default_rng(0)
    for _ in range(40):
        ours, world, player = pair.ours, pair.theirs._world, pair.theirs._player
        x, y = ours.player.x + ours.facing[0], ours.player.y + ours.facing[1]
        if ours.at[x * ours.height + y] is None:
            pair.build(x, y, "path")
            ours.add(Thing(kind, x, y, ours.created))
            arguments = (world, (x, y)) if kind == COW else (world, (x, y), player)
            world.add(getattr(objects, name)(*arguments))
        for _ in range(6):
            pair.play(int(random.choice([DO, DO, *MOVES])))
            pair.heal()
    assert pair.ours.achievements[achievement]
    pair.compare_numbers()


def test_lava_kills_in_both() -> None:
    pair = Pair(1)
    pair.build(pair.ours.player.x, pair.ours.player.y + 1, "lava")
    pair.play(RULES.actions.index("move_down"))
    assert pair.ours.inventory["health"] == 0


def test_creatures_are_taken_from_crowded_chunks_in_the_same_order() -> None:
    from crafter import objects

    from textenvs.envs.crafter.things import Thing

    pair = Pair(4)
    ours, world, player = pair.ours, pair.theirs._world, pair.theirs._player
    for x in range(ours.player.x - 6, ours.player.x + 6):
        for y in range(ours.player.y - 6, ours.player.y - 2):
            if ours.at[x * ours.height + y] is None:
                pair.build(x, y, "grass")
                ours.add(Thing(ZOMBIE, x, y, ours.created))
                world.add(objects.Zombie(world, (x, y), player))
    before = len(ours.things)
    for _ in range(120):
        pair.play(0)
        pair.heal()
    assert len(ours.things) < before
    pair.compare_numbers()


def test_both_engines_make_the_same_environment() -> None:
    one = CrafterTextEnv(engine="reference", obs="dict", render_mode="rgb_array")
    other = CrafterTextEnv(obs="dict", render_mode="rgb_array")
    a, b = one.reset(seed=8), other.reset(seed=8)
    for action in np.random.default_rng(0).integers(17, size=260):
        assert a[0]["text"] == b[0]["text"]
        assert a[-1].keys() == b[-1].keys()
        assert {k: v for k, v in a[-1].items() if k != "semantic"} == {
            k: v for k, v in b[-1].items() if k != "semantic"
        }
        assert np.array_equal(one.render(), other.render())
        a, b = one.step(action), other.step(action)
        assert a[1:4] == b[1:4]


def test_numbers_are_those_of_random_state() -> None:
    words, random = WorldRandom(), np.random.default_rng(0)
    for seed in range(5):
        words.seed(seed)
        theirs = np.random.RandomState(seed)
        for _ in range(600):
            kind = random.integers(20)
            if kind < 10:
                assert words.uniform() == theirs.uniform()
            elif kind < 18:
                n = int(random.integers(1, 200))
                assert words.randint(n) == theirs.randint(0, n)
            elif kind == 18:
                words.skip_uniforms(77)
                theirs.uniform(size=77)
            else:
                assert np.array_equal(words.uniforms(50), theirs.uniform(size=50))
        state = pickle.loads(pickle.dumps(words.get_state()))
        following = [words.uniform() for _ in range(300)]
        words.set_state(state)
        assert [words.uniform() for _ in range(300)] == following


@pytest.mark.parametrize("difficulty", ["easy", "hard", "peaceful"])
def test_difficulties_change_what_they_say(difficulty: str) -> None:
    """Counted over worlds, and while they are played."""

    def count(name: str) -> dict[str, float]:
        engine = _engine(name)
        totals = dict.fromkeys(("tree", "coal", "iron", "diamond", "cow", "zombie", "skeleton"), 0)
        for seed in range(12):
            engine.seed_world(seed)
            engine.reset()
            for _ in range(100):
                engine.play(0)
            for thing in totals:
                totals[thing] += engine.seen.count(NAMES.index(thing))
        return totals

    ours, published = count(difficulty), count("normal")
    multipliers = DIFFICULTIES[difficulty]
    for thing, number in ours.items():
        multiplier = getattr(multipliers, thing)
        if multiplier == 0:
            assert number == 0, thing
        elif multiplier != 1:
            assert (number > published[thing]) == (multiplier > 1), thing


def test_the_rules_of_background_knowledge() -> None:
    env = CrafterTextEnv("EatCow")
    assert env.action_names[5:9] == ("eat", "drink", "attack", "collect")
    assert len(env.action_names) == env.action_space.n == 20
    observation, info = env.reset(seed=1)
    assert observation.startswith("You see: ")
    assert info["success"] is False
    deeds = {deed for deed, _ in env.game.rules.deeds[5:9]}
    assert deeds == {"do"}
    assert env.game.rules.unarmed_damage == 5
    # Collecting what cannot be carried does not count.
    game = env.game
    game.inventory["wood"] = 9
    cell = game.player.x * game.height + game.player.y + 1
    game.set_material(cell, NAMES.index("tree"))
    env.step(8)
    assert game.achievements["collect_wood"] == 0


def test_a_goal_pays_once_and_truncates() -> None:
    env = CrafterTextEnv("PlaceCraftingTable")
    env.reset(seed=1)
    env.game.inventory["wood"] = 5
    table = env.action_names.index("place crafting table")
    _, reward, terminated, truncated, info = env.step(table)
    assert (reward, terminated, truncated, info["success"]) == (1.0, False, True, True)
    env.reset(seed=1)
    _, reward, _, truncated, _ = env.step(0)
    assert (reward, truncated) == (0.0, False)


def test_every_task_of_background_knowledge_has_its_goal_among_the_achievements() -> None:
    goals = {task.goal for task in TASKS.values() if task.goal}
    assert goals == {"place_table", "make_wood_pickaxe", "collect_drink", "eat_cow"}
    assert goals < set(RULES.achievements)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"difficulty": "brutal"}, "unknown difficulty 'brutal': expected one of 'normal', 'easy'"),
        ({"engine": "warp"}, "unknown engine 'warp': expected one of 'fast', 'reference'"),
        ({"engine": "reference", "difficulty": "easy"}, "plays the published rules and worlds"),
        ({"area": [0, 0]}, "expected area as two integers of 8 or more"),
        ({"area": "x"}, "expected area as two integers"),
        ({"view": [8, 9]}, "expected a view of odd width"),
        ({"view": [9, 2]}, "expected a view of odd width whose visible height"),
        ({"length": -1}, "expected a length of 0"),
        ({"length": "x"}, "expected a length of 0"),
    ],
)
def test_impossible_arguments_are_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises((UnknownName, ValueError), match=message):
        CrafterTextEnv(**kwargs)
