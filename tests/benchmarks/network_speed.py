"""How much reading costs the network: predict against Keras on arrays in memory, and training's wait for data.

    .venv/bin/python tests/benchmarks/network_speed.py tensors.h5

Each figure is a ratio of two measurements in one run, the least of several alternating ones. Prints a Markdown table.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from varproof.network.runtime import start_tensorflow

REPEATS = 3


def alternating(*measured: Callable[[], object]) -> list[float]:
    """Least seconds of each, over REPEATS rounds in turn."""
    least = [float("inf")] * len(measured)
    for _ in range(REPEATS):
        for i, function in enumerate(measured):
            begun = time.perf_counter()
            function()
            least[i] = min(least[i], time.perf_counter() - begun)
    return least


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tensors", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    start_tensorflow(options.threads, "this benchmark")
    import tensorflow as tf

    from varproof.formats.model import ModelCard
    from varproof.network.architectures import build_model
    from varproof.network.data import TensorSource, network_arrays, ordered_batches
    from varproof.network.prediction import Predictor
    from varproof.network.training import PREDICTION_BATCH as BATCH_SIZE
    from varproof.network.training import TrainingPlan, _compiled, training_dataset

    with TensorSource([options.tensors]) as source:
        everything = np.arange(source.size)
        card = ModelCard(architecture="read-set", settings=source.settings)
        model = build_model(card)
        predictor = Predictor(model, card)
        arrays = [network_arrays(batch, "free") for batch in ordered_batches(source, everything, BATCH_SIZE)]

        def from_file() -> None:
            for _ in predictor.judged(source.readers[0].batches(BATCH_SIZE), BATCH_SIZE):
                pass

        def in_memory() -> None:
            for batch in arrays:
                model.predict(batch, batch_size=BATCH_SIZE, verbose=0)

        streamed, keras_only = alternating(from_file, in_memory)

        labels = np.arange(source.size) % 2
        plan = TrainingPlan("read-set")
        _compiled(model, plan, 100)
        data = training_dataset(source, everything, labels, plan, 0, "free")
        with tempfile.TemporaryDirectory() as folder:
            cached = training_dataset(source, everything, labels, plan, 0, "free").cache(str(Path(folder) / "cache"))
            kept = [item for item in cached]
        ready = tf.data.Dataset.from_generator(lambda: iter(kept), output_signature=data.element_spec)
        steps, waiting = alternating(lambda: model.fit(ready, verbose=0), lambda: model.fit(data, verbose=0))
    print(f"| {source.size} candidates, {options.threads} threads | seconds | ratio |")
    print("|---|---|---|")
    print(f"| Keras `predict`, arrays in memory | {keras_only:.2f} | 1 |")
    print(f"| `predict` from the tensor file | {streamed:.2f} | {streamed / keras_only:.2f} |")
    print(f"| a pass of training, batches in memory | {steps:.2f} | 1 |")
    print(f"| a pass of training from the tensor file | {waiting:.2f} | {waiting / steps:.2f} |")


if __name__ == "__main__":
    main()
