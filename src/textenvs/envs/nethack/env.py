"""NetHack as a Gymnasium environment whose observation is text."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from textenvs.captioners.nethack_styles import STYLES
from textenvs.envs.nethack.actions import describe
from textenvs.envs.nethack.progress import progress
from textenvs.envs.nethack.tasks import TASKS, State
from textenvs.envs.text_env import TextEnv
from textenvs.errors import choose, require

__all__ = ["ARRAYS", "BLSTATS", "NetHackTextEnv"]

ARRAYS = (
    *("glyphs", "chars", "colors", "specials", "blstats", "message"),
    *("inv_glyphs", "inv_strs", "inv_letters", "inv_oclasses"),
    *("tty_chars", "tty_colors", "tty_cursor"),
)
"""The arrays of ``obs="dict"`` unless others are asked for."""

BLSTATS = {
    "x": 0,
    "y": 1,
    "score": 9,
    "depth": 12,
    "gold": 13,
    "experience_level": 18,
    "time": 20,
    "dungeon_number": 23,
    "level_number": 24,
    "condition": 25,
}
"""Where entries stand in NLE's ``blstats``."""

_ENTRIES = operator.itemgetter(
    *(
        BLSTATS[name]
        for name in (
            *("score", "gold", "time", "depth", "experience_level"),
            *("dungeon_number", "level_number", "condition", "x", "y"),
        )
    )
)

_CAPTION_KEYS = (
    *("glyphs", "blstats", "message", "inv_strs", "inv_letters", "tty_chars", "tty_cursor"),
)
_MAX_TEXT = 32_768
_ROLES = (
    *("@", "arc", "bar", "cav", "hea", "kni", "mon", "pri", "rog", "ran", "sam", "tou", "val"),
    "wiz",
)
_HALLUCINATING = 0x200  # the bit of blstats' condition
_STAIRS_UP, _STAIRS_DOWN = 2382, 2383  # glyphs
_ARRIVALS = {"You descend the stairs": _STAIRS_UP, "You climb up the stairs": _STAIRS_DOWN}
_EAT_QUESTION = "What do you want to eat"
_FIRST_LETTER = re.compile(r"\[([a-zA-Z])")


