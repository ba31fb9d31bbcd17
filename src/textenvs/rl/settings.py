"""What a training by reinforcement is made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from textenvs.advice.advisor import MATCHES, PROMPTS
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.advice.scene import CAPTIONS
from textenvs.errors import choose
from textenvs.motif import COUNTS
from textenvs.motif.online import WAYS
from textenvs.shaping import NORMALIZATIONS
from textenvs.traces import replace_file
from textenvs.wrappers.advice_reward import PAYS

__all__ = [
    "ADVICE",
    "ALGORITHMS",
    "CHECKPOINT",
    "SHAPINGS",
    "TrainSettings",
    "check_settings",
    "keep_settings",
]

CHECKPOINT = "model.zip"
"""The last checkpoint of a run, in its folder."""

ALGORITHMS = ("ppo", "a2c", "dqn", "recurrent_ppo", "maskable_ppo", "episode_ppo", "ppo-rnd")
"""Of Stable-Baselines3 and sb3-contrib; PPO that learns after every episode; PPO with a bonus for
what is new (:mod:`textenvs.rl.rnd`)."""

ADVICE = ("policy", "reward", "observation")
"""What advice does: it is added to the policy's logits, pays, is one more input."""

SHAPINGS = ("code", "preference", "goal")
"""Of what potentials are made (:mod:`textenvs.shaping`)."""

_FILE = "settings.json"
_UNADVISED = ("dqn", "ppo-rnd")  # their policies take no advice
_GAMMA = 0.99  # of all algorithms of Stable-Baselines3, where ``hyper`` says nothing else
_ENCODERS = ("mlp", "cnn", "text", "nethack")


