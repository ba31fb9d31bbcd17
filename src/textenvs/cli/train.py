"""``textenvs train``: reinforcement learning, with a language model's advice or without."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textenvs.cli.arguments import check_id, finite, not_negative, positive, positive_number
from textenvs.cli.consoles import result_console
from textenvs.cli.run_options import StepBar, add_run, run_settings
from textenvs.errors import choose

if TYPE_CHECKING:
    from textenvs.llm import Gateway

__all__ = ["add", "run"]

_ADVICE_BETA, _COUNT_BETA = 0.005, 3.0
_REQUESTS_PER_SECOND = 50  # as in5490 asked
_WEIGHTS = (
    *("reward_dir", "extrinsic_coef", "intrinsic_coef", "quantile"),
    *("reward_scale", "reward_clip"),
)

_EXAMPLES = """\
  textenvs train MiniGrid-Text-Empty-8x8-v0 --total-timesteps 100000 --out runs/plain
  textenvs train MiniGrid-Text-DoorKey-5x5-v0 --advice policy --advice reward \\
      --llm hf:PATH --out runs/advised
  textenvs train BabyAI-Text-GoToLocal-v0 --encoder text --tokens 64 --out runs/text
  textenvs train BabyAI-Text-GoToLocal-RedBall-S20-v0 --shaping code --eval-every 20000 \\
      --eval-episodes 50 --out runs/code
  textenvs train MiniGrid-Text-Empty-8x8-v0 --hyper n_steps=64 --hyper gae_lambda=1 --out runs/h
  textenvs train NetHack-Text-Score-v0 --algo recurrent_ppo --encoder nethack --reward-dir R \\
      --extrinsic-coef 0.1 --intrinsic-coef 0.1 --beta 3 --quantile 0.5 --out runs/motif
  textenvs train NetHack-Text-StaircaseLvl3Continual-v0 --motif intrinsic --num-envs 16 --out R
  textenvs train NetHack-Text-Score-v0 --motif both --num-envs 16 --feedback retrieval \\
      --llm openai:gpt-4o-mini --out runs/oni
