"""What stands on a network's body: one or two streams of dense layers, noisy ones among them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class NoisyDense(tf.keras.layers.Layer):
    """A dense layer whose weights have noise of a learned size, by which an agent explores.

    Fortunato et al., "Noisy Networks for Exploration", 2018, equations 9 to 11: factorised Gaussian
    noise, one draw for a whole batch. With x the inputs, p and q the noise of inputs and outputs:

        y = x W + b  +  ((x p) S) q + t q

    Args:
      units: outputs.
      activation: of y; None: none.
      seed: of the generator of the noise, whose state a checkpoint holds.
      sigma: the first size of the noise, sigma0 in the paper's section 3.2.
    """

    def __init__(
        self, units: int, activation: Any = None, *, seed: int, sigma: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._units = units
        self._activation = tf.keras.activations.get(activation)
        self._sigma = sigma
        self._generator = tf.random.Generator.from_seed(seed)

    @property
    def noise_state(self) -> tf.Variable:
        """The state of the generator of the noise."""
        return self._generator.state

    def build(self, input_shape: tf.TensorShape) -> None:
        """Make the weights; the paper's section 3.2 has their first values."""
        inputs = int(input_shape[-1])
        bound = inputs**-0.5
        shapes = {"kernel": [inputs, self._units], "bias": [self._units]}
        first = {
            name: self.add_weight(
                name, shape, initializer=tf.keras.initializers.RandomUniform(-bound, bound)
            )
            for name, shape in shapes.items()
        }
        sigma = {
            name: self.add_weight(
                f"{name}_sigma",
                shape,
                initializer=tf.keras.initializers.Constant(self._sigma * bound),
            )
            for name, shape in shapes.items()
        }
        self.kernel, self.bias = first["kernel"], first["bias"]
        self.kernel_sigma, self.bias_sigma = sigma["kernel"], sigma["bias"]
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return [B, units]; with noise where `training`, without where the agent is only used."""
        inputs = tf.cast(inputs, self.compute_dtype)
        outputs = tf.matmul(inputs, self.kernel) + self.bias
        if training:
            p = self._noise(self.kernel.shape[0])
            q = self._noise(self._units)
            outputs += (tf.matmul(inputs * p, self.kernel_sigma) + self.bias_sigma) * q
        return self._activation(outputs)

    def _noise(self, size: int) -> tf.Tensor:
        normal = self._generator.normal([size])
        return tf.cast(tf.sign(normal) * tf.sqrt(tf.abs(normal)), self.compute_dtype)


class ValueHead(tf.keras.layers.Layer):
    """Turns features into N numbers for each action, by one stream or by two.

    Two streams (dueling): a state's value and its actions' advantages, less their mean, as in Wang
    et al., "Dueling Network Architectures for Deep Reinforcement Learning", 2016, equation 9; for
    distributions, atom by atom, as in Hessel et al., "Rainbow", 2018.

    Args:
      num_actions: A.
      size: N, of the ValueForm.
      units: width of the dense layer of each stream.
      dueling: whether there are two streams.
      noisy: whether their layers are noisy.
      layer_norm: whether features and dense layers are normalized (Ba et al., "Layer
        Normalization", 2016).
      body_dtype: dtype policy of all layers but the last, which is float32.
      seed: of the noise.
    """

    def __init__(
        self,
        num_actions: int,
        size: int,
        units: int,
        *,
        dueling: bool,
        noisy: bool,
        layer_norm: bool,
        body_dtype: Any,
        seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._shape = (num_actions, size)
        self._norm = tf.keras.layers.LayerNormalization(dtype=body_dtype) if layer_norm else None

        def stream(outputs: int, number: int) -> list[tf.keras.layers.Layer]:
            if noisy:
                body: Any = NoisyDense(units, seed=seed + 2 * number, dtype=body_dtype)
                last: Any = NoisyDense(outputs, seed=seed + 2 * number + 1, dtype="float32")
            else:
                body = tf.keras.layers.Dense(
                    units, kernel_initializer=body_initializer(), dtype=body_dtype
                )
                last = small_dense(outputs)
            norm = [tf.keras.layers.LayerNormalization(dtype=body_dtype)] if layer_norm else []
            return [body, *norm, tf.keras.layers.ReLU(dtype=body_dtype), last]

        self._advantage = stream(num_actions * size, 0)
        self._value = stream(size, 1) if dueling else []

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return float32 [B, A, N] of features [B, F]; `training`: with noise, where noisy."""
        if self._norm is not None:
            inputs = self._norm(inputs)
        advantage = _through(self._advantage, inputs, training)
        advantage = tf.reshape(advantage, [-1, *self._shape])
        if not self._value:
            return advantage
        value = _through(self._value, inputs, training)[:, None, :]  # [B, 1, N]
        return value + advantage - tf.reduce_mean(advantage, axis=1, keepdims=True)


def _through(layers: list[tf.keras.layers.Layer], inputs: tf.Tensor, training: bool) -> tf.Tensor:
    for layer in layers:
        takes_noise = isinstance(layer, NoisyDense)
        inputs = layer(inputs, training=training) if takes_noise else layer(inputs)
    return inputs


def body_initializer() -> tf.keras.initializers.Initializer:
    """Return that of TF-Agents' EncodingNetwork."""
    return tf.keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal")


def small_dense(units: int) -> tf.keras.layers.Dense:
    """Return a last layer, float32, whose first values are small.

    As in TF-Agents' QNetwork, but around 0 and not around -0.2.
    """
    initializer = tf.keras.initializers.RandomUniform(-0.03, 0.03)
    return tf.keras.layers.Dense(units, kernel_initializer=initializer, dtype="float32")
