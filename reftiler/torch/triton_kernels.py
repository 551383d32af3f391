"""The kernels of merging and cutting on CUDA, written with Triton.

Arrays of integers say for each axis which frame pixel a pixel is and which tiles meet
there, and for each tile where it starts and where it contributes. What is computed:

    total = -0.0; for each tile that contributes, ascending: total += weight * value
    result = round(total / sum of weights)

Positions are 64 bits wide: 2**31 elements are not the end. Triton's interpreter knows
vectors only as masks. What is known when a kernel is compiled is in capitals.
"""

# mypy: ignore-errors
# ruff: noqa: C901, N803, PLR0124, PLR0912, PLR0913, PLR0915

import triton
import triton.language as tl
from triton.language import constexpr


def kernel(function):
    """Compile a kernel once for numbers of every size and memory at any address."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    numbers = [name for name in names if name not in function.__annotations__]
    return triton.jit(function, do_not_specialize=numbers)


@triton.jit
def to_float64(value, SOURCE: constexpr):
    """Return values as float64; bfloat16 are given by their bits."""
    if SOURCE == "bfloat16":  # the upper half of those of float32
        value = (value.to(tl.uint32) << 16).to(tl.float32, bitcast=True)
    return value.to(tl.float64)


@triton.jit
def round_to(
    real, dtype: constexpr, TARGET: constexpr, LOW: constexpr, HIGH: constexpr
):
    """Round float64 once, to nearest, ties to even."""
    if HIGH is not None:  # ROUND-003, ROUND-004
        size = tl.abs(real)
        # Adding 2**52 leaves no bits for a fraction; from there on there is none.
        whole = tl.where(size < 2.0**52, (size + 2.0**52) - 2.0**52, size)
        whole = tl.where(real < 0, -whole, whole)
        fits = (whole > LOW) & (whole < HIGH)
        result = tl.where(fits, whole, 0.0).to(dtype)
        result = tl.where(whole >= HIGH, tl.full(result.shape, HIGH, dtype), result)
        result = tl.where(whole <= LOW, tl.full(result.shape, LOW, dtype), result)
    elif TARGET == "float64":
        result = real
    elif TARGET == "float32":
        result = real.to(tl.float32)
    else:
        # ROUND-002: by way of float32, rounded to odd, that is, to the neighbour whose
        # last bit is set where the number lies between two: a tie stays none.
        near = real.to(tl.float32)
        exact = near.to(tl.float64)
        bits = near.to(tl.int32, bitcast=True)
        odd = tl.where(tl.abs(exact) > tl.abs(real), bits - 1, bits) | 1
        between = (exact != real) & (tl.abs(real) <= 3.4028234663852886e38)
        bits = tl.where(between, odd, bits)
        if TARGET == "float16":
            result = bits.to(tl.float32, bitcast=True).to(tl.float16)
        else:
            up = bits + 0x7FFF + ((bits >> 16) & 1)
            up = tl.where(real != real, 0x7FC00000, up)
            result = (up >> 16).to(dtype)
    return result


# fmt: off
@triton.jit
def find_pixels(
    index, row, item, members, grid_z, grid_y, grid_x,
    extents_z, extents_y, extents_x, first_y, last_y, first_x, last_x,
    z, y, x, frame_z, frame_y, frame_x, inside, SCATTERED: constexpr,
):
    # fmt: on
    """Return a tile, where it contributes to a block, and its pixels there."""
    if SCATTERED:
        k = tl.load(members + index)
        k_z = k
        meets = inside & (z >= tl.load(extents_z + grid_z + k))
        meets = meets & (z < tl.load(extents_z + grid_z * 2 + k))
        meets = meets & (y >= tl.load(extents_y + grid_y + k))
        meets = meets & (y < tl.load(extents_y + grid_y * 2 + k))
        meets = meets & (x >= tl.load(extents_x + grid_x + k))
        meets = meets & (x < tl.load(extents_x + grid_x * 2 + k))
        start_y = tl.load(extents_y + k)
        start_x = tl.load(extents_x + k)
    else:
        k_z = index
        k_y = first_y + row
        k_x = first_x + item
        k = (k_z * grid_y + k_y) * grid_x + k_x  # LAYOUT-008
        meets = inside & (k_y < last_y) & (k_x < last_x)
        start_y = tl.load(extents_y + k_y, mask=meets, other=0)
        start_x = tl.load(extents_x + k_x, mask=meets, other=0)
    at_z = frame_z + y * 0 - tl.load(extents_z + k_z)
    return k, meets, at_z, frame_y - start_y, frame_x - start_x


# fmt: off
@triton.jit
def weight_of(weights_z, weights_y, weights_x, at_z, at_y, at_x, meets):
    # fmt: on
    """Return the weights of some pixels, from the first axis to the last."""
    # WINDOW-002
    w = tl.load(weights_z + at_z, mask=meets, other=0)
    w = w * tl.load(weights_y + at_y, mask=meets, other=0)
    return w * tl.load(weights_x + at_x, mask=meets, other=0)


# fmt: off
@kernel
def merge_block(
    tiles, out, nans, cells, members,
    pixels_z, pixels_y, pixels_x, extents_z, extents_y, extents_x,
    weights_z, weights_y, weights_x,
    depth, height, width, outer, inner, rows, columns, cell_rows,
    grid_z, grid_y, grid_x,
    tiles_n, tiles_k, tiles_c, tiles_z, tiles_y, tiles_x,
    out_n, out_c, out_z, out_y, out_x,
    side_z, side_y, side_x,
    MERGE: constexpr, WEIGHTED: constexpr, OMIT: constexpr, SCATTERED: constexpr,
    SOURCE: constexpr, TARGET: constexpr, LOW: constexpr, HIGH: constexpr,
    BLOCK: constexpr, CELL: constexpr,
):
    # fmt: on
    """Merge a block of rows × columns values; a value is a pixel of a channel."""
    across = tl.cdiv(width * inner, columns)
    down = tl.cdiv(height, rows)
    block = tl.program_id(0)
    column_block = block % across
    row_block = block // across % down
    plane = block // across // down
    z = (plane % depth).to(tl.int64)
    n = (plane // depth // outer).to(tl.int64)
    lane = tl.arange(0, BLOCK)
    column = column_block * columns + lane % columns
    y = (row_block * rows + lane // columns).to(tl.int64)
    x = (column // inner).to(tl.int64)
    c = (plane // depth % outer * inner + column % inner).to(tl.int64)
    inside = (y < height) & (x < width)
    plane_z = z + y * 0  # masks are vectors
    pixels_y += y
    pixels_x += x
    frame_z = tl.load(pixels_z + z)
    frame_y = tl.load(pixels_y, mask=inside, other=0)
    frame_x = tl.load(pixels_x, mask=inside, other=0)

    # Which tiles: of fitted grids a range on each axis, of scattered ones a list.
    if SCATTERED:
        cell = z // CELL * tl.cdiv(height, cell_rows)
        cell = (cell + row_block * rows // cell_rows) * across + column_block
        first = tl.load(cells + cell)
        last = tl.load(cells + cell + 1)
        deep_y = 1
        deep_x = 1
        first_y = y
        last_y = y
        first_x = x
        last_x = x
    else:
        first = tl.load(pixels_z + depth + z)
        last = tl.load(pixels_z + depth * 2 + z)
        first_y = tl.load(pixels_y + height, mask=inside, other=0)
        last_y = tl.load(pixels_y + height * 2, mask=inside, other=0)
        first_x = tl.load(pixels_x + width, mask=inside, other=0)
        last_x = tl.load(pixels_x + width * 2, mask=inside, other=0)
        deep_y = tl.max(last_y - first_y, 0)
        deep_x = tl.max(last_x - first_x, 0)

    count = tl.zeros((BLOCK,), tl.int32)
    held = tl.zeros((BLOCK,), tiles.dtype.element_ty)
    # MERGE-003: a sum begins with -0.0; by its bits, as Triton 3.8 makes 0.0 of it.
    total = tl.full((BLOCK,), -(2**63), tl.int64).to(tl.float64, bitcast=True)
    weight = total
    least = tl.full((BLOCK,), 2**63 - 1, tl.int64)
    seen = inside & (count > 0)
    for index in range(first, last):  # MERGE-003: tiles in ascending order
        for row in range(deep_y):
            for item in range(deep_x):
                k, meets, at_z, at_y, at_x = find_pixels(
                    index, row, item, members, grid_z, grid_y, grid_x,
                    extents_z, extents_y, extents_x,
                    first_y, last_y, first_x, last_x,
                    plane_z, y, x, frame_z, frame_y, frame_x, inside, SCATTERED,
                )
                place = n * tiles_n + k * tiles_k + c * tiles_c
                place += at_z * tiles_z + at_y * tiles_y + at_x * tiles_x
                value = tl.load(tiles + place, mask=meets, other=0)
                if MERGE == "mean":
                    term = to_float64(value, SOURCE)  # MERGE-002
                    if OMIT:  # MERGE-032
                        seen = seen | meets
                        meets = meets & (term == term)
                    if WEIGHTED:
                        w = weight_of(
                            weights_z, weights_y, weights_x, at_z, at_y, at_x, meets
                        )
                        term = w * term  # MERGE-004
                        weight = tl.where(meets, weight + w, weight)
                    total = tl.where(meets, total + term, total)
                    held = tl.where(meets, value, held)
                elif MERGE == "vote":
                    votes = tl.zeros((BLOCK,), tl.float64)
                    # MERGE-028: in ascending order
                    for step in range((last - first) * deep_y * deep_x):
                        k, there, z_2, y_2, x_2 = find_pixels(
                            first + step // deep_x // deep_y,
                            step // deep_x % deep_y, step % deep_x,
                            members, grid_z, grid_y, grid_x,
                            extents_z, extents_y, extents_x,
                            first_y, last_y, first_x, last_x,
                            plane_z, y, x, frame_z, frame_y, frame_x, inside,
                            SCATTERED,
                        )
                        place = n * tiles_n + k * tiles_k + c * tiles_c
                        place += z_2 * tiles_z + y_2 * tiles_y + x_2 * tiles_x
                        other = tl.load(tiles + place, mask=there, other=0)
                        w = 1.0
                        if WEIGHTED:
                            w = weight_of(
                                weights_z, weights_y, weights_x, z_2, y_2, x_2, there
                            )
                        same = there & (other == value)
                        votes = tl.where(same, votes + w, votes)
                    # Of equal sums the lowest label; MERGE-029: compared exactly
                    wins = (votes > total) | (votes == total) & (value < held)
                    wins = meets & (wins | (count == 0))
                    held = tl.where(wins, value, held)
                    total = tl.where(wins, votes, total)
                elif SCATTERED and MERGE == "first":  # MERGE-024
                    held = tl.where(meets & (count == 0), value, held)
                elif SCATTERED and MERGE == "last":
                    held = tl.where(meets, value, held)
                elif SCATTERED and MERGE == "center":  # MERGE-025
                    far_z = 2 * at_z + 1 - side_z
                    far_y = 2 * at_y + 1 - side_y
                    far_x = 2 * at_x + 1 - side_x
                    far = far_z * far_z + far_y * far_y + far_x * far_x
                    nearer = meets & (far < least)
                    held = tl.where(nearer, value, held)
                    least = tl.where(nearer, far, least)
                else:  # MERGE-012, MERGE-013
                    old = held
                    new = value
                    wins = value > held if MERGE == "max" else value < held
                    if SOURCE == "bfloat16" or tiles.dtype.element_ty.is_floating():
                        old = to_float64(held, SOURCE)
                        new = to_float64(value, SOURCE)
                        wins = new > old if MERGE == "max" else new < old
                        lesser = old if MERGE == "max" else new
                        minus = lesser.to(tl.int64, bitcast=True) < 0
                        wins = wins | (new != new) | ((new == old) & minus)
                    held = tl.where(meets & (wins | (count == 0)), value, held)
                count += meets.to(tl.int32)

    covered = count > 0
    if OMIT:
        covered = seen
    real = to_float64(held, SOURCE)  # ROUND-006
    if MERGE == "mean":
        divisor = weight if WEIGHTED else count.to(tl.float64)  # MERGE-006
        mean = total / tl.where(count > 0, divisor, 1.0)  # MERGE-005
        real = tl.where(count == 1, real, mean)
        if OMIT:  # MERGE-033
            real = tl.where(count == 0, float("nan"), real)
    result = held
    if SOURCE != TARGET or MERGE == "mean":
        if HIGH is not None:  # ROUND-005
            lost = tl.sum((covered & inside & (real != real)).to(tl.int64), 0)
            if lost > 0:
                tl.atomic_add(nans, lost)
        result = round_to(real, out.dtype.element_ty, TARGET, LOW, HIGH)
        if SOURCE == TARGET:  # MERGE-007: a pixel of one tile is copied
            result = tl.where(count == 1, held, result)
    place = n * out_n + c * out_c + z * out_z + y * out_y + x * out_x
    tl.store(out + place, result, mask=inside & covered)


# fmt: off
@kernel
def cut_block(
    image, out, padding, sources_z, sources_y, sources_x, starts_z, starts_y, starts_x,
    depth, height, width, outer, inner, rows, columns, tiles, grid_y, grid_x,
    image_n, image_c, image_z, image_y, image_x,
    out_n, out_k, out_c, out_z, out_y, out_x,
    SCATTERED: constexpr, BLOCK: constexpr,
):
    # fmt: on
    """Copy rows × columns values of a tile; a value is a pixel of a channel."""
    across = tl.cdiv(width * inner, columns)
    down = tl.cdiv(height, rows)
    block = tl.program_id(0)
    plane = block // across // down
    z = (plane % depth).to(tl.int64)
    k = (plane // depth // outer % tiles).to(tl.int64)
    n = (plane // depth // outer // tiles).to(tl.int64)
    lane = tl.arange(0, BLOCK)
    column = block % across * columns + lane % columns
    y = (block // across % down * rows + lane // columns).to(tl.int64)
    x = (column // inner).to(tl.int64)
    c = (plane // depth % outer * inner + column % inner).to(tl.int64)
    inside = (y < height) & (x < width)
    k_z = k
    k_y = k
    k_x = k
    if not SCATTERED:  # LAYOUT-008
        k_z = k // grid_x // grid_y
        k_y = k // grid_x % grid_y
        k_x = k % grid_x
    # TILE-001: the frame pixel of each of the tile's, and the image pixel of that.
    from_z = tl.load(sources_z + tl.load(starts_z + k_z) + z)
    frame_y = tl.load(starts_y + k_y) + y
    frame_x = tl.load(starts_x + k_x) + x
    from_y = tl.load(sources_y + frame_y, mask=inside, other=-1)
    from_x = tl.load(sources_x + frame_x, mask=inside, other=-1)
    shown = inside & (tl.minimum(tl.minimum(from_y, from_x), from_z) >= 0)
    place = n * image_n + c * image_c
    place += from_z * image_z + from_y * image_y + from_x * image_x
    value = tl.load(image + place, mask=shown, other=0)  # TILE-002: bits are moved
    value = tl.where(shown, value, tl.load(padding))  # PAD-004
    place = n * out_n + k * out_k + c * out_c + z * out_z + y * out_y + x * out_x
    tl.store(out + place, value, mask=inside)
