"""CrafterGPT again: its two agents on our Crafter, and its recorded games replayed.

    python benchmarks/crafter_gpt.py --llm hf:BASE [--episodes 10]
    python benchmarks/crafter_gpt.py --llm hf:BASE --fine-tuned "hf:BASE?adapter=DIR"
    python benchmarks/crafter_gpt.py --replay DIR
    python benchmarks/crafter_gpt.py --smoke

The agent is asked with the prompt ``craftergpt`` (status, resources, threats, goal, options and
choice in one answer), is read by CrafterGPT's own parser, and sampled as published: temperature
0.9, top_p 0.6, 1000 tokens. Its second agent (``--fine-tuned``) is the same with another model, as
``textenvs sft-human`` and ``textenvs finetune`` make one, on the same episodes. ``--replay`` needs
no model: it plays the recorded CSV files of DIR (techandy42/CrafterGPT) through our environment and
parser, compares every row and recomputes the published reward log. Random play and the expert
humans (``--data``, danijar/crafter) stand beside. Of all whose actions are known the page says
whether their play collapses to one action, as CrafterGPT's fine-tuned agent's did.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

import common
import textenvs  # noqa: F401  # registers the ids
from common import Row
from crafter_gpt_collapse import COLLAPSED, Uses, collapse_of, uses_of
from crafter_gpt_published import (
    GAMES,
    PUBLISHED_GAMES,
    PUBLISHED_MEANS,
    PUBLISHED_RANDOM,
    PUBLISHED_REWARDS,
    PUBLISHED_SCORES,
    PUBLISHED_SKEW,
    PUBLISHED_TOP,
)
from crafter_gpt_replay import ENV_ID, replay_folder
from textenvs.evaluation import Settings
from textenvs.metrics import CRAFTER_ACHIEVEMENTS, crafter_score_of_groups
from textenvs.published_parsers import accident
from textenvs.traces import Trace, read_trace

GAME = "Crafter"
_SMOKE_STEPS = 12
_SMOKE_ANSWERS = (
    'Current Status: all well. Goal: wood.\nAction Choice:\n"Move West"',
    'There is grass in front of me.\nAction Choice:\n"Do"',
    "I go down to the lake.",
    '"Attack the zombie with my iron sword."',
)
_SMOKE_TUNED_ANSWERS = ('Action Choice:\n"Make Stone Pickaxe"',)  # as collapsed as can be
_FINE_TUNED = "fine_tuned"

# Rows


def human_row(data: pathlib.Path) -> Row | None:
    """The expert humans of crafter's own score file; None if it is not there."""
    path = data / "crafter_scores" / "crafter_reward-human.json"
    if not path.is_file():
        return None
    players = json.loads(path.read_text(encoding="utf-8"))
    games = [
        [
            {name: player[f"achievement_{name}"][i] for name in CRAFTER_ACHIEVEMENTS}
            for i in range(len(player["length"]))
        ]
        for player in players
    ]
    mean, deviation = crafter_score_of_groups(games)
    return Row(
        player="human experts (published games)",
        kind="expert",
        game=GAME,
        seed=None,
        values={
            "return": [float(reward) for player in players for reward in player["reward"]],
            "length": [float(length) for player in players for length in player["length"]],
            "achievements": [
                float(sum(count > 0 for count in game.values()))
                for player in games
                for game in player
            ],
        },
        more={"crafter_score_of_players": {"mean": mean, "deviation": deviation}},
    )


def settings_of(args: argparse.Namespace, episodes: int, **own: Any) -> Settings:
    """What all players share."""
    return Settings(
        ids=(ENV_ID,),
        episodes=episodes,
        seed=args.seed,
        style="smartplay",
        max_steps=_SMOKE_STEPS if args.smoke else None,
        **own,
    )


