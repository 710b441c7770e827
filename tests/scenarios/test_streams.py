"""The vectorised first draw is NumPy's own Philox, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scenarios.streams import first_uniforms
from twin.model.streams import stream

NAMES = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=20)


@given(seed=st.integers(0, 2**63 - 1), names=NAMES, purpose=st.text(max_size=10))
def test_first_uniform_is_that_of_the_named_stream(seed: int, names: list[str], purpose: str) -> None:
    expected = [stream(seed, name, purpose).random() for name in names]
    assert first_uniforms(seed, names, purpose).tolist() == expected


def test_no_names_give_no_draws() -> None:
    assert first_uniforms(1, [], "x").shape == (0,)


def test_draws_of_neighbouring_names_are_uniform_and_uncorrelated() -> None:
    uniforms = first_uniforms(3, [f"r{number:05d}" for number in range(20_000)], "failures")
    assert abs(uniforms.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(uniforms))
    lagged = np.corrcoef(uniforms[1:], uniforms[:-1])[0, 1]
    assert abs(lagged) < 4 / np.sqrt(len(uniforms))
