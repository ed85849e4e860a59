"""n-step returns and the transitions that an agent learns from."""

from __future__ import annotations

import tensorflow as tf
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts


def n_step_return(
    rewards: tf.Tensor, discounts: tf.Tensor, valid: tf.Tensor, discount: float, reward_clip: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum up the rewards of up to n steps and find how the value behind them is discounted.

    Sutton and Barto, "Reinforcement Learning", 2nd edition, equation 7.1; n-step DQN as in Hessel
    et al., "Rainbow", 2018. With all steps valid and discount g:

        return = r0 + g d0 r1 + g^2 d0 d1 r2     value behind it times g^3 d0 d1 d2

    A window cut short after k steps sums up k rewards, and g^k d0 ... d(k-1) is the factor.

    Args:
      rewards: float32 [B, n], raw.
      discounts: float32 [B, n], of the environment: 0 at a termination.
      valid: bool [B, n]; False behind the end of the episode, True at first.
      discount: per agent step.
      reward_clip: each reward is clipped to plus or minus this; 0: raw.

    Returns:
      the return, float32 [B], and the factor of the value behind it, float32 [B].
    """
    if reward_clip:
        rewards = tf.clip_by_value(rewards, -reward_clip, reward_clip)
    rewards = tf.where(valid, rewards, 0.0)
    factors = tf.where(valid, discount * discounts, 1.0)
    reached = tf.math.cumprod(factors, axis=1, exclusive=True)
    return tf.reduce_sum(reached * rewards, axis=1), tf.reduce_prod(factors, axis=1)


def n_step_transition(
    observation: tf.Tensor,
    action: tf.Tensor,
    rewards: tf.Tensor,
    discounts: tf.Tensor,
    valid: tf.Tensor,
    next_observation: tf.Tensor,
    *,
    discount: float,
    reward_clip: float,
) -> trajectory.Transition:
    """Return windows as the one-step transitions that TF-Agents' DqnAgent takes.

    The agent multiplies the next time step's discount by its own discount once; that one factor is
    divided out here.

    Args:
      observation: [B, ...], where the windows begin.
      action: int [B], chosen there.
      rewards: float32 [B, n]; see n_step_return for this and the rest.
      discounts: float32 [B, n].
      valid: bool [B, n].
      next_observation: [B, ...], behind the last valid step.
      discount: per agent step.
      reward_clip: 0: raw.
    """
    reward, factor = n_step_return(rewards, discounts, valid, discount, reward_clip)
    batch = tf.shape(reward)
    ends = tf.equal(factor, 0.0)
    return trajectory.Transition(
        time_step=ts.TimeStep(
            step_type=tf.fill(batch, ts.StepType.MID),
            reward=tf.zeros(batch),
            discount=tf.ones(batch),
            observation=observation,
        ),
        action_step=policy_step.PolicyStep(action, (), ()),
        next_time_step=ts.TimeStep(
            step_type=tf.where(ends, ts.StepType.LAST, ts.StepType.MID),
            reward=reward,
            discount=tf.math.divide_no_nan(factor, discount),
            observation=next_observation,
        ),
    )


def trajectory_transition(
    experience: trajectory.Trajectory, n: int, *, discount: float, reward_clip: float
) -> trajectory.Transition:
    """Return whole windows as transitions; none reaches across the end of an episode.

    Args:
      experience: [B, n + 1, ...] or longer.
      n: length of the return, in agent steps.
      discount: per agent step.
      reward_clip: 0: raw.
    """
    before_end = tf.not_equal(experience.step_type, ts.StepType.LAST)
    valid = tf.cast(tf.math.cumprod(tf.cast(before_end, tf.int32), axis=1), tf.bool)[:, :n]
    steps = tf.reduce_sum(tf.cast(valid, tf.int32), axis=1)
    transition = n_step_transition(
        experience.observation[:, 0],
        experience.action[:, 0],
        experience.reward[:, :n],
        experience.discount[:, :n],
        valid,
        tf.gather(experience.observation, steps, batch_dims=1),
        discount=discount,
        reward_clip=reward_clip,
    )
    # The agent counts a window that begins at the end of an episode for nothing.
    first = transition.time_step._replace(step_type=experience.step_type[:, 0])
    return transition._replace(time_step=first)
