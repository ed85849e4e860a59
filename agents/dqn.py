"""DQN: TF-Agents' DqnAgent, with Double DQN, Munchausen DQN, n-step returns and clipped rewards."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.policies import greedy_policy, q_policy
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from tf_agents.utils import common

from agents import munchausen
from agents.dense_network import DenseQNetwork
from agents.exploration import EpsilonGreedyPolicy
from agents.n_step import trajectory_transition
from agents.nature_network import NatureQNetwork
from agents.optimizers import (
    RunningAverage,
    WeightUpdate,
    build_learning_rate,
    build_optimizer,
)
from agents.value_network import NoisyView, ValueNetwork
from agents.values import Expectation
from configs import Config


class DqnLossInfo(NamedTuple):
    """What a training step tells besides its loss; all float32 [B].

    Attributes:
      td_loss: loss of each transition, not weighted.
      td_error: target less Q-value.
      q_value: of the action taken, before the step.
      priority: how much there is to learn from each transition, at least 0.
    """

    td_loss: tf.Tensor
    td_error: tf.Tensor
    q_value: tf.Tensor
    priority: tf.Tensor


class DqnAgent(dqn_agent.DqnAgent):
    """TF-Agents' DqnAgent, changed where it is slow or wrong for long Atari runs.

    - The target network runs once for each training step, where the base class runs it twice.
    - Rewards can be clipped here, so that environments and logs keep raw scores.
    - An n-step return never reaches across the end of an episode, a time limit's among them.
    - The collect policy draws from a generator that checkpoints hold.

    Args:
      time_step_spec: a TF-Agents TimeStep spec.
      action_spec: int [], from 0.
      q_network: the online network.
      target_q_network: one of the same shape; made equal by `initialize`.
      optimizer: of the online network's weights.
      config: the numbers.
      train_step_counter: int64 [], the number of training steps.
      collect_network: one more of the same shape, if the policy that collects is to stay as it is
        until `refresh_collect_policy`, while the agent learns.
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        q_network: ValueNetwork,
        target_q_network: ValueNetwork,
        optimizer: tf.keras.optimizers.Optimizer | WeightUpdate,
        config: Config,
        train_step_counter: tf.Variable,
        collect_network: ValueNetwork | None = None,
    ) -> None:
        self._config = config
        self._acting_network = target_q_network if config.act_with_target else q_network
        self._collect_network = collect_network or self._acting_network
        with tf.device("/CPU:0"):  # a GPU would answer when its training step is done, not before
            self._generator = tf.random.Generator.from_seed(config.seed)
            self._collect_epsilon = tf.Variable(config.epsilon_initial, trainable=False)
        super().__init__(
            time_step_spec,
            action_spec,
            q_network=q_network,
            target_q_network=target_q_network,
            optimizer=optimizer,
            epsilon_greedy=tf.keras.optimizers.schedules.PolynomialDecay(
                config.epsilon_initial, config.epsilon_decay_iterations, config.epsilon_final
            ),
            n_step_update=config.n_step,
            target_update_tau=config.target_update_tau,
            target_update_period=config.target_update_period,
            td_errors_loss_fn=common.element_wise_huber_loss,
            gamma=config.discount,
            train_step_counter=train_step_counter,
        )
        self._check_transition = self._as_transition  # TF-Agents' converter
        self._as_transition: Any = self._to_transition

    @property
    def online_network(self) -> ValueNetwork:
        """The network that learns."""
        return self._q_network

    @property
    def target_network(self) -> ValueNetwork:
        """The network that judges what comes next."""
        return self._target_q_network

    @property
    def epsilon(self) -> tf.Tensor:
        """The share of random actions in collection now, float32 []."""
        return self._epsilon_greedy(self.train_step_counter)

    @property
    def learning_rate(self) -> tf.Tensor:
        """The step size of the optimizer now, float32 []."""
        return build_learning_rate(self._config)(self.train_step_counter)

    @property
    def random_policy(self) -> EpsilonGreedyPolicy:
        """Random actions from the generator of the collect policy."""
        return EpsilonGreedyPolicy(self.policy, lambda: 1.0, self._generator)

    def _initialize(self) -> None:
        super()._initialize()
        if self._average is not None:
            self._average.begin()
        self.refresh_collect_policy()

    def _get_target_updater(self, tau: float = 1.0, period: int = 1) -> Any:
        self._average = None
        if tau == 1:
            return super()._get_target_updater(tau, period)
        online = self._q_network.trainable_weights
        sources = self._optimizer.masters if isinstance(self._optimizer, WeightUpdate) else online
        self._average = RunningAverage(sources, self._target_q_network.trainable_weights, tau)
        return common.Periodically(self._average.update, period, "periodic_update_targets")

    def refresh_collect_policy(self) -> None:
        """Let the collect policy have what was learned, where it does not at once."""
        if self._collect_network is not self._acting_network:
            common.soft_variables_update(
                self._acting_network.variables, self._collect_network.variables, tau=1.0
            )
            self._collect_epsilon.assign(self.epsilon)

    def _setup_policy(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        boltzmann_temperature: Any,
        emit_log_probability: bool,
    ) -> tuple[greedy_policy.GreedyPolicy, EpsilonGreedyPolicy]:
        del boltzmann_temperature
        greedy, collects = (
            greedy_policy.GreedyPolicy(
                q_policy.QPolicy(
                    time_step_spec,
                    action_spec,
                    q_network=network,
                    emit_log_probability=emit_log_probability,
                )
            )
            for network in (
                self._acting_network,
                NoisyView(self._collect_network) if self._config.noisy else self._collect_network,
            )
        )
        return greedy, EpsilonGreedyPolicy(collects, self._epsilon_of_collection, self._generator)

    def _epsilon_of_collection(self) -> tf.Tensor:
        lags = self._collect_network is not self._acting_network
        return self._collect_epsilon if lags else self.epsilon

    def _to_transition(
        self, experience: trajectory.Trajectory | trajectory.Transition
    ) -> trajectory.Transition:
        """Reduce a Trajectory [B, n+1, ...] to a Transition; a Transition is checked only."""
        if isinstance(experience, trajectory.Trajectory):
            experience = trajectory_transition(
                experience,
                self._n_step_update,
                discount=self._config.discount,
                reward_clip=self._config.reward_clip,
            )
        return self._check_transition(experience)

    def _compute_next_q_values(self, next_time_steps: ts.TimeStep, info: Any) -> tf.Tensor:
        del info
        observation = next_time_steps.observation
        values, _ = self._target_q_network(observation, training=True)  # [B, A]
        if self._config.munchausen:
            return munchausen.soft_value(values, self._config.munchausen_temperature)
        return common.index_with_actions(values, self._next_action(observation, values))

    def _next_action(self, observation: tf.Tensor, target_values: tf.Tensor) -> tf.Tensor:
        """Return the actions, int32 [B], by whose values the next state is judged."""
        if self._config.double:
            # van Hasselt et al., "Deep Reinforcement Learning with Double Q-learning", 2016, eq. 4.
            target_values, _ = self._q_network(observation, training=True)
        return tf.argmax(target_values, axis=-1, output_type=tf.int32)

    def _with_log_policy(self, transition: trajectory.Transition) -> trajectory.Transition:
        """Add Munchausen's bonus to the rewards."""
        config, after = self._config, transition.next_time_step
        values, _ = self._target_q_network(transition.time_step.observation, training=True)
        bonus = munchausen.log_policy_bonus(
            values,
            tf.cast(transition.action_step.action, tf.int32),
            config.munchausen_weight,
            config.munchausen_temperature,
            config.munchausen_log_policy_min,
        )
        return transition._replace(next_time_step=after._replace(reward=after.reward + bonus))

    def _td_loss(
        self,
        q_values: tf.Tensor,
        next_q_values: tf.Tensor,
        rewards: tf.Tensor,
        discounts: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        self._traced_q_values = q_values
        return super()._td_loss(q_values, next_q_values, rewards, discounts)

    def _loss(self, experience: Any, **kwargs: Any) -> tf_agent.LossInfo:
        if self._config.munchausen:
            experience = self._with_log_policy(self._as_transition(experience))
        # `agent.loss`, unlike `agent.train`, would leave the discount at 1.
        info = super()._loss(experience, **{"gamma": self._gamma, **kwargs})
        td_loss, td_error = info.extra
        extra = DqnLossInfo(td_loss, td_error, self._traced_q_values, tf.abs(td_error))
        return tf_agent.LossInfo(info.loss, extra)


def value_form(config: Config) -> Expectation:
    """Return what the networks say of each action: its expected return."""
    del config
    return Expectation()


def build(
    time_step_spec: ts.TimeStep,
    action_spec: Any,
    config: Config,
    agent_class: type[DqnAgent] = DqnAgent,
) -> DqnAgent:
    """Return an initialized agent; `config.precision` must be decided, not "auto"."""
    flat = time_step_spec.observation.shape.rank == 1
    network_class: Any = DenseQNetwork if flat else NatureQNetwork
    online, target, collect = (
        network_class(time_step_spec.observation, action_spec, config, name=name)
        for name in ("QNetwork", "TargetQNetwork", "CollectQNetwork")
    )
    online.create_variables()
    agent = agent_class(
        time_step_spec,
        action_spec,
        online,
        target,
        WeightUpdate(build_optimizer(config), online.trainable_weights),
        config,
        tf.Variable(0, dtype=tf.int64, name="train_step"),
        collect if config.overlap else None,
    )
    agent.initialize()
    return agent
