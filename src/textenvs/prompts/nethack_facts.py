"""What NetHack's commands do, in short, which its prompts are made from."""

from __future__ import annotations

__all__ = ["ANSWERS", "COMMANDS", "COMPASS", "DIGITS", "FURTHER_COMMANDS", "ONLY_IN_FULL", "RULES"]

COMPASS = (
    *("north", "east", "south", "west"),
    *("northeast", "southeast", "southwest", "northwest"),
)
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_ORDINARY = """
up: climb the staircase you stand on
down: descend the staircase you stand on (works nowhere else)
wait: rest for one move
more: turn the page, where the message ends with --More--
annotate: write a note about this level
apply: use a tool
call: give a name to a monster or a kind of object, or annotate the level
cast: cast a spell you know
close: shut a door beside you
open: open a door beside you
dip: dip one thing into another
drop: put one item down
droptype: drop several items by kind (you are asked which)
eat: eat something, when you are hungry
esc: leave a menu or a question
engrave: write on the floor (Elbereth is a useful word)
enhance: advance your weapon skills, or look at them
fire: shoot what is in your quiver
fight: hit at a place, even if no monster is seen there
force: break a lock open
inventory: see what you carry
invoke: call upon the power of an object
jump: leap to another place
kick: kick a door, a chest or an enemy
look: see what lies where you stand
loot: open a box that is on the floor here
monster: use a special ability of the monster you have become
offer: sacrifice something on an altar of your own faith
overview: list what you know of the dungeon
pay: pay what you owe in a shop
pickup: take things from the floor here
pray: ask your god for help
puton: put on a ring, an amulet or the like
quaff: drink a potion or the like
quiver: choose what you will fire
read: read a scroll or a book of spells
remove: take off a ring, an amulet or the like
rub: rub something, like a lamp or a stone
search: look for hidden doors and passages beside you
swap: exchange your first and your second weapon
takeoff: get out of one piece of armor
takeoffall: take off all that you wear
teleport: teleport, if you have that power
throw: throw something
travel: walk to a far place: answer with <, > or _ to name the target
twoweapon: begin or stop fighting with two weapons
untrap: make a trap harmless
wear: put on a piece of armor
wield: take a weapon into your hand
wipe: clean your face
zap: use a wand
minus: the character -
space: the blank
apos: the character '
"""

_FURTHER = """
adjust: change the letter of an item
attributes: see your own attributes
autopickup: switch the picking up of things you walk over
chat: talk to someone beside you
conduct: see which challenges you have kept
extcmd: the character #, which begins a command by name
glance: say what stands at a place on the map
inventtype: see what you carry of one kind
known: see which kinds of objects you know
knownclass: see which objects of one class you know
move: step without picking anything up
movefar: walk far without picking anything up
quit: give up, which ends the game
ride: mount or leave a steed
rush: walk until something interesting comes
rush2: walk until something interesting comes
save: leave the game, which ends it
seeall: see the tools that you use; the character *
seeamulet: see the amulet you wear
seearmor: see the armor you wear
seegold: see how much gold you have
seerings: see the rings you wear
seespells: see the spells you know
seetools: see the tools that you use
seetrap: see of what kind a trap beside you is
seeweapon: see your weapon
sit: sit down
tip: empty a box or a bag
turnundead: drive undead away, as priests and knights can
plus: the character +
quote: the character "
dollar: the character $
"""


def _table(lines: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in lines.strip().splitlines())
    return {word: meaning for word, _, meaning in pairs}


COMMANDS = {
    **{word: f"move {word}" for word in COMPASS},
    **{f"far {word}": f"move far {word}" for word in COMPASS},
    **_table(_ORDINARY),
    **{word: f"the digit {digit}" for digit, word in enumerate(DIGITS)},
}
"""Command -> what it does: those of BALROG's prompt, in its order."""

FURTHER_COMMANDS = _table(_FURTHER)
"""Those that BALROG's prompt leaves out, as far as they need a word."""

RULES = """\
You play NetHack, a dungeon game with one life. Your progress is the deepest level of the dungeon \
that you have reached (Dlvl) and your experience level (Xp): explore, find the stairs down (>), \
descend, and grow strong enough to survive below.
- Stairs work only while you stand on them. Never go up from level 1: that leaves the dungeon and \
ends the game.
- Attack a monster by moving into it; leave peaceful ones and your pet alone.
- A move that is blocked does nothing: choose another direction. Doors are not passed diagonally. \
A locked door opens to kicks; where no way leads on, search ten times and more at dead ends.
- Keys that take no game time (menus, refused moves) lead nowhere: a game may be ended after 150 \
of them in a row.
- Eat when you are hungry, never when you are satiated: you would choke. Eat corpses fresh or not \
at all. Pray when your health is below a seventh or you are weak from hunger, but not twice within \
a thousand turns."""
"""What is true of the game, in short."""

ANSWERS = """\
- When the game asks which item, answer with the item's letter; when it asks for a direction, \
answer with a direction; any other question takes a character that it names (y, n). A single \
character counts as an action then."""
"""How the game's questions are answered, where all keys are among the actions."""

ONLY_IN_FULL = "esc"
"""An action that only the full set has: there, a question can be answered and left."""