The same command goes on where a run was stopped."""


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "train",
        run,
        "reinforcement learning by Stable-Baselines3, with a language model's advice or without",
        _EXAMPLES,
    )
    parser.add_argument("id", metavar="ID", help="what to learn")
    add_run(parser)
    _add_more(parser)
    _add_advice(parser)
    _add_shaping(parser)
    _add_captions(parser)


def _add_more(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("its episodes and evaluations")
    group.add_argument("--max-steps", type=positive, metavar="N", help="of an episode")
    group.add_argument(
        "--total-episodes", type=positive, metavar="N", help="end after so many, if that is earlier"
    )
    group.add_argument(
        "--eval-every", type=not_negative, default=0, metavar="N", help="steps; 0 for never (0)"
    )
    group.add_argument(
        "--eval-episodes", type=positive, default=20, metavar="N", help="on fixed seeds (20)"
    )


def _add_advice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("advice")
    group.add_argument(
        "--advice",
        action="append",
        default=[],
        metavar="HOW",
        help="policy (added to its logits), reward, or observation; several times for several",
    )
    group.add_argument("--llm", metavar="M", help="who advises")
    group.add_argument(
        "--cache", metavar="FILE", help="where answers are kept (OUT/answers.sqlite)"
    )
    group.add_argument(
        "--requests-per-second",
        type=positive_number,
        metavar="R",
        help=f"at most; of a server {_REQUESTS_PER_SECOND} unless given",
    )
    group.add_argument("--max-usd", type=positive_number, metavar="X", help="stop at this cost")
    group.add_argument(
        "--prices", metavar="FILE", help='JSON: {"MODEL": {"input": X, "output": Y}}, for 1M tokens'
    )
    group.add_argument(
        "--match",
        default="similarity",
        metavar="HOW",
        help="similarity of sentences, names, or probabilities of actions (similarity)",
    )
    group.add_argument(
        "--captions", metavar="C", help="of actions: names, effects, in5490 (effects in MiniGrid)"
    )
    group.add_argument("--prompt", default="advice", metavar="P", help="advice or bare (advice)")
    group.add_argument("--embeddings", metavar="M", help="a sentence-transformers model")
    group.add_argument(
        "--missing", default="raise", metavar="HOW", help="no recorded answer: raise or none"
    )
    group.add_argument(
        "--beta",
        type=positive_number,
        metavar="X",
        help="of advice: what an action pays (0.005); of captions: exponent of counts (3)",
    )
    group.add_argument(
        "--reward-threshold",
        type=finite,
        metavar="X",
        help="agreement above which it pays (similarity 0.84, else 0)",
    )
    group.add_argument(
        "--pays",
        default="once",
        metavar="HOW",
        help="once a caption an episode, only when it is first played, or always (once)",
    )
    group.add_argument(
        "--strength", type=finite, default=1.0, metavar="X", help="in the policy's logits (1)"
    )
    group.add_argument(
        "--policy-threshold", type=finite, default=0.0, metavar="X", help="agreement (0)"
    )
    group.add_argument(
        "--scaled", action="store_true", help="as long as the logits are, as published"
    )
    group.add_argument(
        "--anneal", type=not_negative, default=0, metavar="N", help="steps; 0 for never (0)"
    )
    group.add_argument(
        "--anneal-episodes", type=not_negative, default=0, metavar="N", help="the same in episodes"
    )


def _add_shaping(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("potentials")
    group.add_argument("--shaping", metavar="KIND", help="code, preference or goal")
    group.add_argument(
        "--path",
        default="ready",
        metavar="P",
        help="a folder with knowledge (ready: the package's)",
    )
    group.add_argument(
        "--shaping-scale", type=positive_number, default=1.0, metavar="X", help="of potentials (1)"
    )
    group.add_argument(
        "--normalize",
        default="none",
        metavar="HOW",
        help="potentials to mean 0 and deviation 1: none, frozen or running (none)",
    )


def _add_captions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("captions that pay")
    group.add_argument(
        "--reward-dir", metavar="R", help="a folder of `textenvs train-reward`, or ready"
    )
    group.add_argument(
        "--feedback",
        metavar="WAY",
        help="in place of that: --llm judges captions meanwhile, by retrieval, classification or "
        "ranking",
    )
    group.add_argument(
        "--goal",
        default="defaultgoal",
        metavar="G",
        help="of --feedback: defaultgoal, zeroknowledge, combat, gold, stairs, or a sentence",
    )
    group.add_argument(
        "--motif",
        metavar="KIND",
        help="the published settings of NetHack's tasks, with both rewards, intrinsic or extrinsic "
        "alone; other options come before them",
    )
    for name, said in (
        ("extrinsic-coef", "of the game's reward (1)"),
        ("intrinsic-coef", "of captions (0.1)"),
        ("quantile", "of those that pay nothing (0.5)"),
        ("reward-scale", "of the game's reward, before it is cut (1)"),
        ("reward-clip", "where it is cut, on both sides"),
    ):
        group.add_argument(f"--{name}", type=finite, metavar="X", help=said)
    group.add_argument(
        "--counts",
        default="exact",
        metavar="HOW",
        help="which captions are the same: exact, digits or embedding (exact)",
    )
    group.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="KEY",
        help="of info, kept with every episode (NetHack: depth, gold); several times for several",
    )


def run(options: argparse.Namespace) -> int:
    """Train, and print how the last episodes went."""
    check_id(options.id)
    from textenvs.errors import require

    require("stable_baselines3", extra="rl", needed_by="textenvs train")
    from textenvs.advice import DEFAULT_EMBEDDINGS
    from textenvs.rl.settings import TrainSettings
    from textenvs.rl.training import train

    preset = _preset(options)
    captions_pay = bool(preset.get("reward_dir") or options.feedback)
    _check_captions(options, captions_pay)
    if captions_pay and "reward" in options.advice:
        raise ValueError(
            "expected captions that pay or --advice reward, which share --beta, got both"
        )
    if not options.shaping and (options.path != "ready" or options.normalize != "none"):
        raise ValueError("expected --shaping, to which --path and --normalize belong, got none")
    if options.shaping and not options.style and "style" not in dict(options.set):
        options.style = _style(options)
    is_grid = options.id.startswith(("MiniGrid", "BabyAI"))
    settings = TrainSettings(
        **run_settings(options, preset),
        max_steps=options.max_steps,
        total_episodes=options.total_episodes,
        advice=tuple(dict.fromkeys(options.advice)),
        llm=options.llm,
        match=options.match,
        captions=options.captions or ("effects" if is_grid else "names"),
        prompt=options.prompt,
        embeddings=options.embeddings or DEFAULT_EMBEDDINGS,
        missing=options.missing,
        beta=_ADVICE_BETA if options.beta is None or captions_pay else options.beta,
        reward_threshold=options.reward_threshold,
        pays=options.pays,
        strength=options.strength,
        policy_threshold=options.policy_threshold,
        scaled=options.scaled,
        anneal=options.anneal,
        anneal_episodes=options.anneal_episodes,
        **{key: preset[key] for key in _WEIGHTS if key in preset},
        count_beta=_COUNT_BETA if options.beta is None else options.beta,
        counts=options.counts,
        feedback=options.feedback,
        feedback_goal=options.goal,
        keep=tuple(dict.fromkeys(options.keep)),
        shaping=options.shaping,
        shaping_path=options.path,
        shaping_scale=options.shaping_scale,
        shaping_normalize=options.normalize,
        eval_every=options.eval_every,
        eval_episodes=options.eval_episodes,
    )
    llm = _model(options)
    told: dict[str, float] = {}
    with StepBar(settings.total_timesteps) as show:

        def progress(steps: int, found: Mapping[str, float]) -> None:
            told.update(found)
            show(steps, found)

        try:
            train(settings, Path(options.out), llm=llm, on_progress=progress)
        finally:
            if llm is not None:
                llm.close()
    unanswered = told.pop("unanswered", 0.0)
    said = ", ".join(f"{key} {value:.3g}" for key, value in told.items())
    mean = f"{said} (mean of the last 100 episodes)" if said else "no episode ended in this run"
    lost = f"; no recorded answer in {unanswered:.1%} of the scenes" if unanswered else ""
    result_console().print(f"{options.out}: {mean}{lost}{_spent(llm)}")
    return 0


def _spent(llm: Gateway | None) -> str:
    """What the model was asked, and what it cost, as far as that is known."""
    if llm is None or not llm.ledger.requests:
        return ""
    cost = f", {llm.ledger.usd:.4f} USD" if llm.tells_cost else ""
    return f"; {llm.ledger.requests:,} requests, {llm.ledger.usage.total:,} tokens{cost}"


def _check_captions(options: argparse.Namespace, captions_pay: bool) -> None:
    """No option is to be passed over in silence."""
    if options.motif == "extrinsic" and captions_pay:
        raise ValueError("expected captions that pay or --motif extrinsic, got both")
    if not captions_pay:
        given = [
            name
            for name, value in (
                ("--intrinsic-coef", options.intrinsic_coef is not None),
                ("--counts", options.counts != "exact"),
            )
            if value
        ]
        if given:
            raise ValueError(
                f"expected --reward-dir, --feedback or --motif, to which {', '.join(given)} "
                "belongs, got none"
            )
    if options.goal != "defaultgoal" and not options.feedback:
        raise ValueError("expected --feedback, to which --goal belongs, got none")
    if options.quantile is not None and (options.feedback or not captions_pay):
        raise ValueError("expected --reward-dir or --motif, to which --quantile belongs, got none")


def _preset(options: argparse.Namespace) -> dict[str, Any]:
    """The published settings, if they are asked for, under the options that were given."""
    found: dict[str, Any] = {}
    if options.motif:
        from textenvs.motif.presets import motif_preset

        found = motif_preset(options.id, options.motif, options.num_envs)
        if options.feedback:
            found["reward_dir"] = None
        if options.algo not in (None, "recurrent_ppo"):
            del found["policy"]
    given = {key: getattr(options, key) for key in _WEIGHTS}
    return found | {key: value for key, value in given.items() if value is not None}


def _style(options: argparse.Namespace) -> str:
    """The caption that the knowledge is about."""
    from textenvs.knowledge.folder import KINDS, find_knowledge
    from textenvs.knowledge.games import game_of

    choose("shaping", options.shaping, [kind for kind in KINDS if kind != "preference-labels"])
    _, told = find_knowledge(options.path, options.shaping, game_of(options.id).name)
    return str(told["style"])


def _model(options: argparse.Namespace) -> Gateway | None:
    """The model, with a cache and limits of rate and cost around it."""
    if not options.llm or not (options.advice or options.feedback):
        for name in ("max_usd", "prices", "requests_per_second"):
            if getattr(options, name) is not None:
                raise ValueError(
                    f"expected --advice or --feedback, and --llm, to which "
                    f"--{name.replace('_', '-')} belongs, got none"
                )
        return None
    from textenvs.llm import Budget, Cache, Gateway, Ledger, RateLimiter, get_model, price_of

    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    price = price_of(options.llm, options.prices)
    model = get_model(options.llm)
    rate = options.requests_per_second or (_REQUESTS_PER_SECOND if model.concurrent else None)
    if options.feedback:
        model.check()  # it is asked beside the learner, where an error is no more than a warning
    return Gateway(
        model,
        cache=Cache(options.cache or out / "answers.sqlite"),
        budget=Budget(max_usd=options.max_usd),
        ledger=Ledger(out / "requests.jsonl"),
        price=price,
        limiter=RateLimiter(requests_per_second=rate),
    )
