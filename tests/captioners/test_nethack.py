from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textenvs.captioners.nethack import default, nle_language
from textenvs.captioners.nethack_glyphs import glyph_data, published_names, published_plural
from textenvs.captioners.nethack_names import Kind, our_names

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TEXTENVS_SHARED", ROOT.parent / "shared"))
GOLDEN = SHARED / "golden" / "nethack_public.npz"
KEYS = ("glyphs", "blstats", "tty_cursor", "inv_strs", "inv_letters", "tty_chars")
TEXTS = ("text_glyphs", "text_message", "text_blstats", "text_inventory", "text_cursor")


OFFSETS = glyph_data().offsets
SYMBOL = {name: OFFSETS["cmap"] + i for i, name in enumerate(("stone", "vwall", "hwall"))}
DOORWAY, OPEN_DOOR, CLOSED_DOOR, FLOOR, CORRIDOR, STAIRS_DOWN, ALTAR = (
    OFFSETS["cmap"] + symbol for symbol in (12, 13, 15, 19, 21, 24, 27)
)
NEWT, JACKAL, VALKYRIE = (
    glyph_data().monsters.index(name) for name in ("newt", "jackal", "valkyrie")
)
X, Y = 40, 10
MENU = "Pick one\na - this\nb - that\n(end)"
MOVES = ("north", "east", "south", "west", "northeast", "southeast", "southwest", "northwest")


def thing(name: str, kind: int) -> int:
    """Return the glyph of an object of a class (the numbers are NetHack's)."""
    names = [(thing.kind, thing.name) for thing in glyph_data().objects]
    return OFFSETS["object"] + names.index((kind, name))


def state(cells: dict[tuple[int, int], int] | None = None, rows: tuple[str, ...] = ()) -> Any:
    """Build an observation: a valkyrie at (X, Y), ``cells`` at offsets (east, south) from her."""
    glyphs = np.full((21, 79), SYMBOL["stone"], np.int16)
    glyphs[Y, X] = VALKYRIE
    for (dx, dy), glyph in (cells or {}).items():
        glyphs[Y + dy, X + dx] = glyph
    screen = np.full((24, 80), ord(" "), np.uint8)
    for number, row in enumerate(rows):
        screen[number, : len(row)] = np.frombuffer(row.encode("latin-1"), np.uint8)
    stats = np.array(
        # x  y  str25 str125 dx co in wi ch score hp max depth gold pw max ac hd xl exp time
        [X, Y, 19, 20, 11, 18, 10, 9, 8, 7, 16, 18, 3, 42, 1, 2, 6, 0, 2, 25, 99]
        # hunger burden dungeon level condition alignment
        + [1, 0, 0, 3, 0, 1]
    )
    letters, strs = np.zeros(55, np.uint8), np.zeros((55, 80), np.uint8)
    for i, (letter, item) in enumerate({"a": b"a long sword", "b": b"2 apples"}.items()):
        letters[i] = ord(letter)
        strs[i, : len(item)] = np.frombuffer(item, np.uint8)
    return {
        "glyphs": glyphs,
        "blstats": stats,
        "tty_cursor": np.array([Y + 1, X], np.uint8),
        "inv_strs": strs,
        "inv_letters": letters,
        "tty_chars": screen,
    }


def line(text: str, heading: str) -> str:
    """Return what follows a heading of the default caption, or "" if it is not there."""
    found = re.search(rf"^{heading}: (.*)$", text, re.MULTILINE)
    return found.group(1) if found else ""


