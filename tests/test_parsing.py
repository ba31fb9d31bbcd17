"""From a model's words to an action."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textenvs.envs.babyai.env import _MINIGRID_NAMES
from textenvs.envs.babyai.env import ACTION_NAMES as BABYAI
from textenvs.envs.crafter.tasks import ACTION_NAMES as CRAFTER
from textenvs.envs.nethack.actions import TASK_ACTION_NAMES as NETHACK
from textenvs.parsing import STAGES, ActionParser, ParsedAction

fixed = settings(derandomize=True, deadline=None)
crafter = ActionParser(CRAFTER)
babyai = ActionParser(BABYAI, {name: index for index, name in enumerate(_MINIGRID_NAMES)})
nethack = ActionParser(NETHACK, {"k": 1, "<CR>": 0, "^d": 20})
GAMES = {"Crafter": (crafter, CRAFTER), "BabyAI": (babyai, BABYAI), "NetHack": (nethack, NETHACK)}
in_each_game = pytest.mark.parametrize("game", GAMES)

any_text = st.text(st.characters(exclude_categories=()), max_size=200)
# What models wrap an answer in, none of it a letter or a digit.
around = st.text(" \t\n.,;:!?*_#>()[]{}<>|\"'`“”…—-=~^/\\🙂", max_size=6)
pieces = st.sampled_from(
    [
        *("ACTION:", "Action", "<|ACTION|>", "<|END|>", '"', "'", "`", "“", "”", "\n", " ", "**"),
        *("move west", "far", "north", "do", "left", "turn", "_", "\0", "\ud800", "İ", "ß", "ﬁ"),
    ]
)


def name_of(parser: ActionParser, names: tuple[str, ...], text: object) -> tuple[str | None, str]:
    action, stage = parser.parse(text)
    return (None if action is None else names[action]), stage


def mixed_case(name: str, upper: list[bool]) -> str:
    return "".join(
        letter.upper() if up else letter.lower() for letter, up in zip(name, upper, strict=True)
    )


# Nothing raises


@in_each_game
@fixed
@given(text=st.one_of(any_text, st.lists(pieces, max_size=30).map("".join)))
@example(text="")
@example(text="ACTION:")
@example(text="<|ACTION|><|END|>")
@example(text='""')
def test_any_text_parses_to_an_action_or_to_none(game: str, text: str) -> None:
    parser, names = GAMES[game]
    action, stage = parser.parse(text)
    if action is None:
        assert stage == ""
    else:
        assert action in range(len(names))
        assert stage in STAGES


@pytest.mark.parametrize("thing", [None, 3, 1.5, b"Noop", ["Noop"], {"action": "Noop"}, object()])
def test_what_is_no_text_names_no_action(thing: object) -> None:
    assert crafter.parse(thing) == ParsedAction(None, "")


@pytest.mark.parametrize("text", ["“" * 20_000, "“a" * 10_000, "<|ACTION|>" * 6_000])
def test_a_model_that_repeats_itself_for_ever_is_read_in_no_time(text: str) -> None:
    start = time.perf_counter()
    assert nethack.parse(text) == ParsedAction(None, "")
    assert time.perf_counter() - start < 1


# Every action's own name


@in_each_game
def test_every_name_parses_to_itself_exactly(game: str) -> None:
    parser, names = GAMES[game]
    assert [parser.parse(name) for name in names] == [
        ParsedAction(action, "exact") for action in range(len(names))
    ]


@in_each_game
@fixed
@given(data=st.data())
def test_every_name_parses_to_itself_in_any_case_and_punctuation(
    game: str, data: st.DataObject
) -> None:
    parser, names = GAMES[game]
    action = data.draw(st.integers(0, len(names) - 1))
    upper = data.draw(st.lists(st.booleans(), min_size=len(names[action]), max_size=99))
    written = mixed_case(names[action], upper[: len(names[action])])
    text = data.draw(around) + written + data.draw(around)
    found, stage = parser.parse(text)
    assert found == action
    assert stage in ("exact", "folded")


@pytest.mark.nethack
def test_each_of_nethacks_121_names_parses_to_itself_in_any_case() -> None:
    from nle import nethack as nle

    from textenvs.envs.nethack.actions import describe

    names = tuple(action.name for action in describe(nle.ACTIONS))
    parser = ActionParser(names)
    assert len(names) == 121
    for action, name in enumerate(names):
        assert parser.parse(name) == (action, "exact")
        assert parser.parse(f" {name}\n") == (action, "exact")
        assert parser.parse(f"**{name.upper()}!**") == (action, "folded")
        assert parser.parse(name.replace(" ", "_").title() + ".") == (action, "folded")
        assert parser.parse(f"Because of the dark.\nACTION: {name}.") == (action, "tagged")
        assert parser.parse(f"<|ACTION|>{name}<|END|>") == (action, "tagged")


@pytest.mark.nethack
def test_nethacks_keys_are_read_exactly_and_names_come_before_keys() -> None:
    from nle import nethack as nle

    from textenvs.envs.nethack.actions import describe

    actions = describe(nle.ACTIONS)
    names = tuple(action.name for action in actions)
    parser = ActionParser(names, {action.key: n for n, action in enumerate(actions)})
    assert name_of(parser, names, "k") == ("north", "exact")
    assert name_of(parser, names, "K") == ("far north", "exact")
    assert name_of(parser, names, "^d") == ("kick", "exact")
    assert name_of(parser, names, "I am at a loss, k?") == (None, "")
    assert all(parser.parse(name) == (n, "exact") for n, name in enumerate(names))


# Stage by stage


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Move West", "Move West"),
        ("  Move West \n", "Move West"),
        ("Do", "Do"),
        ("Make Iron Sword", "Make Iron Sword"),
    ],
)
def test_exact(text: str, name: str) -> None:
    assert name_of(crafter, CRAFTER, text) == (name, "exact")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("move west", "Move West"),
        ("MOVE WEST.", "Move West"),
        ("**Move West**", "Move West"),
        ("`place_table`", "Place Table"),
        ("- Make wood-pickaxe", "Make Wood Pickaxe"),
        ("> noop...", "Noop"),
        ("(do)", "Do"),
        ("\u3000Sleep。", "Sleep"),
    ],
)
def test_folded(text: str, name: str) -> None:
    assert name_of(crafter, CRAFTER, text) == (name, "folded")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ACTION: Move West", "Move West"),
        ("action: move west.", "Move West"),
        ("**Action:** Move West", "Move West"),
        ("**Action**: Move West", "Move West"),
        ("### ACTION: `Place Table`", "Place Table"),
        ("Action : 'Do'", "Do"),
        ('Next action: "Sleep" until it is day', "Sleep"),
        ("<|ACTION|>Move East<|END|>", "Move East"),
        ("<|action|> move east. <|end|>", "Move East"),
        ("<|ACTION|>\nMove East\n<|END|>", "Move East"),
        ("ACTION: <|ACTION|>Do<|END|>", "Do"),
        (
            "There is a tree to the west and I need wood, so I could Move West or Sleep.\n\n"
            "ACTION: Do\n",
            "Do",
        ),
        (
            "Thought: the cow is north. I do not want to sleep.\nAction: I will Move North",
            "Move North",
        ),
        ("ACTION: Move West\nOn second thought:\nACTION: Move East", "Move East"),
        ("ACTION: Move West\nACTION: dance", "Move West"),
        ("<|ACTION|>Move West<|END|> no: <|ACTION|>Move East<|END|> Noop", "Move East"),
        ("ACTION: Do\nThis lets me collect the wood; then I move west.", "Do"),
    ],
)
def test_tagged(text: str, name: str) -> None:
    assert name_of(crafter, CRAFTER, text) == (name, "tagged")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ACTION: east, away from the wall to the north", "east"),
        ("Action: far west (the door is south of it)", "far west"),
        ("<|ACTION|>kick because the door up there is locked<|END|>", "kick"),
    ],
)
def test_right_behind_a_tag_stands_the_action_and_what_follows_is_its_reason(
    text: str, name: str
) -> None:
    assert name_of(nethack, NETHACK, text) == (name, "tagged")


@pytest.mark.parametrize("mention", ["first", "last"])
@pytest.mark.parametrize(
    "text",
    [
        "I could Move East or Sleep.\n<|ACTION|>Do",  # <|END|> was the model's stop sequence
        "I could Move East or Sleep.\nACTION:\nDo",
        "I could Sleep or Do.\nACTION: Do\nIf that fails I Move East.",
    ],
)
def test_a_tag_counts_whatever_else_is_mentioned(text: str, mention: str) -> None:
    assert name_of(ActionParser(CRAFTER, mention=mention), CRAFTER, text) == ("Do", "tagged")


@pytest.mark.parametrize(
    "text",
    [
        "Reaction: Move East, then 'Do'",
        "Possible actions are Move East and Sleep. I choose 'Do'",
    ],
)
def test_words_that_contain_action_are_no_tag(text: str) -> None:
    assert name_of(crafter, CRAFTER, text) == ("Do", "quoted")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('I choose "go forward" so that the door comes nearer.', "go forward"),
        ("I choose 'Go Forward.' now", "go forward"),
        ("I choose “turn left” now", "turn left"),
        ("I choose `pick_up` now; to drop it comes later", "pick up"),
        ("I can't drop it, so I'd 'toggle' the box; that isn't done often", "toggle"),
        ('"go to the red ball" is my goal, so "turn right" it is', "turn right"),
    ],
)
def test_quoted(text: str, name: str) -> None:
    assert name_of(babyai, BABYAI, text) == (name, "quoted")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I will go forward.", "go forward"),
        ("The key is in front of me, so let me pick up the key", "pick up"),
        ("First turn left... no, **turn right**!", "turn right"),
        ("I'm going to turn_left now", "turn left"),
        ("Let me go\nforward", "go forward"),
    ],
)
def test_mentioned(text: str, name: str) -> None:
    assert name_of(babyai, BABYAI, text) == (name, "mention")


@pytest.mark.parametrize(
    "text",
    [
        "I will turn right because the ball is on my left.",
        "I will turn right: the wall is 2 steps forward, the ball is 1 step left",
    ],
)
def test_an_action_in_full_counts_more_than_its_short_form(text: str) -> None:
    assert name_of(babyai, BABYAI, text) == ("turn right", "mention")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I would go far north to the door", "far north"),
        ("I would go north to the door", "north"),
        ("Let me go far northeast now", "far northeast"),
        ("Let me go northeast now", "northeast"),
        ("It is cold up there", "up"),
    ],
)
def test_the_longest_name_at_a_place_counts(text: str, name: str) -> None:
    assert name_of(nethack, NETHACK, text) == (name, "mention")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The inn is not that far. North of it is a door.", "north"),
        ("I have come far\n\nNorth", "north"),
    ],
)
def test_a_name_does_not_reach_across_sentences(text: str, name: str) -> None:
    assert name_of(nethack, NETHACK, text) == (name, "mention")


@pytest.mark.parametrize(
    "text",
    [
        "undo, redo, doing, domain, don't",
        "The sleeper sleeps; sleeping is nice",
        "noops",
        "Do2 Sleep3",
        "move, make, place, sword",
        "move towards the west",
        "",
        "   \n",
        "?!",
        "I am sorry, but I cannot help with that.",
        "中文",
    ],
)
def test_a_name_inside_another_word_is_none(text: str) -> None:
    assert crafter.parse(text) == ParsedAction(None, "")


@pytest.mark.parametrize(
    ("text", "first", "last", "stage"),
    [
        ("Move West, then Move North, then Do", "Move West", "Do", "mention"),
        ("'Move West' or 'Sleep'; not Noop", "Move West", "Sleep", "quoted"),
        ("ACTION: I would Move West and Do", "Move West", "Do", "tagged"),
        ("ACTION: Move West\nACTION: Do", "Do", "Do", "tagged"),
        ("Sleep", "Sleep", "Sleep", "exact"),
    ],
)
def test_the_policy_says_whether_the_first_or_the_last_name_counts(
    text: str, first: str, last: str, stage: str
) -> None:
    assert name_of(ActionParser(CRAFTER, mention="first"), CRAFTER, text) == (first, stage)
    assert name_of(ActionParser(CRAFTER, mention="last"), CRAFTER, text) == (last, stage)
    assert name_of(crafter, CRAFTER, text) == (last, stage)


def test_earlier_stages_come_before_later_ones() -> None:
    text = "Noop. 'Sleep'. ACTION: Do. Noop"
    assert name_of(crafter, CRAFTER, text)[1] == "tagged"
    assert name_of(crafter, CRAFTER, text.replace("ACTION:", "")) == ("Sleep", "quoted")
    assert STAGES == ("exact", "folded", "tagged", "quoted", "mention")


# What names no action

NO_ACTION = {
    "Crafter": [
        *("Drink", "Attack", "Eat Cow", "Wake Up", "Pickup Stone", "Collect Wood", "Make Stone"),
        *("Move North-East", "Move NorthEast", "Move north east", "I will move north-east now"),
        *("ACTION: Move North-East", '"Move South-West"', "<|ACTION|>Move South West<|END|>"),
        *("I cannot move west", "I can't move west.", "I don't want to go to sleep"),
        *("do nothing", "I do not see any water", "What should I do?", "A do-nothing strategy"),
        *("", " ", "\n\n", "ACTION:", '""', "<|ACTION|><|END|>", "{}", "null"),
        *('{"action": "attack", "target": "zombie"}', '{"direction": "west"}'),
        "Move West\nMove West\nDo",
        "Move West, Move North, Do",
        "1. Move West\n2. Do\n3. Sleep",
        "- Move West\n- Do",
        "I could:\n1. Move West to flee\n2. Sleep to rest\nI choose to attack the zombie.",
        "Move West: move west on flat ground\nDo: collect material\nSleep: sleep",
        "I should move west and sleep.\nACTION: Attack the zombie",
        "I should move west. <|ACTION|>Drink<|END|>",
        "Do: Make Stone Sword",  # two actions
    ],
    "BabyAI": [
        "turn left\ntoggle",
        "turn left\nturn right\ngo forward\npick up\ntoggle",
        "go forward\ntoggle door\ntoggle door",
        "turn left\nwall  steps forward\ngo forward\nwall  steps right\ntoggle",
        "turn left turn right go forward",
        *("turn", "boxeddrop", "I cannot drop it here", "instead of going to toggle"),
    ],
    "NetHack": [
        *("south-southeast", "southsoutheast", "far eastsoutheast", "west south", "one-eyed"),
        *("northpad", "an up-to-date map", "north\neast", "rather than go down"),
    ],
}
SOME_ACTION = {
    "Crafter": {
        "Do: Eat Cow": "Do",
        "MakeWoodPickaxe": "Make Wood Pickaxe",
        "Move West\nMove West": "Move West",
        "I cannot sleep, so I move west": "Move West",
        "I do not see water, I choose Do now": "Do",
        '{"thought": "to sleep", "action": "Move West", "because": "of \'Sleep\'"}': "Move West",
        "1. Move West is safe\n2. Sleep is not\nI will move west": "Move West",
        "Sleep\n\nReasoning:\n1. We are tired.\n2. Moving west is no use.": "Sleep",
        "Options:\n- Move West\n- Sleep\n\nI know what I want.\n\nSleep": "Sleep",
    },
    "BabyAI": {
        "pick up blue key": "pick up",
        "pick up grey key  step right and  step forward": "pick up",
        "turn left\na wall  steps forward\na blue key  step right": "turn left",
        "turn_left": "turn left",
        "turnleft": "turn left",
    },
    "NetHack": {
        "kick west": "kick",
        "eat f south": "eat",
        "move west": "west",
        "go west": "west",
        "north-east": "northeast",
        "far north east": "far northeast",
        "west west": "west",
        "south\n\nsouth": "south",
        "search I see that Im stuck Let me try moving on\n\neast": "east",
    },
}


@pytest.mark.parametrize(
    ("game", "text"), [(game, text) for game, texts in NO_ACTION.items() for text in texts]
)
def test_what_names_no_action_of_the_game_is_not_recovered(game: str, text: str) -> None:
    assert GAMES[game][0].parse(text) == ParsedAction(None, "")


@pytest.mark.parametrize(
    ("game", "text", "name"),
    [(game, text, name) for game, texts in SOME_ACTION.items() for text, name in texts.items()],
)
def test_what_stands_beside_it_is_recovered(game: str, text: str, name: str) -> None:
    assert name_of(*GAMES[game], text)[0] == name


@pytest.mark.nethack
@pytest.mark.parametrize(
    ("text", "name"),
    [
        # A command with its item or direction is two keys; the first is what is named.
        *(
            ("pickup b", "pickup"),
            ("read d", "read"),
            ("zap f south", "zap"),
            ("wield\na", "wield"),
        ),
        *(("open west", "open"), ("open southwest", "open"), ("kick west", "kick")),
        ("ACTION: open west", "open"),
        ("I see a door, so I open west", "open"),
        ("Take Off", "takeoff"),
        ("a one-handed sword", None),
    ],
)
def test_a_command_with_an_argument_is_the_command(text: str, name: str | None) -> None:
    from nle import nethack as nle

    from textenvs.envs.nethack.actions import describe

    names = tuple(action.name for action in describe(nle.ACTIONS))
    assert name_of(ActionParser(names), names, text)[0] == name


def test_of_a_plan_the_first_mention_is_its_first_step() -> None:
    first = ActionParser(BABYAI, mention="first")
    for text in ("turn left\ntoggle", "turn left toggle", "- turn left\n- toggle"):
        assert name_of(first, BABYAI, text)[0] == "turn left"


@pytest.mark.parametrize(
    "text",
    [
        *("do " * 30_000, "ACTION" * 15_000, "\n" * 80_000, "- do\n" * 15_000, "not to " * 12_000),
        *("north " * 15_000, "-" * 80_000, "a-" * 40_000, "ACTION: " + "x" * 80_000),
        *("kick a " * 15_000, "ACTION:\n" * 10_000, '"' * 80_000, "north-" * 14_000),
    ],
)
def test_hostile_texts_are_read_in_no_time(text: str) -> None:
    for parser, _ in GAMES.values():
        start = time.perf_counter()
        parser.parse(text)
        assert time.perf_counter() - start < 2


# Aliases and arguments


def test_aliases_that_are_words_count_in_every_stage() -> None:
    parser = ActionParser(("turn left", "go forward"), {"left": 0, "move_ahead": 1})
    assert parser.parse("left") == (0, "exact")
    assert parser.parse("LEFT!") == (0, "folded")
    assert parser.parse("Action: move ahead") == (1, "tagged")
    assert parser.parse("Let me move ahead") == (1, "mention")


def test_aliases_that_are_keys_count_exactly_only() -> None:
    parser = ActionParser(("north", "wait"), {"k": 0, ".": 1, "<CR>": 1})
    assert parser.parse("k") == (0, "exact")
    assert parser.parse(".") == (1, "exact")
    assert parser.parse("<CR>") == (1, "exact")
    assert parser.parse("K") == (None, "")
    assert parser.parse("I press k.") == (None, "")
    assert parser.parse("the cr") == (None, "")


def test_a_name_comes_before_an_alias_of_another_action() -> None:
    parser = ActionParser(("up", "down"), {"up": 1, "UP": 1})
    assert parser.parse("up") == (0, "exact")
    assert parser.parse("Up") == (0, "folded")


def test_names_with_signs_of_regular_expressions_are_plain_text() -> None:
    parser = ActionParser(("a.b*", "c(d", "[x]"))
    assert [parser.parse(name).action for name in ("a.b*", "c(d", "[x]", "aXb")] == [0, 1, 2, None]


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="'first' or 'last', got 'best'"):
        ActionParser(CRAFTER, mention="best")


@pytest.mark.parametrize("names", [("Go", "go"), ("go on", "go_on"), ("go", "go")])
def test_names_that_differ_in_case_or_punctuation_only_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected names that differ in more than case"):
        ActionParser(names)


def test_punctuation_is_no_action_even_where_a_name_has_no_letters() -> None:
    parser = ActionParser(("↑", "go"))
    assert [parser.parse(text) for text in ("?!", "", "...", "hello")] == [(None, "")] * 4
    assert parser.parse("↑") == (0, "exact")


def test_no_names_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the names of the actions, got none"):
        ActionParser(())