@dataclass(frozen=True)
class Agent:
    """One of CrafterGPT's two agents: they differ in the model alone.

    Attributes:
        name: the group that its recorded games are of.
        llm: the model; None for a scripted one.
        label: what the tables call it; None for the model's name.
        answers: those of the scripted model.
    """

    name: str
    llm: str | None
    label: str | None
    answers: Sequence[str]


def agents_of(args: argparse.Namespace) -> list[Agent]:
    """Who plays: the agents that a model was named for; of a smoke run without any both.

    Raises:
        ValueError: if the two cannot be told apart, or a label has no model.
    """
    for option, llm, label in (
        ("--llm", args.llm, args.label),
        ("--fine-tuned", args.fine_tuned, args.fine_tuned_label),
    ):
        if label is not None and llm is None:
            raise ValueError(f"expected {option}, whose label {label!r} was given")
    if args.llm is not None and args.llm == args.fine_tuned:
        raise ValueError(f"expected two models, got {args.llm!r} for --llm and --fine-tuned")
    if args.label is not None and args.label == args.fine_tuned_label:
        raise ValueError(f"expected two labels, got {args.label!r} for both agents")
    both = (
        Agent("prompt_only", args.llm, args.label, _SMOKE_ANSWERS),
        Agent(_FINE_TUNED, args.fine_tuned, args.fine_tuned_label, _SMOKE_TUNED_ANSWERS),
    )
    named = [agent for agent in both if agent.llm is not None]
    return list(both) if args.smoke and not named else named


def model_row(args: argparse.Namespace, episodes: int, agent: Agent) -> Row:
    """One of CrafterGPT's agents with a model."""
    model = common.scripted(agent.answers) if agent.llm is None else None
    name = agent.label or agent.llm or f"scripted_{agent.name}"
    folder = args.runs / common.folder_name(name)
    settings = settings_of(
        args,
        episodes,
        agent="cot",
        llm=agent.llm or "scripted",
        prompt="craftergpt",
        parser="craftergpt",
        temperature=0.9,
        top_p=0.6,
        answer_tokens=1000,
        keep_prompts=False,
    )
    asked = argparse.Namespace(**{**vars(args), "llm": agent.llm})
    gateway = common.open_model(asked, folder, model)
    player = agent.label or gateway.name
    try:
        row = common.play(
            settings,
            folder,
            player=f"{player} (fine-tuned)" if agent.name == _FINE_TUNED else player,
            kind="model",
            game=GAME,
            model=gateway,
            concurrency=args.concurrency,
        )
    finally:
        gateway.close()
    played = [read_trace(path) for path in common.traces(folder, settings)]
    row.more.update(_accidents(played))
    row.more.update(agent=agent.name, collapse=collapse_of(map(_uses_of_trace, played)))
    return row


def _accidents(played: Sequence[Trace]) -> dict[str, int]:
    """How often CrafterGPT's parser read what the answer does not say."""
    env = gymnasium.make(ENV_ID)
    base: Any = env.unwrapped
    names = base.action_names
    answers = [step["answer"] for trace in played for step in trace.steps]
    env.close()
    found = [accident(answer, names) for answer in answers]
    return {"answers": len(answers), "accidents": sum(each is not None for each in found)}


def _uses_of_trace(trace: Trace) -> Uses:
    texts = [step["observation"] for step in trace.steps]
    last = None if trace.end is None else trace.end["observation"]
    return uses_of([step["text_action"] for step in trace.steps], [*texts, last])


def random_row(args: argparse.Namespace, episodes: int) -> Row:
    """Random play on the same episodes."""
    settings = settings_of(args, episodes, agent="random")
    folder = args.runs / "random"
    row = common.play(
        settings,
        folder,
        player="random",
        kind="random",
        game=GAME,
        concurrency=args.concurrency,
    )
    played = map(read_trace, common.traces(folder, settings))
    row.more["collapse"] = collapse_of(map(_uses_of_trace, played))
    return row


# The page