class TestPublished:
    @pytest.mark.skipif(not GOLDEN.exists(), reason=f"no recorded captions: {GOLDEN} is missing")
    def test_golden(self) -> None:
        arrays = {key: value for key, value in np.load(GOLDEN).items() if key in KEYS}
        rows = json.loads(GOLDEN.with_suffix(".json").read_text())
        for i, row in enumerate(rows):
            texts = nle_language({key: value[i] for key, value in arrays.items()})
            assert texts == {key: row[key] for key in TEXTS}, f"state {i}"

    def test_glyphs_are_grouped_by_name_and_distance_from_far_to_near(self) -> None:
        cells = {
            (25, 0): STAIRS_DOWN,
            **{(dx, -2): NEWT for dx in (-2, 0)},
            (0, 1): DOORWAY,
            **{(dx, -1): FLOOR for dx in (-1, 0, 1)},
            (1, 0): FLOOR,
            (-1, 0): OFFSETS["pet"] + NEWT,
        }
        assert nle_language(state(cells))["text_glyphs"].split("\n") == [
            "stairs down very far east",
            "dark area near north and northwest",  # the rays look past the newts
            "newt very near north and northwest",
            "dark area very near northeast, east, south, and west",
            "dark area adjacent southeast and southwest",
            "doorway adjacent south",
            "tame newt adjacent west",
        ]

    def test_several_in_one_direction_are_a_line_of_their_own(self) -> None:
        cells = {(3, -1): NEWT, (4, -1): NEWT, (0, 4): NEWT}
        lines = nle_language(state(cells))["text_glyphs"].split("\n")
        assert lines[:2] == ["newt near south", "newts near eastnortheast"]

    def test_the_overwritten_line_of_invariant_plurals(self) -> None:
        boots = thing("low boots", 3)  # "walking shoes", whose plural is the same
        cells = {(3, -1): boots, (4, -1): boots, (0, 4): boots}
        lines = nle_language(state(cells))["text_glyphs"].split("\n")
        assert lines[:2] == ["walking shoes near eastnortheast"] * 2

    def test_rays_pass_closed_doors_and_end_at_walls(self) -> None:
        floor = {(dx, 0): FLOOR for dx in range(1, 8)}
        cells = floor | {(2, 0): CLOSED_DOOR, (4, 0): DOORWAY, (5, 0): SYMBOL["vwall"]}
        text = nle_language(state(cells | {(7, 0): DOORWAY}))["text_glyphs"]
        assert "vertical closed door very near east" in text
        assert "doorway near east" in text
        assert "vertical wall near east" in text
        assert "far east" not in text

    @pytest.mark.parametrize(
        ("noun", "plural"),
        [
            *(("newt", "newts"), ("lynx", "lynxes"), ("leech", "leechs"), ("staff", "staves")),
            *(("dwarf", "dwarves"), ("jackal statue", "jackal statues"), ("lava", "area of lava")),
            *(("combat boots", "combat boots"), ("scroll labeled NR 9", "scrolls labeled NR 9")),
            *(("small gray mold corpse", "small gray mold corpses"), ("monkey", "monkeys")),
            *(("ruby", "rubies"), ("acid blob", "acid blobs"), ("stairs up", "stairs ups")),
        ],
    )
    def test_plural(self, noun: str, plural: str) -> None:
        assert published_plural(noun) == plural

    def test_blstats(self) -> None:
        obs = state()
        obs["blstats"][[21, 22, 25, 26]] = 3, 1, 1 + 32 + 512, -1
        assert nle_language(obs)["text_blstats"].split("\n") == [
            *("Strength: 20/19", "Dexterity: 11", "Constitution: 18", "Intelligence: 10"),
            *("Wisdom: 9", "Charisma: 8", "Depth: 3", "Gold: 42", "HP: 16/18", "Energy: 1/2"),
            *("AC: 6", "XP: 2/25", "Time: 99", "Position: 40|10", "Hunger: Weak"),
            *("Monster Level: 0", "Encumbrance: Burdened", "Dungeon Number: 0"),
            *("Level Number: 3", "Score: 7", "Alignment: Chaotic"),
            "Condition: Hallucinating Blind Stoned",
        ]

    def test_inventory(self) -> None:
        assert nle_language(state())["text_inventory"] == "a: a long sword\nb: 2 apples"

    @pytest.mark.parametrize(
        ("cursor", "text"),
        [
            ((Y + 1, X), "Yourself a valkyrie"),
            ((Y + 1, X + 2), "very near east newt"),
            ((Y, X), "adjacent north "),
            ((0, 5), ""),
            ((22, 0), ""),
        ],
    )
    def test_cursor(self, cursor: tuple[int, int], text: str) -> None:
        obs = state({(2, 0): NEWT})
        obs["tty_cursor"][:] = cursor
        assert nle_language(obs)["text_cursor"] == text

    @pytest.mark.parametrize(
        ("rows", "text"),
        [
            ((), ""),
            (("It's a wall.  ", "", "   ----"), "It's a wall."),
            (("   Pick one", "", "-- a - this", "|. b - that", " . (end)"), MENU),
            (("  Bag (1 of 2)", "", "  ---"), "Bag (1 of 2)"),
            (("  Bag", " -a - x", "  (12 of 20)"), "Bag"),  # only single digits are known
            (("A one.--More--",), "A one.--More--"),
            (("See the bag of Kos (x).", "", "   of "), "See the bag of Kos (x)."),
            # With a blank first row the published text begins with the byte before the array.
            (("", "--More--"), "\0\n--More--"),
            (("", "In the list!", "", " 1  Agent", "", ""), "\0\nIn the list!\n1  Agent\n"),
            (("", "No list."), ""),
            ((" " * 79 + "x",), ""),
        ],
    )
    def test_message(self, rows: tuple[str, ...], text: str) -> None:
        assert nle_language(state(rows=rows))["text_message"] == text

    def test_pages_replace_the_message(self) -> None:
        obs = state(rows=("the last page",))
        assert nle_language(obs, ["one", "two"])["text_message"] == "one\ntwo"
        assert nle_language(obs, [])["text_message"] == "the last page"