class NetHackTextEnv(TextEnv):
    """NetHack 3.6.7 (nle 1.3.0) in words.

    ``reset(seed=s)`` fixes the whole game: NetHack's two generators are seeded from ``np_random``
    at every reset, its reseeding is off and the moon's phase is fixed.

    Args:
        task: a key of :data:`textenvs.envs.nethack.tasks.TASKS`.
        style: a style of caption, a key of :data:`textenvs.captioners.nethack_styles.STYLES`.
        obs: ``"text"`` or ``"dict"`` (see Observation).
        observation_keys: the arrays of ``obs="dict"``, any of NLE's.
        actions: ``"task"`` for NLE's 23, ``"all"`` for its 121; None for the task's.
        character: role-race-alignment-gender, "@" for a random one; None for the task's
            (Challenge: "@", else the neutral human male monk).
        success_reward: what a success of Staircase and Oracle tasks pays (Motif 50, NLE 1).
        penalty_step: the reward of a step in which the game's time stands still; None for the
            task's (-0.01 for NLE's tasks, 0 for Motif's).
        eat_fix: Motif's: at the question what to eat, the action northwest (its key is y) answers
            with the first thing offered, every other action declines.
        skip_more: whether pages that wait for a key are turned; they always are but in Challenge,
            where False, NLE's own way, leaves it to the agent. All pages are in the text. In
            Challenge menus stay, as on BALROG's leaderboard; elsewhere they are closed.
        no_progress_timeout: steps without a turn of the game after which a Challenge is truncated.
        options: NetHack's options; None for NLE's (for Gold with gold alone picked up).
        render_mode: ``"ansi"`` (the terminal, 24 lines), ``"rgb_array"`` (tiles) or None.

    Observation:
        The caption. With ``obs="dict"`` also NLE's arrays (copies).

    Raises:
        MissingExtra: if nle is not installed.
        UnknownName: for a task, style, observation, role or set of actions that does not exist.
    """

    def __init__(
        self,
        task: str,
        *,
        style: str = "default",
        obs: str = "text",
        observation_keys: Sequence[str] = ARRAYS,
        actions: str | None = None,
        character: str | None = None,
        success_reward: float = 50.0,
        penalty_step: float | None = None,
        eat_fix: bool = False,
        skip_more: bool = False,
        no_progress_timeout: int = 10_000,
        options: Sequence[str] | None = None,
        render_mode: str | None = None,
    ) -> None:
        choose("task", task, TASKS)
        choose("style", style, STYLES)
        require("nle", extra="nethack", needed_by=f"NetHack-Text-{task}-v0")
        from nle import nethack
        from nle.env.tasks import TASK_ACTIONS

        from textenvs.envs.nethack.game import Game

        self.task = TASKS[task]
        self.style = style
        self._caption = STYLES[style]
        self._tells_underfoot = style in ("default", "brief")  # the published texts do not
        everything = self.task.everything
        action_set = actions or ("all" if everything else "task")
        choose("actions", action_set, ("task", "all"))
        hero = character or ("@" if everything else "mon-hum-neu-mal")
        choose("role of a character", hero.partition("-")[0], _ROLES)
        self._actions = describe(nethack.ACTIONS if action_set == "all" else TASK_ACTIONS)
        self.action_keys = tuple(action.key for action in self._actions)
        self.success_reward = float(success_reward)
        self.penalty_step = float(self.task.penalty_step if penalty_step is None else penalty_step)
        self.eat_fix = eat_fix
        self._no_progress_timeout = no_progress_timeout if everything else None
        if options is None and task == "Gold":
            options = [
                "pickup_types:$" if option.startswith("pickup_types") else option
                for option in nethack.NETHACKOPTIONS
            ]
        _check_keys(observation_keys, nethack.OBSERVATION_DESC)
        array_keys = tuple(observation_keys) if obs == "dict" else ()
        self.game = Game(
            keys=(*_CAPTION_KEYS, *array_keys),
            character=hero,
            options=options,
            answer_everything=everything,
            skip_more=skip_more or not everything,
            tiles=render_mode == "rgb_array",
        )
        self._oracle = _oracle_glyph(nethack)
        self._settings = [task, action_set, hero, success_reward, self.penalty_step, eat_fix]
        self._settings += [skip_more, no_progress_timeout, options and list(options)]
        super().__init__(
            obs=obs,
            action_names=tuple(action.name for action in self._actions),
            action_aliases=_first_by_key(self.action_keys),
            # Without the escape key, the action that spends least.
            default_action="esc" if action_set == "all" else "wait",
            arrays={key: _array_space(nethack.OBSERVATION_DESC[key]) for key in array_keys},
            max_length=_MAX_TEXT,
            render_mode=render_mode,
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a game; see the class for what the seed fixes. No option is read."""
        super().reset(seed=seed)
        core, display = (int(n) for n in self.np_random.integers(2**63 - 1, size=2))
        self._begin((core, display))
        return self._result()

    def _begin(self, seeds: tuple[int, int]) -> None:
        self._seeds = seeds
        self._played: list[int] = []
        self.game.reset(*seeds)
        self._text_action, self._end_status = "", "running"
        self._frozen_steps = 0
        self._explored: dict[tuple[int, int], int] = {}
        self._succeeded = False
        self._kills = 0
        self._progress = 0.0
        self._state = self._alive = self._read_state()
        self._underfoot = _STAIRS_UP  # where every game begins

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Press an action's key.

        ``terminated``: the hero died or left, or the task is done. ``truncated``: a Challenge made
        no progress (NLE's ABORTED); the limit of steps is the id's ``max_episode_steps``.
        """
        reward, terminated, truncated = self._play(self._index(action))
        observation, info = self._result()
        return observation, reward, terminated, truncated, info

    def _play(self, action: int) -> tuple[float, bool, bool]:
        """Play an action: its reward, and whether it terminates or truncates the episode."""
        chosen = self._actions[action]
        self._played.append(action)
        before = self._state
        glyphs = before.glyphs.copy() if self._tells_underfoot else None
        self.game.press(self._eat_answer(chosen.code) if self.eat_fix else chosen.code)
        self._state = after = self._read_state()
        if after.playing:
            self._alive = after
        if glyphs is not None:
            self._underfoot = _under(glyphs, before, after, self._underfoot)
        self._kills += sum(map(_count_kills, self.game.messages))
        over = self.game.over
        success = self._is_success(after)
        reward = self._reward(before, after, success)
        done = success and not self.task.continual
        stopped = not over and not done and self._is_stuck()
        self._text_action = chosen.name
        self._end_status = (
            "over" if over else "success" if done else "aborted" if stopped else "running"
        )
        if after.depth != before.depth or after.experience_level != before.experience_level:
            here = progress(after.depth, after.experience_level)
            self._progress = max(self._progress, here)
        return reward, over or done, stopped

    def _eat_answer(self, code: int) -> int:
        """At the question what to eat: the first thing offered for y, else a blank to decline."""
        question = self.game.messages[-1] if self.game.messages else ""
        if _EAT_QUESTION not in question:
            return code
        offered = _FIRST_LETTER.search(question)
        return ord(offered.group(1)) if code == ord("y") and offered else ord(" ")

    def _is_success(self, after: State) -> bool:
        success = self.task.success
        return success is not None and not self._succeeded and success(after, self._oracle)

    def _reward(self, before: State, after: State, success: bool) -> float:
        task = self.task
        if success:
            self._succeeded = True
            reward = self.success_reward
        elif task.gain is not None and after.playing:
            reward = float(task.gain(before, after, self._explored))
        else:
            reward = 0.0
        self._frozen_steps = self._frozen_steps + 1 if before.time == after.time else 0
        penalised = after.playing or task.always_penalised or task.gain is None
        return reward + (self.penalty_step if self._frozen_steps and penalised else 0.0)

    def _is_stuck(self) -> bool:
        timeout = self._no_progress_timeout
        return timeout is not None and self._frozen_steps >= timeout

    def _read_state(self) -> State:
        game = self.game
        score, gold, time, depth, level, dungeon, dungeon_level, condition, x, y = _ENTRIES(
            game.blstats.tolist()
        )
        return State(
            score,
            gold,
            time,
            depth,
            level,
            game.nutrition,
            (dungeon, dungeon_level),
            bool(condition & _HALLUCINATING),
            game.messages,
            game.playing,
            (x, y),
            game.arrays["glyphs"],
        )

    def _state_of_game(self) -> dict[str, Any]:
        """NetHack cannot be copied: the seeds of the game and the actions since lead to it."""
        return {"seeds": self._seeds, "played": list(self._played)}

    def _set_state_of_game(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self._begin(tuple(state["seeds"]))
        for action in state["played"]:
            self._play(action)
        return self._result()

    def _result(self) -> tuple[Any, dict[str, Any]]:
        arrays = self.game.arrays
        caption = self._caption(arrays, self.game.messages, self.task.mission, self._underfoot)
        state = self._alive
        info = {
            "text_action": self._text_action,
            "messages": tuple(self.game.messages),
            "end_status": self._end_status,
            "progress": self._progress,
            "depth": state.depth,
            "experience_level": state.experience_level,
            "score": state.score,
            "gold": state.gold,
            "kills": self._kills,
            "turn": state.time,
            **caption.parts,
        }
        if self.task.mission:
            info["mission"] = self.task.mission
        if self.task.success is not None:
            info["success"] = self._succeeded
        copies = {key: arrays[key].copy() for key in self._array_keys}
        return self._observation(caption._replace(text=caption.text[:_MAX_TEXT]), copies), info

    def render(self) -> Any:
        """Draw the terminal (``ansi``: 24 lines) or the map in tiles (336, 1264, 3) uint8."""
        if self.render_mode == "ansi":
            return self.game.terminal()
        if self.render_mode == "rgb_array":
            return self.game.picture()
        return None

    def close(self) -> None:
        """End the game and remove its files."""
        self.game.close()
        super().close()


def _count_kills(message: str) -> int:
    """How many monsters the hero killed, as a message tells it."""
    return message.count("You kill ") + message.count("You destroy ")


def _under(glyphs: NDArray[np.int16], before: State, after: State, underfoot: int) -> int:
    """The glyph of what the hero stands on, who hides it: what was seen there before.

    Args:
        glyphs: the map before the step.
        before: the state before the step.
        after: the state after it.
        underfoot: what the hero stood on before.

    Returns:
        The glyph, -1 if it is not known.
    """
    if after.level != before.level:
        went = [stairs for words, stairs in _ARRIVALS.items() if _says(after, words)]
        return went[0] if went else -1
    if after.position == before.position:
        return underfoot
    x, y = after.position
    return int(glyphs[y, x])


def _says(state: State, words: str) -> bool:
    return any(words in page for page in state.messages)


def _check_keys(keys: Sequence[str], known: Mapping[str, Any]) -> None:
    for key in keys:
        choose("observation key", key, known)


def _first_by_key(keys: Sequence[str]) -> dict[str, int]:
    """Key -> action; of actions with one key the first (they press the same)."""
    return {key: keys.index(key) for key in keys}


def _array_space(description: Mapping[str, Any]) -> spaces.Box:
    dtype = np.dtype(description["dtype"])
    bounds = np.iinfo(dtype)
    return spaces.Box(int(bounds.min), int(bounds.max), description["shape"], dtype.type)


def _oracle_glyph(nethack: Any) -> int:
    for glyph in range(nethack.GLYPH_MON_OFF, nethack.GLYPH_PET_OFF):
        if nethack.permonst(nethack.glyph_to_mon(glyph)).mname == "Oracle":
            return glyph
    raise LookupError("expected NLE to know a monster named Oracle, found none")
