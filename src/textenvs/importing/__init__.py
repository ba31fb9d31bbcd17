"""Games that others' models have played, as traces.

=================  ================================================================================
:mod:`.balrog`     BALROG's submissions: Crafter, BabyAI and NetHack
:mod:`.craftergpt` CrafterGPT's recorded games of Crafter
:mod:`.games`      what a source gives: games, what it published of them, what is wrong with it
:mod:`.playing`    finds out whether an imported game can be played again here
:mod:`.summary`    the imported games in numbers, beside the published ones
=================  ================================================================================

What a source does not say is absent from its traces.
"""

from textenvs.importing.balrog import read_balrog
from textenvs.importing.craftergpt import read_craftergpt
from textenvs.importing.games import Game, Problem, Published, Source, write_game
from textenvs.importing.summary import Pair, Row, compare_models, summarize

__all__ = [
    "SOURCES",
    "Game",
    "Pair",
    "Problem",
    "Published",
    "Row",
    "Source",
    "compare_models",
    "read_balrog",
    "read_craftergpt",
    "summarize",
    "write_game",
]

SOURCES = {"balrog": read_balrog, "craftergpt": read_craftergpt}
"""Name -> what reads it from its folders."""
