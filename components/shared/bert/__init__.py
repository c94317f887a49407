"""BERT itself, and how it is trained and stored: TensorFlow, Keras and Horovod."""
