import pytest

from cnn import data
from cnn.data import Mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The real MNIST, fetched once for the user and kept in the cache folder."""
    return data.load()