@dataclass(frozen=True)
class TrainSettings:
    """A training; plain data, so that a run can be kept and gone on with.

    Attributes:
        env_id: what is learned.
        env: arguments of the environment.
        max_steps: of an episode; None for the id's own limit.
        algo: one of :data:`ALGORITHMS`.
        hyper: arguments of the algorithm, as Stable-Baselines3 names them.
        policy: arguments of its policy.
        encoder: ``"mlp"`` or ``"cnn"`` of MiniGrid's or Crafter's view, ``"text"``, or
            ``"nethack"`` of NetHack's message, status and map.
        tokens: words of the text that are shown; 0 for none.
        total_timesteps: steps of all games together.
        total_episodes: episodes after which the training ends, if that is earlier; None for any.
        num_envs: games side by side.
        seed: of everything.
        advice: what of :data:`ADVICE` is done.
        llm: who advises.
        match, captions, prompt, embeddings, missing: how it is asked and read (see
            :class:`textenvs.advice.Advisor`).
        beta: what a wholly advised action pays.
        reward_threshold: agreement up to which nothing is paid; None for that of ``match``.
        pays: how often a caption pays in an episode (see :class:`textenvs.wrappers.AdviceReward`).
        strength: how much advice counts in the policy.
        policy_threshold: advice up to which nothing is added to the logits.
        scaled: in5490's rule of what is added.
        anneal: steps after which advice has no more say, falling as the square of what is left;
            0 for never.
        anneal_episodes: the same in episodes; 0 for never.
        shaping: one of :data:`SHAPINGS`, what potentials are made of; None for none.
        shaping_path: where that knowledge is, ``"ready"`` for what came with the package.
        shaping_scale: what one unit of potential is worth.
        shaping_normalize: one of :data:`textenvs.shaping.NORMALIZATIONS`.
        reward_dir: a reward from preferences between captions that pays beside the game's (see
            :class:`textenvs.wrappers.MotifReward`); None for none.
        extrinsic_coef: weight of the game's reward.
        intrinsic_coef: weight of what captions pay.
        count_beta: exponent of how often a caption was seen in the episode.
        quantile: share of the captions whose reward does not count.
        counts: one of :data:`textenvs.motif.COUNTS`, what counts as the same caption.
        feedback: one of :data:`textenvs.motif.online.WAYS`, by which ``llm`` judges captions while
            the agent learns (see :class:`textenvs.wrappers.OnlineFeedbackReward`); None for none.
        feedback_goal: what it judges them by.
        reward_scale: what the game's reward is multiplied with.
        reward_clip: what it is then cut at, on both sides; None for no cut.
        keep: entries of ``info`` whose values at the end of an episode are kept with it.
        eval_every: steps between evaluations; 0 for none.
        eval_episodes: of each evaluation, always with the same seeds.
        checkpoint_every: steps between checkpoints.

    Raises:
        UnknownName: if a choice is none.
        ValueError: if something is missing or out of range.
    """

    env_id: str
    env: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int | None = None
    algo: str = "ppo"
    hyper: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = "mlp"
    tokens: int = 0
    total_timesteps: int = 100_000
    total_episodes: int | None = None
    num_envs: int = 8
    seed: int = 0
    advice: tuple[str, ...] = ()
    llm: str | None = None
    match: str = "similarity"
    captions: str = "effects"
    prompt: str = "advice"
    embeddings: str = DEFAULT_EMBEDDINGS
    missing: str = "raise"
    beta: float = 0.005
    reward_threshold: float | None = None
    pays: str = "once"
    strength: float = 1.0
    policy_threshold: float = 0.0
    scaled: bool = False
    anneal: int = 0
    anneal_episodes: int = 0
    shaping: str | None = None
    shaping_path: str = "ready"
    shaping_scale: float = 1.0
    shaping_normalize: str = "none"
    reward_dir: str | None = None
    extrinsic_coef: float = 1.0
    intrinsic_coef: float = 0.1
    count_beta: float = 3.0
    quantile: float = 0.5
    counts: str = "exact"
    feedback: str | None = None
    feedback_goal: str = "defaultgoal"
    reward_scale: float = 1.0
    reward_clip: float | None = None
    keep: tuple[str, ...] = ()
    eval_every: int = 0
    eval_episodes: int = 20
    checkpoint_every: int = 50_000

    def __post_init__(self) -> None:
        choose("algorithm", self.algo, ALGORITHMS)
        choose("encoder", self.encoder, _ENCODERS)
        choose("match", self.match, MATCHES)
        choose("captions", self.captions, CAPTIONS)
        choose("prompt", self.prompt, PROMPTS)
        choose("missing", self.missing, ("raise", "none"))
        choose("pays", self.pays, PAYS)
        choose("normalization", self.shaping_normalize, NORMALIZATIONS)
        if self.shaping is not None:
            choose("shaping", self.shaping, SHAPINGS)
        for each in self.advice:
            choose("advice", each, ADVICE)
        choose("counts", self.counts, COUNTS)
        if self.feedback is not None:
            choose("feedback", self.feedback, WAYS)
            if self.reward_dir is not None:
                raise ValueError("expected captions to pay by a reward or by feedback, got both")
        if (self.advice or self.feedback) and not self.llm:
            raise ValueError("expected a model that is asked, got none: give --llm")
        if self.llm and not (self.advice or self.feedback):
            raise ValueError(
                f"expected something that {self.llm} is asked for, got none: give --advice or "
                "--feedback"
            )
        if "policy" in self.advice and self.algo in _UNADVISED:
            able = ", ".join(each for each in ALGORITHMS if each not in _UNADVISED)
            raise ValueError(
                f"expected an algorithm whose policy takes advice ({able}), got {self.algo}"
            )
        if "observation" in self.advice and self.encoder == "nethack":
            raise ValueError(
                "expected an encoder that reads advice (mlp, cnn, text), got 'nethack': let it be "
                "added to the policy, or pay"
            )
        if self.encoder == "nethack" and not self.env_id.startswith("NetHack"):
            raise ValueError(f"expected a game of NetHack for its encoder, got {self.env_id}")
        if self.encoder == "text" and not self.tokens:
            raise ValueError("expected tokens, the words that the text encoder reads, got 0")
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"expected a finite {name}, got {value}")
        if self.reward_clip is not None and self.reward_clip <= 0:
            raise ValueError(f"expected a reward_clip above 0, got {self.reward_clip}")
        if not 0 <= self.quantile <= 1:
            raise ValueError(f"expected a quantile in [0, 1], got {self.quantile}")
        if min(self.total_timesteps, self.num_envs, self.checkpoint_every) < 1:
            raise ValueError("expected numbers of steps and games of 1 or more")

    @property
    def gamma(self) -> float:
        """The learner's discount."""
        return float(self.hyper.get("gamma", _GAMMA))

    @property
    def shows_advice(self) -> bool:
        """Whether observations have the advice."""
        return bool({"policy", "observation"} & set(self.advice))

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON types."""
        return json.loads(json.dumps(asdict(self)))


def keep_settings(settings: TrainSettings, folder: Path) -> None:
    """Write the settings of a run into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / _FILE, json.dumps(settings.as_json(), indent=1) + "\n")


def check_settings(settings: TrainSettings, folder: Path) -> None:
    """Check that a run that is in a folder, if there is one, has these settings.

    What ended before its first checkpoint left nothing to go on with, and its settings may have
    been what was wrong.

    Raises:
        ValueError: if it has others.
    """
    path = folder / _FILE
    wanted = settings.as_json()
    if not path.exists() or not (folder / CHECKPOINT).exists():
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    # A run may be made longer, and go on without advice where it ended for want of some.
    free = {"total_timesteps", "total_episodes", "missing"}
    found = {**_defaults(), **found}  # a run that was begun before a setting existed
    changed = [k for k, v in wanted.items() if k not in free and found.get(k) != v]
    if changed:
        raise ValueError(
            f"{folder} has a run with other settings ({', '.join(changed)}): expected those, or "
            "another folder"
        )


def _defaults() -> dict[str, Any]:
    known = {each.name: each.default for each in fields(TrainSettings)}
    return {name: value for name, value in known.items() if value is not MISSING}