PAGE = """# CrafterGPT on Crafter

Written by `python benchmarks/crafter_gpt.py`. The reward of a game is the change of health / 10 in
every step, and 1 in each step that unlocks an achievement: whoever dies from full health has lost
0.9. Means are with 95 % intervals (bootstrap over episodes).

## Ours

{ours}

- The prompt-only agent: prompt `craftergpt` (in our words), SmartPlay's caption, CrafterGPT's
  parser, temperature 0.9, top_p 0.6, 1000 tokens an answer, until death or 9,999 steps.
- Players of one seed played the same episodes; the difference to random is paired, p is of a
  permutation test.
- These worlds are not those of CrafterGPT's twenty games. An answer that is cut at 1000 tokens is
  read as far as it goes, as published.
- "By accident": CrafterGPT's parser took an action that the answer does not choose, such as `Do`
  in "down".
- The Crafter score of ten episodes is too low by construction: compare equally many.
{tuned}{absent}
## Published

{published}

The README of danijar/crafter (e04542a) has these; score and reward are over a whole training of
1M steps unless said otherwise, ± the deviation between seeds, of humans between the five players.
Its rewards do not agree with its own score files (random 1.38, humans 12.96), without explanation.

{scores}

{replay}
{collapse}
![rewards](crafter_gpt{smoke}.png)
"""

REPLAY = """## The recorded games, replayed

Each recorded action is given to our environment as an answer, `"Make Wood Pickaxe"`, and every
observation, reward and end is compared with the recorded one. The published game removes creatures
in an order that depends on memory addresses; eight of the twenty games need to be told which
(`choices`), the other twelve come out as they are. {chosen}

{files}

{means}
{log}"""

COLLAPSE = """## Does the play collapse to one action?

Collapsed: more than {threshold:.0f} % of all steps are the same action. The threshold is ours; for
comparison, 38 % of the expert humans' steps are Noops while awake, and each action has 6 % in
uniformly random play. "Effective actions" is exp(entropy) of the actions of all steps: so many of
the 17, played equally often, would be as varied.

{table}

{said}
- "With effect": uses of the most frequent action that changed what is carried, as making and
  placing do, of those of which the captions tell; "-" for other actions, of which they do not.
- What was played counts; for an answer that names no action that is `Do`.
{known}
"""


def page(args: argparse.Namespace, rows: Sequence[Row], replay: Mapping[str, Any] | None) -> str:
    """The page in Markdown."""
    human = any(row.kind == "expert" for row in rows)
    return PAGE.format(
        ours=ours_table(rows),
        tuned=tuned_lines(rows),
        absent="" if human else "- No row of human experts: their score file was not there.\n",
        published=common.table(("agent", "games", "mean reward", "source"), PUBLISHED_REWARDS),
        scores=common.table(("agent", "score", "reward"), PUBLISHED_SCORES),
        replay="" if replay is None else replay_page(replay),
        collapse=collapse_page(rows, replay),
        smoke=".smoke" if args.smoke else "",
    )


def ours_table(rows: Sequence[Row]) -> str:
    """Our rows."""
    lines = []
    for row in ordered(rows):
        baseline = common.find(rows, "random", GAME, row.seed)
        returns = row.values["return"]
        invalid = row.more.get("invalid_action_rate")
        accidents = row.more.get("accidents")
        share = "-" if accidents is None else f"{100 * accidents / row.more['answers']:.1f}"
        lines.append(
            (
                row.player,
                "-" if row.seed is None else row.seed,
                row.episodes,
                common.shown(row.interval("return")),
                f"{min(returns):.1f} to {max(returns):.1f}",
                f"{statistics.mean(row.values['length']):.0f}",
                common.shown(row.interval("achievements")),
                _score(row),
                _plain_mean(row, "smartplay_score"),
                common.shown(invalid, percent=True),
                share,
                common.against(row, baseline, "return"),
            )
        )
    columns = (
        *("player", "seed", "episodes", "mean reward", "range", "steps", "achievements"),
        *("Crafter score", "SmartPlay score", "invalid %", "by accident %", "reward - random's"),
    )
    return common.table(columns, lines)