class TestDefault:
    def test_lines(self) -> None:
        cells = {
            **{(dx, 0): FLOOR for dx in range(1, 4)},
            (0, -1): DOORWAY,
            (1, 1): OPEN_DOOR,
            (-1, 0): OPEN_DOOR,
            (4, 0): CLOSED_DOOR,
            (-3, -5): NEWT,
            (0, 3): JACKAL,
            (2, 0): thing("food ration", 7),
            (3, 0): thing("food ration", 7),
        }
        obs = state(cells, rows=("You hear a door open.",))
        assert default(obs, mission="go down") == "\n".join(
            [
                "Goal: go down",
                "Message: You hear a door open.",
                "Status: HP 16/18, Pw 1/2, AC 6, Xp 2/25, gold 42, score 7, turn 99, "
                "Dlvl 3 at (40, 10)",
                "You: lawful valkyrie, St 18/02, Dx 11, Co 18, In 10, Wi 9, Ch 8",
                "Free steps: north 1, east 3, west 1",
                "Creatures: jackal 3 south; newt 3 northwest 2 north",
                "Objects: food ration 2 east, 3 east",
                "Places: doorway adjacent north; open door adjacent west, adjacent southeast; "
                "closed door 4 east",
                "Inventory:",
                "a: a long sword",
                "b: 2 apples",
            ]
        )

    @pytest.mark.parametrize(
        ("str_25", "str_125", "text"),
        [(9, 9, "9"), (18, 18, "18"), (19, 19, "18/01"), (21, 117, "18/99"), (21, 118, "18/**")]
        + [(22, 122, "22")],
    )
    def test_strength(self, str_25: int, str_125: int, text: str) -> None:
        obs = state()
        obs["blstats"][2:4] = str_25, str_125
        assert f"St {text}," in line(default(obs), "You")

    def test_unusual_states_are_said_and_usual_ones_left_out(self) -> None:
        obs = state()
        assert line(default(obs), "Status").endswith("(40, 10)")
        obs["blstats"][[21, 22, 23, 25]] = 2, 1, 2, 32 + 1024
        words = "Gnomish Mines, hungry, burdened, blind, levitating"
        assert line(default(obs), "Status").endswith(f"(40, 10), {words}")

    def test_what_is_shuffled_is_named_by_its_class(self) -> None:
        kinds = {
            "potion": thing("healing", 8),
            "scroll": thing("identify", 9),
            "ring": thing("hunger", 4),
            "wand": thing("death", 11),
            "amulet": thing("amulet of ESP", 5),
            "spellbook": thing("sleep", 10),
            "gem": thing("diamond", 13),
            "gray stone": thing("luckstone", 13),
            "cloak": thing("cloak of displacement", 3),
            "pair of boots": thing("speed boots", 3),
            "bag": thing("bag of tricks", 6),
            "katana": thing("katana", 2),
            "altar": ALTAR,
        }
        for name, glyph in kinds.items():
            assert f" {name} 5 north" in default(state({(0, -5): glyph}))

    def test_only_ever_fixed_looks_are_named(self) -> None:
        tables = our_names()
        shuffled = {4, 5, 8, 9, 10, 11}
        allowed = {"ring", "amulet", "potion", "scroll", "spellbook", "wand"}
        allowed |= {"clear potion", "unlabeled scroll", "plain spellbook", "paperback book"}
        allowed |= {"papyrus spellbook", "Amulet of Yendor"}
        for number, entry in enumerate(glyph_data().objects):
            if entry.kind in shuffled:
                assert tables.names[OFFSETS["object"] + number] in allowed

    def test_many_of_a_kind_are_counted(self) -> None:
        text = line(default(state({(dx, -1): NEWT for dx in range(-4, 5)})), "Creatures")
        assert text.count("newt") == 1
        assert text.endswith(", and 3 more")

    def test_ends_of_corridors(self) -> None:
        cells = {(dx, 0): CORRIDOR for dx in range(1, 6)}
        assert line(default(state(cells)), "Places") == "corridor end 5 east"

    def test_menu_is_shown_instead_of_the_map(self) -> None:
        rows = (
            "        Pick up what?",
            "",
            " ---  a - an apple",
            " |.|  b - (in use)",
            "      (end)",
        )
        text = default(state({(1, 0): NEWT}, rows=rows))
        assert text.startswith("Message: Pick up what?\na - an apple\nb - (in use)\n(end)\nStatus:")
        assert "newt" not in text
        assert "Inventory" not in text

    def test_pages(self) -> None:
        obs = state(rows=("Last.",))
        assert default(obs, ["One.", "  ", "Last."]).startswith("Message: One.\nLast.\nStatus: ")
        assert default(obs, []).startswith("Message: Last.\n")
        assert default(obs, ["One."]).startswith("Message: One.\nStatus: ")

    def test_message_of_two_rows(self) -> None:
        obs = state(rows=("A long message that", "goes on."))
        assert default(obs).startswith("Message: A long message that goes on.\nStatus: ")

    def test_cursor_away_from_the_hero(self) -> None:
        obs = state({(2, 0): STAIRS_DOWN})
        obs["tty_cursor"][:] = Y + 1, X + 2
        assert line(default(obs), "Cursor") == "stairs down 2 east"
        obs["tty_cursor"][:] = Y + 1, X
        assert not line(default(obs), "Cursor")

    def test_engulfed(self) -> None:
        cells = {
            (dx, dy): OFFSETS["swallow"] + 8 * NEWT + i
            for i, (dx, dy) in enumerate(
                (dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy
            )
        }
        text = default(state(cells))
        assert "You are inside a creature: newt" in text
        assert "Free steps" not in text

    def test_game_over(self) -> None:
        rows = (
            "",
            "You made the top ten list!",
            "",
            " No  Points  Name   Hp [max]",
            " 1 9 Agent died.",
        )
        obs = state(rows=rows)
        obs["blstats"][:] = 0
        text = default(obs, ["You die..."], mission="go down")
        over = "The game is over. You made the top ten list! 1 9 Agent died."
        assert text == f"Goal: go down\nMessage: You die...\n{over}"


def test_all_zero_observations() -> None:
    obs = {key: np.zeros_like(value) for key, value in state().items()}
    assert default(obs) == "The game is over."
    texts = nle_language(obs)
    assert set(texts) == set(TEXTS)
    assert texts["text_message"] == texts["text_inventory"] == texts["text_cursor"] == ""


def test_no_glyph_and_every_glyph_have_entries() -> None:
    names, ours = published_names(), our_names()
    assert len(names.anywhere) == len(names.along_ray) == len(ours.names) == OFFSETS["end"] + 1
    default(state({(1, 0): OFFSETS["end"]}))
    nle_language(state({(1, 0): OFFSETS["end"]}))


def test_no_simulator_is_imported() -> None:
    code = (
        "import sys\n"
        "from textenvs.captioners import nethack, nethack_names\n"
        "nethack_names.our_names()\n"
        "sys.exit('nle' in sys.modules)"
    )
    path = os.pathsep.join([str(ROOT / "src"), *sys.path])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})


