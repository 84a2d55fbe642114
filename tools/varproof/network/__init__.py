"""The networks: architectures, training, validation, calibration, prediction. Imports TensorFlow only inside functions."""
