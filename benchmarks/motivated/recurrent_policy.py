"""The recurrent policy of NetHack as a module of RLlib, and what its learner needs to be right."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import (
    TARGET_NETWORK_ACTION_DIST_INPUTS,
    InferenceOnlyAPI,
    TargetNetworkAPI,
    ValueFunctionAPI,
)
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn

from textenvs.rl.nethack_features import NetHackFeatures

__all__ = ["BootstrapByValue", "RecurrentPolicy"]

_UNLIKELY = 50.0  # a logarithm: exp(-50) is 0 beside all else


class _Actor(nn.Module):
    """Features, memory and logits: what plays."""

    def __init__(self, observation_space: Any, actions: int, memory: int) -> None:
        super().__init__()
        self.features = NetHackFeatures(observation_space)
        self.memory = nn.GRU(self.features.features_dim, memory, batch_first=True)
        self.logits = nn.Linear(memory, actions)

    def forward(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits (n, t, actions), what was remembered at each step (n, t, memory), and last."""
        observations, state = batch[Columns.OBS], batch[Columns.STATE_IN]["memory"]
        n, t = observations["blstats"].shape[:2]
        seen = self.features({key: each.flatten(0, 1) for key, each in observations.items()})
        remembered, last = self.memory(seen.view(n, t, -1), state[None].contiguous())
        return self.logits(remembered), remembered, last[0]


class RecurrentPolicy(TorchRLModule, InferenceOnlyAPI, TargetNetworkAPI, ValueFunctionAPI):
    """Message, status and map through a memory to logits and a value.

    ``model_config`` has ``memory``, its size, and RLlib's ``max_seq_len``.
    """

    def setup(self) -> None:
        """Make the networks."""
        actions: Any = self.action_space
        self.actor = _Actor(self.observation_space, int(actions.n), self._memory)
        self.value = nn.Linear(self._memory, 1)

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Nothing is remembered when an episode begins."""
        return {"memory": torch.zeros(self._memory)}

    @property
    def _memory(self) -> int:
        settings: Any = self.model_config
        return int(settings["memory"])

    def get_non_inference_attributes(self) -> list[str]:
        """What workers do without."""
        return ["value", "old_actor"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        logits, _, last = self.actor(batch)
        return {Columns.ACTION_DIST_INPUTS: logits, Columns.STATE_OUT: {"memory": last}}

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        logits, remembered, _ = self.actor(batch)
        return {Columns.ACTION_DIST_INPUTS: logits, Columns.EMBEDDINGS: remembered}

    def compute_values(
        self, batch: dict[str, Any], embeddings: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Values: (n, t)."""
        remembered = self.actor(batch)[1] if embeddings is None else embeddings
        return self.value(remembered).squeeze(-1)

    def make_target_networks(self) -> None:
        """APPO's clip is measured from an older policy, the target network."""
        self.old_actor = make_target_network(self.actor)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Each network with its older one."""
        return [(self.actor, self.old_actor)]

    def forward_target(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Logits of the older policy."""
        with torch.no_grad():
            return {TARGET_NETWORK_ACTION_DIST_INPUTS: self.old_actor(batch)[0]}


class BootstrapByValue(ConnectorV2):
    """Let what follows a fragment be worth its value, in place of nothing.

    RLlib appends a step to every fragment, for the value of its last observation. V-trace takes it
    for a step that pays 0 and ends the game, so its correction, -V, undoes the bootstrap of the
    step before it, and everything after a fragment counts as worth 0 (RLlib 2.60; its loss masks
    the step, not the correction). A step that the policy would not take is not corrected:
    the ratio of V-trace is then 0.
    """

    def __call__(self, *, batch: Any, episodes: Any, **kwargs: Any) -> Any:
        """Make the appended step, the last of each episode, one that was most unlikely to be."""
        for episode in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            episode.set_extra_model_outputs(
                key=Columns.ACTION_LOGP, new_data=_UNLIKELY, at_indices=-1
            )
        return batch
