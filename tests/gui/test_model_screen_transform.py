"""What part of the image the screen shows."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from reftiler_gui.model.screen_transform import ScreenTransform

ZOOMS = (0.1, 0.125, 0.33, 2 / 3, 0.75, 1.0, 1.5, 2.0, 7.3)


@given(
    st.integers(1, 3000), st.floats(0, 1), st.sampled_from(ZOOMS), st.integers(0, 9999)
)
@example(305, 0.5, 0.1, 100)
@example(3000, 0.75, 1 / 3, 0)
def test_what_lies_on_the_image_shows_its_pixels(
    length: int, place: float, zoom: float, first: int
) -> None:
    screen = ScreenTransform.centred(place * length, first, zoom, 200, 300)
    top, bottom = screen.down((0, length))
    assert (
        screen.rows[top:bottom].tolist()
        == screen.rows[(screen.rows >= 0) & (screen.rows < length)].tolist()
    )
    left, right = screen.across((first, first + length))
    columns = screen.cols[left:right]
    assert all(first <= column < first + length for column in columns.tolist())
