"""A small MNIST network in PyTorch, trained and reported on by one make target."""
