"""A small MNIST network in PyTorch, trained and reported by one make target."""