def make(seed: int, character: str = "@") -> Any:
    """Make a game of NLE that starts from ``seed`` at its first reset."""
    import gymnasium
    import nle  # noqa: F401  (registers the environments)

    env = gymnasium.make("NetHackScore-v0", observation_keys=KEYS, character=character)
    game: Any = env.unwrapped
    game.seed(seed, seed, False)
    return env


def play(seed: int, steps: int) -> Iterator[dict[str, Any]]:
    """Play a game at random and yield the observations, in NLE's own arrays."""
    env = make(seed)
    obs, _ = env.reset()
    yield obs
    for action in np.random.default_rng(seed).integers(23, size=steps).tolist():
        obs, _, terminated, truncated, _ = env.step(action)
        yield obs
        if terminated or truncated:
            break
    env.close()


def captions(obs: dict[str, Any]) -> tuple[dict[str, str], str]:
    return nle_language(obs), default(obs)


@pytest.mark.nethack
class TestRealGames:
    def test_data_file_is_what_nle_says(self) -> None:
        path = ROOT / "benchmarks" / "make_nethack_glyphs.py"
        if not path.exists():
            pytest.skip(f"{path} is missing: not a checkout of the repository")
        spec = importlib.util.spec_from_file_location("make_nethack_glyphs", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.render(module.read_table()) == module.DATA.read_text(encoding="ascii")

    def test_interleaved_games_give_the_same_texts_as_alone(self) -> None:
        alone = [[captions(obs) for obs in play(seed, 150)] for seed in (3, 4)]
        games = [play(seed, 150) for seed in (3, 4)]
        together: list[list[Any]] = [[], []]
        for pair in zip(*games, strict=False):
            for texts, obs in zip(together, pair, strict=True):
                texts.append(captions(obs))
        for one, other in zip(alone, together, strict=True):
            assert one[: len(other)] == other

    @pytest.mark.parametrize("seed", range(3))
    def test_what_is_displayed_is_named(self, seed: int) -> None:
        tables = our_names()
        headings = {Kind.CREATURE: "Creatures", Kind.OBJECT: "Objects"}
        for obs in play(seed, 300):
            text = default(obs)
            if "Free steps" not in text:
                continue  # the game is over, or a window covers the map
            x, y = obs["blstats"][:2].tolist()
            glyphs = obs["glyphs"].copy()
            assert tables.names[glyphs[y, x]] in line(text, "You")
            glyphs[y, x] = SYMBOL["stone"]
            for glyph in np.unique(glyphs).tolist():
                heading = headings.get(Kind(tables.kind[glyph]))
                assert heading is None or f"{tables.names[glyph]} " in line(text, heading)

    @pytest.mark.parametrize("seed", range(3))
    def test_status_is_that_of_the_bottom_lines(self, seed: int) -> None:
        for obs in play(seed, 100):
            text = default(obs)
            bottom = obs["tty_chars"][-2:].tobytes().decode("latin-1")
            if "Status" not in text or "T:" not in bottom:
                continue
            shown = dict(re.findall(r"(St|HP|AC|Dlvl|T):(\S+?)(?:\(\d+\))?(?= )", bottom))
            assert f"St {shown['St']}," in line(text, "You")
            for words in ("HP {HP}/", "AC {AC},", "Dlvl {Dlvl} ", "turn {T},"):
                assert words.format_map(shown) in line(text, "Status")

    def test_one_can_walk_where_steps_are_free(self) -> None:
        env = make(5, "val-hum-law")
        obs, _ = env.reset()
        tried = moved = 0
        for choice in np.random.default_rng(5).integers(len(MOVES), size=200).tolist():
            free = line(default(obs), "Free steps")
            before = obs["blstats"][:2].tolist()
            obs, _, terminated, truncated, _ = env.step(1 + choice)
            if terminated or truncated:
                break
            if re.search(rf"\b{MOVES[choice]} \d", free):
                tried += 1
                moved += obs["blstats"][:2].tolist() != before
        env.close()
        assert tried > 20
        assert moved >= 0.9 * tried  # a pet may refuse to swap places
