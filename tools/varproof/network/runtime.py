"""Starting TensorFlow: quietly, deterministically, on the threads that were asked for; or saying how to install it."""

import contextlib
import os
import sys
from collections.abc import Iterator

from varproof.machinery.errors import UserError
from varproof.machinery.remote import start_network_access


def start_tensorflow(threads: int, needed_by: str, split_operations: bool = True) -> bool:
    """Import and configure TensorFlow, before any other module of this room is imported; True if it found a GPU.

    Operations are deterministic; with a GPU computing is in mixed precision. `split_operations`: one operation may use all
    threads, and then its sums depend in their last digits on how many there are; otherwise operations only run side by side.
    Threads can be set once per process only. Raises UserError where TensorFlow or scikit-learn is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    if "tensorflow" not in sys.modules:
        start_network_access()
    try:
        with _quiet_stderr():
            import keras
            import sklearn  # noqa: F401
            import tensorflow as tf

            tf.config.list_physical_devices()
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        raise UserError(f"{needed_by} needs {missing}; install it with: pip install 'varproof[cnn]'") from error
    if keras.backend.backend() != "tensorflow":
        raise UserError(f"{needed_by} needs Keras on TensorFlow, but KERAS_BACKEND is {keras.backend.backend()}; unset it")
    tf.get_logger().setLevel("ERROR")
    tf.config.experimental.enable_op_determinism()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads if split_operations else 1)
        tf.config.threading.set_inter_op_parallelism_threads(min(threads, 2) if split_operations else threads)
    except RuntimeError:  # it runs already, on the threads of an earlier call
        pass
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    keras.mixed_precision.set_global_policy("mixed_float16" if on_gpu else "float32")
    return on_gpu


def forget_models() -> None:
    """Let Keras forget the models that were built so far, but not the precision that computing is in."""
    import keras

    policy = keras.config.dtype_policy()
    keras.backend.clear_session()
    keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Nothing that compiled code writes to stderr is shown: TensorFlow greets before its own log level counts."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