def tuned_lines(rows: Sequence[Row]) -> str:
    """What is to be said of fine-tuned agents; empty without any."""
    models = [row for row in ordered(rows) if row.kind == "model"]
    tuned = [row for row in models if row.more.get("agent") == _FINE_TUNED]
    if not tuned:
        return ""
    means = PUBLISHED_MEANS["fine_tuned"], PUBLISHED_MEANS["prompt_only"]
    lines = [
        "- The fine-tuned agent is asked, read and sampled as the prompt-only one; only the model "
        f"is another.\n  Published, its mean reward is {means[0] - means[1]:.2f} from the "
        "prompt-only agent's (other games of each).\n"
    ]
    for row in tuned:
        for base in models:
            more = "-" if base in tuned else common.against(row, base, "return")
            if more != "-":  # other seeds, or too few episodes to compare
                lines.append(f"- Reward of {row.player} - that of {base.player}: {more}.\n")
    return "".join(lines)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Models first, then random play and humans."""
    kinds = ("model", "random", "expert")
    return sorted(rows, key=lambda row: (kinds.index(row.kind), row.player, row.seed or 0))


def _score(row: Row) -> str:
    players = row.more.get("crafter_score_of_players")
    if players is not None:
        return f"{players['mean']:.2f} ± {players['deviation']:.2f} (between players)"
    return common.shown(row.more.get("crafter_score"))


def _plain_mean(row: Row, metric: str) -> str:
    values = row.values.get(metric)
    return f"{statistics.mean(values):.0f}" if values else "-"


def replay_page(replay: Mapping[str, Any]) -> str:
    """What the replay found."""
    files, log = replay["files"], replay["reward_log"]
    lines = [
        (
            file["group"],
            file["seed"],
            file["rows"],
            file["choices"] or "-",
            "all equal" if not file["differs"] else f"`{file['differs']}`",
            f"{file['recorded']:.1f}",
            f"{file['replayed']:.1f}" if not file["differs"] else "-",
        )
        for file in files
    ]
    columns = ("group", "seed", "rows", "choices", "first difference", "recorded", "replayed")
    chosen = sum(bool(file["choices"]) for file in files)
    return REPLAY.format(
        chosen=f"Of the eight, {chosen or 'none'} were there." if len(files) < GAMES else "",
        files=common.table(columns, lines),
        means="\n".join(_means(group, files) for group in PUBLISHED_GAMES) + "\n",
        log=_log_line(files, log),
    )


def _means(group: str, files: Sequence[Mapping[str, Any]]) -> str:
    there = [file for file in files if file["group"] == group]
    exact = [file for file in there if not file["differs"]]
    every = PUBLISHED_GAMES[group]
    name = group.replace("_", "-")
    if not there:
        return f"- {name}: none of the {len(every)} games was there."
    mean = statistics.mean(file["recorded"] for file in there)
    said = f"- {name}: {len(there)} of {len(every)} games were there, {len(exact)} replayed exactly"
    if exact:
        played = statistics.mean(file["replayed"] for file in exact)
        said += f" (mean {played:.2f} replayed)"
    published = f"{PUBLISHED_MEANS[group]:.2f}"
    if {file["seed"] for file in there} == set(every):
        return f"{said}; mean of all {mean:.2f} recorded, {published} published."
    return (
        f"{said}; mean {mean:.2f} recorded. These are not all: the published {published} is the "
        f"mean of all {len(every)}, and cannot be recomputed from these."
    )


def _log_line(files: Sequence[Mapping[str, Any]], log: Mapping[str, Any] | None) -> str:
    if log is None:
        return "- `reward_log.txt` was not there to compare with.\n"
    exact = [file for file in files if not file["differs"]]
    # JSON has texts for keys, so that seeds are looked up as both.
    agree = 0
    for file in exact:
        rewards = {int(seed): reward for seed, reward in log[file["group"]]["rewards"].items()}
        agree += abs(rewards[file["seed"]] - file["replayed"]) < 0.05
    means = ", ".join(
        f"{group.replace('_', '-')} {statistics.mean(part['rewards'].values()):.2f} "
        f"(it says {part['mean']:g})"
        for group, part in log.items()
    )
    return (
        f"- `reward_log.txt`: {agree} of the {len(exact)} games that were replayed exactly have "
        f"the reward that it lists. The means of the ten rewards that it lists: {means}.\n"
    )


def collapse_page(rows: Sequence[Row], replay: Mapping[str, Any] | None) -> str:
    """Whose play is mostly one action: ours, the recorded games, and what is known of others."""
    # Results of earlier calls may lack the counts.
    players = [
        (f"{row.player}, seed {row.seed}", row.more["collapse"])
        for row in ordered(rows)
        if "collapse" in row.more
    ]
    files = [] if replay is None else [file for file in replay["files"] if "collapse" in file]
    lines = [_collapse_line(name, collapse) for name, collapse in players]
    counts = {(file["group"], file["seed"]): file["collapse"] for file in files}
    notes = []
    for group, games in PUBLISHED_GAMES.items():
        name = f"CrafterGPT, {group.replace('_', '-')}"
        together = {} if replay is None else replay.get("collapse", {})
        if group in together:
            players.append((f"{name}, {together[group]['games']} recorded games", together[group]))
            lines.append(_collapse_line(*players[-1]))
        for seed in games:
            if (group, seed) in counts:
                lines.append(_collapse_line(f"{name}, seed {seed}", counts[group, seed]))
            elif (group, seed) in PUBLISHED_SKEW:
                lines.append(_absent_line(name, group, seed))
        notes.append(_top_line(name, group, together.get(group)))
    notes += [_skew_line(key, counts[key]) for key in PUBLISHED_SKEW if key in counts]
    columns = (
        *("player", "games", "steps", "most frequent action", "uses", "share %"),
        *("effective actions", "with effect", "collapsed", "games collapsed"),
    )
    return COLLAPSE.format(
        threshold=100 * COLLAPSED,
        table=common.table(columns, lines),
        said="\n".join(collapse_sentence(name, collapse) for name, collapse in players),
        known="\n".join(notes),
    )


def _collapse_line(name: str, collapse: Mapping[str, Any]) -> tuple[object, ...]:
    games = collapse["games"]
    return (
        *(name, games, collapse["steps"], collapse["action"], collapse["uses"]),
        f"{100 * collapse['share']:.1f}",
        f"{collapse['effective_actions']:.1f}",
        f"{collapse['effects']} of {collapse['told']}" if collapse["told"] else "-",
        "yes" if collapse["collapsed"] else "no",
        f"{collapse['games_collapsed']} of {games}",
    )


def _absent_line(name: str, group: str, seed: int) -> tuple[object, ...]:
    """A game that is not there, of which a count is known."""
    action, uses = PUBLISHED_SKEW[group, seed]
    rows, _ = PUBLISHED_GAMES[group][seed]
    share = uses / rows
    collapsed = share > COLLAPSED
    return (
        *(
            f"{name}, seed {seed} (not there, by an earlier count)",
            1,
            rows,
            action,
            uses,
            f"{100 * share:.1f}",
        ),
        *("-", "-", "yes" if collapsed else "no", f"{int(collapsed)} of 1"),
    )


def collapse_sentence(name: str, collapse: Mapping[str, Any]) -> str:
    """In plain words."""
    said = "collapsed" if collapse["collapsed"] else "not collapsed"
    sentence = (
        f"- {name}: **{said}**. The most frequent action, `{collapse['action']}`, is "
        f"{collapse['uses']} of {collapse['steps']} steps ({100 * collapse['share']:.1f} %)"
    )
    if collapse["told"]:
        sentence += f"; {collapse['effects']} of {collapse['told']} uses had an effect"
    return f"{sentence}."


def _top_line(name: str, group: str, together: Mapping[str, Any] | None) -> str:
    top = PUBLISHED_TOP[group]
    line = f"- {name}, all ten games, by an earlier count: mostly {_listed(top)}"
    if together is None:
        return f"{line}."
    counted = [f"{action} ({n})" for action, n in together["actions"].items()][: len(top)]
    return f"{line}; the {together['games']} that were there: {_listed(counted)}."


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _skew_line(key: tuple[str, int], collapse: Mapping[str, Any]) -> str:
    action, uses = PUBLISHED_SKEW[key]
    counted = collapse["actions"].get(action, 0)
    found = "the same here" if counted == uses else f"here {counted}"
    return f"- Seed {key[1]}, by an earlier count: {uses} times `{action}`; {found}."


def figure(rows: Sequence[Row]) -> Any:
    """What draws every game's reward as a dot, a line for the mean."""
    colors = {"model": "tab:blue", "random": "tab:orange", "expert": "tab:green"}
    shown = [(row.player, row.values["return"], colors[row.kind]) for row in ordered(rows)]
    shown += [
        (
            f"CrafterGPT, {group.replace('_', '-')} (published)",
            [r for _, r in games.values()],
            "grey",
        )
        for group, games in PUBLISHED_GAMES.items()
    ]

    def draw(pyplot: Any) -> Any:
        chart, axes = pyplot.subplots(figsize=(9, 0.6 * len(shown) + 1.2), layout="constrained")
        for place, (_, values, color) in enumerate(reversed(shown)):
            # Equal rewards are piled up.
            heights = [place + 0.08 * (values[:i].count(v) % 5) for i, v in enumerate(values)]
            axes.plot(values, heights, ".", color=color, alpha=0.6)
            mean = statistics.mean(values)
            axes.plot([mean, mean], [place - 0.15, place + 0.45], color="black")
        axes.set_yticks(range(len(shown)), [name for name, _, _ in reversed(shown)], fontsize=8)
        axes.axvline(PUBLISHED_RANDOM, color="grey", linestyle=":", label="random, published")
        axes.set_xlabel("reward of a game (dots), mean (black)")
        axes.legend(loc="lower right", fontsize=8)
        return chart

    return draw


