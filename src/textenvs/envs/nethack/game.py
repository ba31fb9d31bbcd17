"""A running game of NetHack: keys in, arrays and all pages of text out.

This drives ``nle.nethack.Nethack`` as NLE's own environment does (which pages are turned and which
questions are declined, in the same order), with three differences: no page of text is lost when it
is turned, nothing depends on the clock or on true randomness, and ending a game early leaves its
last screen as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nle import nethack
from numpy.typing import NDArray

from textenvs.captioners.nethack_default import screen_text

__all__ = ["MORE", "Game"]

_SPACE = ord(" ")
_ESCAPE = 0x1B

MORE = "--More--"
_YEAR_ON_TOMBSTONE = re.compile(rb"\| +([12][0-9]{3}) +\|")

# Entries of NLE's `internal` and `program_state`.
_IN_QUESTION, _IN_LINE_INPUT, _WAITS_FOR_SPACE, _NUTRITION = 1, 2, 3, 7
_GAME_OVER, _IN_MOVELOOP = 0, 3

# Questions that are left to the agent when all others are declined (NLE's).
_AGENTS_QUESTIONS = (b"eat", b"attack", b"direction?", b"pray")
_FIRST_PAGES = 1000  # more than any start of a game shows


class Game:
    """One NetHack process-within-a-library, to be reset as often as wanted.

    Args:
        keys: which of NLE's arrays to keep.
        character: as NLE's: "mon-hum-neu-mal", or "@" for a random hero.
        options: NetHack's options, None for NLE's.
        answer_everything: leave every question and menu to the agent.
        skip_more: turn pages that end with --More--, as BALROG does; menus stay.
        tiles: load the tiles that :meth:`picture` draws.

    Attributes:
        arrays: NLE's arrays by key: the game's own buffers, overwritten by the next key.
        blstats: (27,) int64, one of them.
        messages: the pages of text of the last action, oldest first, empty ones left out.
        over: whether the game has ended.
    """

    def __init__(
        self,
        *,
        keys: Sequence[str],
        character: str,
        options: Sequence[str] | None,
        answer_everything: bool,
        skip_more: bool,
        tiles: bool,
    ) -> None:
        names = tuple(
            dict.fromkeys(
                (*keys, "glyphs", "blstats", "message", "tty_chars", "internal", "program_state")
            )
        )
        self._nethack = nethack.Nethack(
            observation_keys=names,
            playername=f"Agent-{character}",
            ttyrec=None,
            options=None if options is None else list(options),
            fix_moon_phase=True,
        )
        self._names = names
        self._answer_everything = answer_everything
        self._skip_more = skip_more
        if tiles and not self._nethack.setup_tiles():
            raise RuntimeError("NLE could not load its tiles, which render_mode 'rgb_array' needs")
        # NLE draws only what has changed since the last drawing, so one frame is kept.
        self._frame = np.zeros(nethack.TILE_RENDER_SHAPE, np.uint8)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.messages: list[str] = []
        self.over = False

    def reset(self, core: int, display: int) -> None:
        """Begin a new game from the seeds of NetHack's two generators."""
        self._forget_scores()
        self._nethack.set_initial_seeds(core, display, reseed=False)
        self.arrays = dict(zip(self._names, self._nethack.reset(), strict=True))
        self.blstats = self.arrays["blstats"]
        self._internal = self.arrays["internal"]
        self._program_state = self.arrays["program_state"]
        self._message = self.arrays["message"]
        self.messages = []
        self.over = False
        for _ in range(_FIRST_PAGES):
            if self._program_state[_IN_MOVELOOP]:
                break
            self._key(_SPACE)
        else:
            raise ValueError(
                f"NetHack does not start with the options {', '.join(self._nethack.options)!r}"
            )
        self._keep_page()

    def press(self, code: int) -> None:
        """Press a key, then turn pages and decline questions as the settings say."""
        self.messages = []
        self._key(code)
        if self._program_state[_GAME_OVER] == 1 or not self._answer_everything:
            self._dismiss()
        elif self._skip_more:
            self._turn_pages(menus=False)
        self._keep_page()

    @property
    def nutrition(self) -> int:
        """The hero's nutrition; not shown to a player."""
        return int(self._internal[_NUTRITION])

    @property
    def playing(self) -> bool:
        """False before the start and after the end, when NLE's numbers are all zero."""
        return bool(self._nethack.in_normal_game())

    def terminal(self) -> str:
        """The 24 lines of the terminal, without trailing blanks."""
        rows = self.arrays["tty_chars"]
        return "\n".join(bytes(row).decode("latin-1").rstrip(" \0") for row in rows)

    def picture(self) -> NDArray[np.uint8]:
        """The map in tiles, (336, 1264, 3) uint8."""
        self._nethack.draw_frame(self._frame)
        return self._frame.copy()

    def close(self) -> None:
        """End NetHack and remove its files; may be called twice."""
        if self._nethack is not None:
            self._nethack.close()
            self._nethack = None

    def _forget_scores(self) -> None:
        """Empty the list of scores, which would show the games before at the end of this one."""
        for name in ("record", "logfile", "xlogfile"):
            Path(self._nethack._vardir, name).write_bytes(b"")

    def _key(self, code: int) -> None:
        _, self.over = self._nethack.step(code)
        if self._program_state[_GAME_OVER] == 1:
            self._hide_year()

    def _hide_year(self) -> None:
        """Blank the year on the tombstone, which is the clock's."""
        screen = self.arrays["tty_chars"]
        for match in _YEAR_ON_TOMBSTONE.finditer(screen.tobytes()):
            screen.reshape(-1)[slice(*match.span(1))] = _SPACE

    def _turn_pages(self, *, menus: bool) -> None:
        """Read on while the game waits; menus, which show no --More--, are closed or left."""
        while not self.over and self._internal[_WAITS_FOR_SPACE] and (menus or self._has_more()):
            self.messages += filter(None, [self._page()])
            self._key(_SPACE)

    def _dismiss(self) -> None:
        """Do what NLE does between two actions of an agent that sees no menus."""
        while not self.over:
            if self._internal[_WAITS_FOR_SPACE]:
                self._turn_pages(menus=True)
            elif self._internal[_IN_LINE_INPUT]:
                self._key(_ESCAPE)
            else:
                if self._internal[_IN_QUESTION] and not self._is_agents_question():
                    self._key(_ESCAPE)
                return

    def _is_agents_question(self) -> bool:
        message = self._message.tobytes()
        return self._answer_everything or any(words in message for words in _AGENTS_QUESTIONS)

    def _keep_page(self) -> None:
        """Keep the message that stays; if it waits for a key, it says so, as on the terminal.

        A window that stays is on the terminal, where captions read it.
        """
        text = self._text()
        waits = text and self._internal[_WAITS_FOR_SPACE]
        if waits and self._has_more():
            text = f"{text} {MORE}"
        self.messages += filter(None, [text])

    def _has_more(self) -> bool:
        return MORE.encode() in self.arrays["tty_chars"].tobytes()

    def _text(self) -> str:
        return self._message.tobytes().partition(b"\0")[0].decode("latin-1").strip()

    def _page(self) -> str:
        """The message on the screen, or the window that waits for a key."""
        text = self._text()
        if text or not self._internal[_WAITS_FOR_SPACE]:
            return text
        screen = self.arrays["tty_chars"]
        return screen_text(screen.tobytes(), screen.shape[1])[0].removesuffix(MORE).rstrip()
