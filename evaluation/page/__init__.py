"""A run as one HTML page: what is read, drawn and told; needs no TensorFlow and no network."""