def main(argv: Sequence[str] | None = None) -> None:
    """Play or replay what was asked for, and write the results."""
    parser = common.options(__doc__, "10; of a smoke run 2")
    parser.add_argument(
        "--fine-tuned",
        metavar="M",
        help="the model of the second agent, such as hf:BASE?adapter=DIR; of --max-usd each agent "
        "has its own",
    )
    parser.add_argument(
        "--fine-tuned-label",
        metavar="NAME",
        help="what the tables call it, before '(fine-tuned)' (default: its name)",
    )
    parser.add_argument(
        "--replay", type=pathlib.Path, metavar="DIR", help="replay the recorded games in DIR"
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        default=common.data_folder(),
        metavar="DIR",
        help="the published data, for the human experts (TEXTENVS_DATA or ../shared/data)",
    )
    args = common.read_arguments(parser, "crafter_gpt", argv)
    agents = agents_of(args)
    results, rows = common.read_results(args)
    replay = results.get("replay") if args.replay is None else replay_folder(args.replay)
    episodes = args.episodes or (2 if args.smoke else 10)
    new = [model_row(args, episodes, agent) for agent in agents]
    stored = common.stored_episodes(rows, "random", GAME, args.seed)
    new.append(random_row(args, max(episodes, stored)))
    human = human_row(args.data)
    rows = common.merge(rows, new if human is None else [*new, human])
    more = {} if replay is None else {"replay": replay}
    common.write_results(args, rows, more, page(args, rows, replay), figure(rows))


if __name__ == "__main__":
    common.guarded(main)
