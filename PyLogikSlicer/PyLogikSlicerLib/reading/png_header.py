"""The header of a PNG file.

Read here because the modes of Pillow do not show it: color of 16 bits has the mode "RGB", as that of 8 bits has.

Source: PNG specification, 11.2.1 IHDR.
"""

from __future__ import annotations

# Color types: grey levels, RGB, palette indices, and grey levels and RGB with an alpha channel.
GREY = 0
RGB = 2
PALETTE = 3
GREY_WITH_ALPHA = 4
RGB_WITH_ALPHA = 6

# Offsets in the file of the bits of a sample and of the color type.
_DEPTH_OFFSET = 24
_COLOR_TYPE_OFFSET = 25


def depth_and_color_type(head: bytes) -> tuple[int, int]:
    """The bits of a sample and the color type of a PNG file that starts with ``head``. Raises IndexError where it is cut short."""
    return head[_DEPTH_OFFSET], head[_COLOR_TYPE_OFFSET]
