"""SIZE, ERROR and others: calls of one line, what they give and how they are refused.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np

import reftiler
from reftiler_conformance.api_checks import api_clause, api_clauses
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.calls import (
    Call,
    calls,
    error_of,
    judge,
    refused,
    result_of,
    words,
)

SIDE = "<stride|overlap|border|align>"
"""Words of `known` that take an int for all axes, or one for each of two."""
INT = "<image_size|start|count|seed>"
"""Words of `known` that take an int."""
NO_INT = "<True|np.bool_(True)|2.0|np.float32(2)|'2'>"
PAIR = "<[4, 6]|range(4, 7, 2)|(np.int32(4), np.uint8(6))>"
SHORT = "<(7, 6)|(8, 5)|(1, 1)>"
FOUR = "zeros(4, 4, 3)"
MODE = "<padding|interpolation|clamp|even>"  # those that leave no gaps


def known(api: Api) -> dict[str, Any]:
    """Return what the calls may use."""

    def merged(tile: tuple[int, int], scale: Any = None) -> Any:
        tiles = api.array(np.zeros((4, *tile), np.float32))
        return api.back(api.Tiler(8).untile(tiles, (16, 16), scale=scale)).shape

    def line(tile: Any, stride: Any = None, size: Any = (10,), **settings: Any) -> Any:
        return api.Tiler(tile, stride, **settings).grid(size)

    tiler, pairs = api.Tiler((8, 9)), api.Tiler([2])
    return words(api) | {
        "stride": lambda n: api.Tiler((8, 9), n).stride,
        "overlap": lambda n: api.Tiler((8, 9), overlap=n).overlap,
        "border": lambda n: (
            api.Tiler((8, 9), 1, remove_border_count=n).remove_border_count
        ),
        "align": lambda n: tiler.random((80, 90), 9, 0, n).starts.tolist(),
        "image_size": lambda n: pairs.grid([n]),
        "start": lambda n: pairs.scatter([9], [[n]]),
        "count": lambda n: pairs.random([9], n, 0),
        "seed": lambda n: pairs.random([9], 9, n),
        "line": line,
        "loads": json.loads,
        "merged": merged,
        "same": lambda one, other: np.array_equal(api.back(one), api.back(other)),
        "image": api.array(np.arange(2.0 * 11 * 9).reshape(2, 11, 9)),
    }


CALLS = {
    "TILER-002": """
        len({Tiler(4), Tiler((4, 4), [4, 4]), Tiler([np.int64(4), 4], overlap=0)}) -> 1
        len({Tiler(4, 2), Tiler(4, overlap=2), Tiler((4, 4), overlap=(2, 2))}) -> 1
        len({Tiler([4], pad_value=nan), Tiler([4], pad_value=float("nan"))}) -> 1
        len({Tiler([4], fill=-0.0), Tiler([4], fill=-0.0)}) -> 1
        len({Tiler(4, 2, remove_border_count=<1|(1, 1)|[1, 1]>),
            Tiler(4, 2, remove_border_count=1)}) -> 1
        len({Tiler([2], window=[[1.0, 2.0]]), Tiler((2,), window=((1.0, 2.0),))}) -> 1
    """,
    "SIZE-001": """
        tuple(Tiler(4).tile_size) -> (4, 4)
        tuple(Tiler((4, 6)).tile_size) -> (4, 6)
        tuple(Tiler([5]).tile_size) -> (5,)
        tuple(Tiler((2, 3, 4)).tile_size) -> (2, 3, 4)
        Tiler(<0|-1|(4, 0)|(4, -2)|()>) raises TilingError
    """,
    "SIZE-002": f"""
        {SIDE}(2) -> {SIDE}((2, 2))
        {SIDE}((1, 1)) != {SIDE}(<(1, 2)|(2, 1)|(2, 2)>) -> True
        {SIDE}((1, 2)) != {SIDE}((2, 1)) -> True
        {SIDE}(<(2,)|(2, 2, 2)|()>) raises TilingError
    """,
    "SIZE-003": f"""
        {SIDE}(np.<int8|uint8|int64|uint64>(2)) -> {SIDE}(2)
        {SIDE}(<[2, 2]|[np.uint16(2), 2]>) -> {SIDE}(2)
        {SIDE}(range(1, 3)) -> {SIDE}((1, 2))
        {INT}(np.<int8|uint8|int64|uint64>(2)) -> {INT}(2)
        tuple(Tiler({PAIR}).tile_size);
            tuple(Tiler(2).grid({PAIR}).image_size) -> (4, 6)
    """,
    "SIZE-004": f"""
        {SIDE}({NO_INT}); {SIDE}((2, {NO_INT})) raises TypeError
        {INT}({NO_INT}); Tiler({NO_INT}); Tiler((2, {NO_INT})) raises TypeError
    """,
    "SIZE-005": "tuple(Tiler((4, 6)<|, None|, [4, 6]>).stride) -> (4, 6)",
    "SIZE-006": """
        tuple(Tiler((8, 6), overlap=0).stride) -> (8, 6)
        tuple(Tiler((8, 6), overlap=2).stride) -> (6, 4)
        tuple(Tiler((8, 6), overlap=(7, 5)).stride) -> (1, 1)
        tuple(Tiler((8, 6), overlap=(0, 1)).stride) -> (8, 5)
        Tiler((8, 6), overlap=<-1|6|8|(8, 0)|(0, 6)|(0, -1)>) raises TilingError
    """,
    "SIZE-007": """
        Tiler(4, <2, overlap=2|3, overlap=2|4, overlap=0|(2, 2), overlap=(2, 2)>)
            raises TilingError
    """,
    "SIZE-008": """
        tuple(Tiler((4, 6), 1).stride) -> (1, 1)
        tuple(Tiler((4, 6), (4, 6)).stride) -> (4, 6)
        Tiler((4, 6), <0|-1|5|(4, 7)|(5, 6)|(0, 6)>) raises TilingError
    """,
    "SIZE-009": """
        len(Tiler((4, 6)).grid((1, 1))) -> 1
        Tiler((4, 6)).grid(<(8,)|(8, 8, 8)|(0, 8)|(8, -1)>) raises TilingError
        Tiler((4, 6)).grid(8) raises TypeError
        Tiler((4, 6)).tile(zeros(<0, 8|3, 8, 0>)) raises TilingError
    """,
    "GRID-010": f"""
        len(Tiler((8, 6), mode="<padding|interpolation>").grid({SHORT})) -> 1
        Tiler((8, 6), mode="<clamp|even|drop>").grid({SHORT}) raises TilingError
        Tiler((8, 6), mode="{MODE}").scatter({SHORT}, [[0, 0]]);
            Tiler((8, 6), mode="{MODE}").random({SHORT}, 1, 0) raises TilingError
    """,
    "GRID-011": """
        Tiler([17], mode="<clamp|even|drop>").grid([13]);
            Tiler([17]).<scatter([13], [[0]])|random([13], 1, 0)>
            raises TilingError: 13, 17, padding
    """,
    "GRID-016": """
        line([56], 28, mode="<clamp|even>", align=14, size=(100,))
            raises TilingError: 100, 14, 98, 112, padding
    """,
    "GRID-017": """
        Tiler([8], align=4).scatter([20], [[12], [4]]).starts.tolist() -> [[12], [4]]
        set(Tiler([8], align=4).random([21], 99, 7).starts[:, 0].tolist())
            -> {0, 4, 8, 12}
        set(Tiler([8], align=2).random([21], 99, 7, <4|[4]>).starts[:, 0].tolist())
            -> {0, 4, 8, 12}
        Tiler([8], align=4).scatter([20], [[0], [<1|2|11>]]);
            Tiler([8], align=4).random(<[20], 99|[8], 1>, 7, <1|2|6>)
            raises TilingError
    """,
    "CONTEXT-006": """
        back(Tiler([8], context=2).untile(zeros(1, 6), (8,), scale=0.5)).shape -> (4,)
        Tiler([8], context=1).untile(zeros(1, 5), (8,), scale=0.5) raises TilingError
    """,
    "CONTEXT-007": """
        back(Tiler([8], context=3).untile(zeros(1, <14|8>), (8,))).shape -> (8,)
        back(Tiler([8], context=4).untile(zeros(1, <8|16>), (8,), scale=1)).shape
            -> (8,)
        back(Tiler([8], context=4).untile(zeros(1, <8|4>), (8,), scale=0.5)).shape
            -> (4,)
        back(Tiler(8, context=(4, 0)).untile(zeros(1, 8, 8), (8, 8))).shape -> (8, 8)
        Tiler([8], context=4).untile(zeros(1, 8), (8,));
            Tiler([8], context=3).untile(zeros(1, <7|4|28|16>), (8,));
            Tiler(8, context=3).untile(zeros(1, 8, 14), (8, 8));
            Tiler([8], context=3).untile(zeros(1, 8), (8,), scale=<2|0.5>)
            raises TilingError
    """,
    "CONTEXT-008": """
        line([4], context=2).starts.tolist() -> line([4]).starts.tolist()
        line([4], context=2).boxes.tolist() -> line([4]).boxes.tolist()
        line([4], context=2).<padding|uncovered> -> line([4]).<padding|uncovered>
        line([4], context=2).touching(np.arange(10) == 4).tolist() -> [1]
        line([4], context=2).to_image(1, [[2.5]]).tolist() -> [[4.5]]
        line([4], context=2).to_tile(0, [[0]]).tolist() -> [[2.0]]
        line([4], context=2).clip([[-5, 99]], <0|1>).tolist()
            -> [[<0|1> * 2.0, <0|1> * 4 + 6.0]]
        Tiler([4], context=1).view(zeros(8)); Tiler(4, context=<-1|(1, 2, 3)>)
            raises TilingError
        Tiler(4, context=<1.0|True|"1">) raises TypeError
    """,
    "FINISH-006": """
        Tiler(4).untile(zeros(4, 2, 4, 4), (8, 8), finish=<3|"argmax"|(len,)>);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), finish=<repr|list|lambda b: None>)
            raises TypeError
        Tiler(4).untile(zeros(4, 2, 4, 4), (8, 8),
            finish=lambda b: b<.sum(2)|[0, 0]|[:, :, 1:]|[0][:, 1:]|[None]|[:0]>)
            raises TilingError: finish
        Tiler(4).untile(zeros(4, 2, 4, 4) + 1, (8, 8),
            finish=lambda b: b<[0]|[:1]> if back(b).any() else b) raises TilingError
        Tiler(4).untile(zeros(4, 2, 4, 4) + 1, (8, 8),
            finish=lambda b: b > 0 if back(b).any() else b) raises TilingError
    """,
    "COORD-011": """
        line([4], 3).to_image(<0|1|2>, [[0.5]]).tolist() -> [[<0|1|2> * 3 + 0.5]]
        line((4, 6), (3, 5), size=(9, 17)).to_image(5, (0.5, 2)).tolist() -> [3.5, 7.0]
    """,
    "COORD-012": """
        line([4], pad_side="both").to_image(<0|1>, [0.1]).tolist()
            -> [0.1 + (4 * <0|1> - 1)]
        line([4], mode="interpolation").to_image(<0|2>, [0.1]).tolist()
            -> [(0.1 + 4 * <0|2>) * 10 / 12]
        Tiler([4]).random([10], 3, 7).to_image(2, [1.5]).tolist()
            -> [1.5 + int(Tiler([4]).random([10], 3, 7).starts[2, 0])]
    """,
    "COORD-013": """
        line([4], pad_side="both").to_tile(<0|1>, [0.1]).tolist()
            -> [0.1 - (4 * <0|1> - 1)]
        line([4], mode="interpolation").to_tile(<0|2>, [0.1]).tolist()
            -> [0.1 * 12 / 10 - 4 * <0|2>]
    """,
    "COORD-014": """
        line([4]).to_image([2, 0], [[1.0], [nan]]).tolist()[0] -> [9.0]
        line([4]).to_image([0, 2], [[1], [3]]).tolist() -> [[1.0], [11.0]]
        np.isnan(line([4]).<to_image|to_tile>(1, [nan])).tolist() -> [True]
        line([4]).<to_image|to_tile>(<3|-1|[0, 3]>, [[1.0], [2.0]]);
            line([4]).<to_image|to_tile>(0, <[]|1.0|[1.0, 2.0]>);
            line([4]).<to_image|to_tile>([0, 1, 2], [[1.0], [2.0]]) raises TilingError
        line([4]).<to_image|to_tile>(<1.0|True|"1">, [1.0]);
            line([4]).<to_image|to_tile>(1, <["1"]|[True]|[1j]>) raises TypeError
    """,
    "COORD-015": """
        line([4], 3).clip([[-2, 5.5]]).tolist() -> [[0.0, 5.5]]
        line([4], 3).clip([[2, 2]]).tolist() -> [[2.0, 2.0]]
        line([4], 3).clip([[[-2, -1]], [[11, 12]]]).tolist()
            -> [[[0.0, 0.0]], [[10.0, 10.0]]]
        line([4], 3).clip([[-2, 5.5]], <1|2>).tolist()
            -> [[3.0 * <1|2>, max(5.5, 3.0 * <1|2>)]]
        line([4], 3).clip([[[-2, 5.5]], [[5, 99]]], [0, 1]).tolist()
            -> [[[0.0, 4.0]], [[5.0, 7.0]]]
        line([4], pad_side="both").clip([[-2, 99]], <0|2>).tolist()
            -> [[7.0 * (<0|2> // 2), 3 + 7.0 * (<0|2> // 2)]]
        line([4], mode="interpolation").clip([[-2, 99]], 1).tolist()
            -> [[4 * 10 / 12, 8 * 10 / 12]]
        line([4]).clip(<[[2, 1]]|[[nan, 1]]|[2, 3]|[[0, 1], [0, 1]]>);
            line([4]).clip([[0, 1]], <3|-1|[0, 1]>) raises TilingError
        line([4]).clip([[0, 1]], <1.0|True>);
            line([4]).clip([["0", "1"]]) raises TypeError
    """,
    "LAYOUT-009": f"""
        back(Tiler((4, 3)).untile({FOUR}, <(8, 6)|[8, 6]|(3, 8, 6)|(1, 3, 8, 6)>))
            .shape[-2:] -> (8, 6)
        back(Tiler((4, 3), channels_last=True).untile({FOUR}, (1, 8, 6, 3))).shape
            -> (1, 8, 6)
        Tiler((4, 3)).untile({FOUR}, <()|(8,)|(48,)|(1, 1, 3, 8, 6)>);
            Tiler((4, 3)).untile({FOUR}, <(0, 8, 6)|(0, 3, 8, 6)|(8, 0)|(-8, 6)>)
            raises TilingError
        Tiler((4, 3)).untile({FOUR}, (8.0, 6)) raises TypeError
    """,
    "SCALE-002": """
        merged((<2|4|16>, <2|4|16>)) -> (<2|4|16> * 2, <2|4|16> * 2)
        merged(<(4, 8)|(4, 2)|(8, 16)>) raises TilingError
    """,
    "SCALE-003": """
        merged((4, 4), <0.5|Fraction(1, 2)>) -> (8, 8)
        merged((16, 4), <(2, 0.5)|[2, Fraction(1, 2)]>) -> (32, 8)
        merged((16, 16), 2) -> (32, 32)
        merged((4, 4), <0.3|2|1|0|-1|inf|nan>) raises TilingError
        merged((4, 4), <(0.5, 1)|(0.5,)|(0.5, 0.5, 0.5)>) raises TilingError
        merged((4, 4), "0.5") raises TypeError
        len(back(Tiler(9).untile(zeros(1, 3, 3), (9, 9), scale=Fraction(1, 3)))) -> 3
        Tiler(9).untile(zeros(1, 3, 3), (9, 9), scale=1 / 3) raises TilingError
    """,
    "SCALE-006": """
        Tiler(4, (4, 3)).untile(zeros(4, 4, 2), (8, 7), scale=(1, Fraction(1, 2)))
            raises TilingError: axis 1, 3, 1/2
    """,
    "TILE-005": """
        len(Tiler(4, 2).<tile(zeros(8, 8)|untile(zeros(9, 4, 4), (8, 8)>,
            grid=Tiler((4, 4), overlap=2).grid((8, 8)))) > 7 -> True
        Tiler(4, 2).<tile(zeros(8, 8)|untile(zeros(9, 4, 4), (8, 8)>,
            grid=Tiler(4<|, 2, window="hann"|, 2, pad_value=-0.0>).grid((8, 8)));
            Tiler(4, 2).<tile(zeros(8, 8)|untile(zeros(9, 4, 4), (8, 8)>,
            grid=Tiler(4, 2).grid((8, 10))) raises TilingError
    """,
    "TILE-006": f"""
        same((t := Tiler(4, 3, mode="{MODE}")).tile(image),
            t.tile(image, grid=t.grid((11, 9)))) -> True
        same((t := Tiler(4, 3, mode="{MODE}")).untile(cut := t.tile(image), (2, 11, 9)),
            t.untile(cut, (2, 11, 9), t.grid((11, 9)))) -> True
    """,
    "VIEW-007": "Tiler(4).view(zeros(9, 8)) raises TilingError: tile",
    "SELECT-004": """
        line([4]).selection -> None
        line([4]).select(np.array([2, 0])).selection -> (2, 0)
        line([4], 2).select([3, 1, 2]).select(<[2, 0]|range(2, -1, -2)>).selection
            -> (2, 3)
        Tiler([4]).scatter([10], [[6], [3]]).select([1]).starts.tolist() -> [[3]]
        len({line([4]).select([0, 1]), line([4]).select((np.uint8(0), 1)),
            line([4]).select([1, 0]), line([4]).select([0, 1, 2]), line([4])}) -> 4
        line([4], 2).select([3, 1]).select(<[2]|[-1]|[0, 0]>) raises TilingError
        line([4]).select(<1|"01"|[True]|[1.0]|np.ones(3, bool)|None>) raises TypeError
    """,
    "SELECT-005": """
        sorted(loads((some := line([4]).select([2, 0])).to_json()))
            -> ["image_size", "selection", "spec_version", "tiler"]
        loads(line([4]).select([2, 0]).to_json())["selection"] -> [2, 0]
        Grid.from_json((some := line([4]).select([2, 0])).to_json()) == some -> True
        Grid.from_json(edited(line([4]), selection=<[]|[3]|[1, 1]>)) raises TilingError
        Grid.from_json(edited(line([4]), selection=<["1"]|2>)) raises TypeError
    """,
    "JSON-006": """
        Tiler.from_json(edited(Tiler(4, 2), colour="red"));
            Grid.from_json(edited(Tiler(4, 2).grid((9, 12)), colour="red"));
            Grid.from_json(edited(Tiler(4, 2).grid((9, 12)), tiler={"colour": "red"}))
            raises TilingError
    """,
    "JSON-007": """
        Tiler.from_json(edited(Tiler(4, 2), strid=[4, 4])) raises TilingError: stride
        Grid.from_json(edited(Tiler(4, 2).grid((9, 12)), image_siz=[4, 4]))
            raises TilingError: image_size
    """,
    "JSON-009": """
        Tiler.from_json(edited(Tiler(4, 2), spec_version=None));
            Grid.from_json(edited(Tiler(4, 2).grid((9, 12)), spec_version=None))
            raises TilingError
    """,
    "ERROR-001": """
        Tiler(4).scatter((8, 8), [(-1, 0)]); Tiler(4).scatter((8, 8), []);
            Tiler(4).random((8, 8), 1, 2**128); Tiler(4).random((8, 8), 2, -1);
            Tiler(4).random((8, 8), 1, 7, align=0);
            Tiler(4).grid((8, 8)).touching(np.zeros((8, 9), bool));
            Tiler(4, pad_value=0.5).tile(zeros(8, 8));
            Tiler(4, fill=0.5).untile(zeros(4, 4, 4), (8, 8));
            Tiler(4, mode="drop").untile(zeros(1, 4, 4), (5, 5));
            Tiler(4, 3).untile(zeros(4, 2, 2), (7, 7));
            Tiler.from_json("{"); Grid.from_json("{") raises TilingError
    """,
    "ERROR-002": """
        Tiler(4).grid((8.0, 8)); Tiler(4).tile(zeros(8, 8), grid=4);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), grid=4) raises TypeError
    """,
    "ERROR-003": """
        Tiler(4).tile(zeros(1, 1, 1, 8, 8)); Tiler(4).tile(zeros(0, 8, 8));
            Tiler(4).untile(zeros(4, 4), (8, 8));
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), dtype=dtype("bool"));
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(8, 9));
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(8, 8, dtype="int8"));
            Tiler(4).tile(zeros(8, 8), out=zeros(4, 4, 5)); Tiler(4, (2, 2, 2));
            Tiler(4).tile(zeros(8, 8), out=zeros(4, 4)); Tiler(4).grid((8,));
            Tiler(4).scatter((8, 8), [(0,)]) raises TilingError
    """,
    "ERROR-004": """
        Tiler(4, 5) raises TilingError: stride, 5, 4
        Tiler(4, overlap=7) raises TilingError: overlap, 7
        Tiler(4, mode="clmap") raises TilingError: mode, clmap, clamp
        Tiler(8, 6, remove_border_count=3) raises TilingError: border, 3
        Tiler(4).scatter((8, 8), [(6, 0)]) raises TilingError: start, 6
        Tiler(4).untile(zeros(3, 4, 4), (8, 8)) raises TilingError: 3, 4
        Tiler(4).tile(zeros(7)) raises TilingError: 7, 2
        Tiler(4, mode="clamp").grid((3, 9)) raises TilingError: clamp, 3, 4
        Tiler(4).random((8, 8), 0, 7) raises TilingError: count, 0, 1
    """,
    "ERROR-005": """
        Tiler(4, <pad_mode|pad_side|window|merge>=<"nothing"|"">, mode="drop");
            Tiler(4, <mode|pad_mode|pad_side|window|merge>="None");
            Tiler(4, mode=<"nothing"|"">) raises TilingError
    """,
    "ERROR-006": """
        Tiler(4, 2, remove_border_count=-1); Tiler(4, 2, remove_border_count=2);
            Tiler(4, remove_border_count=1); Tiler(4, window=[[1] * 4]);
            Tiler([2], window=[[1, 0]]); Tiler(4, window=[[1] * 4, [1, 2, 3]]);
            Tiler(4, window=[[1] * 4, [1, 2, 3, -1]]);
            Tiler(4, window=[[1] * 4, [1, 2, 3, nan]]);
            Tiler(4, window=[[1] * 4, [1, 1, 1, 2.0**33]]);
            Tiler(4, window="hann", merge="max") raises TilingError
        Tiler(4, <pad_value|fill>="x"); Tiler(4, channels_last=1); Tiler(4, mode=3)
            raises TypeError
    """,
}
"""Calls by the clause that says what they give, or that they are refused."""

# Words that name the array library's own: no other backend says the same.
OWN_WORDS = """
    Tiler(4).tile([[1, 2], [3, 4]]); Tiler(4).view([[1, 2], [3, 4]]);
        Tiler(4).untile([[[1, 2], [3, 4]]], (2, 2));
        Tiler(4).tile(zeros(8, 8), out=[[1, 2], [3, 4]]);
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=[[1, 2], [3, 4]]) raises TypeError
"""
OWN_DTYPES = """
    Tiler(4).untile(zeros(4, 4, 4, dtype="complex64"), (8, 8));
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), dtype=dtype("complex64"));
        Tiler(4).untile(zeros(4, 4, 4), (8, 8),
            finish=lambda b: b * zeros(1, dtype="complex64"));
        Tiler(4).untile(array(np.full((4, 4, 4), nan)), (8, 8), dtype=dtype("uint8"))
        raises TilingError
"""
REFUSED = [call for table in CALLS.values() for call in calls(table) if call.error]
EVERY = [*REFUSED, *calls(OWN_WORDS)]
ERRORS = {"TilingError": ValueError, "TypeError": TypeError}


@api_clauses(CALLS)
def test_calls(api: Api, asked: str) -> None:
    """Calls give their values, and bad ones are refused, with the words that help."""
    judge(calls(asked), known(api))


@api_clauses(
    {
        "ERROR-001": [call for call in EVERY if call.error == "TilingError"],
        "ERROR-002": [call for call in EVERY if call.error == "TypeError"],
        "ERROR-003": [*calls(CALLS["ERROR-003"]), *calls(OWN_DTYPES)],
    }
)
def test_errors(api: Api, asked: list[Call]) -> None:
    """A wrong value raises TilingError, a ValueError; a wrong type raises TypeError."""
    names = known(api)
    for call in asked:
        error = error_of(result_of, call.code, names)
        if error is None:
            continue  # that it is taken breaks the clause of its table
        kinds = [kind.__name__ for kind in type(error).__mro__]
        message = f"{call.code} raised {kinds[0]}, should be {call.error}"
        assert call.error in kinds, message
        kind = ERRORS[call.error]
        assert isinstance(error, kind), f"{call.error} is no {kind.__name__}"


@api_clause("ERROR-004")
def test_says_a_sentence(api: Api) -> None:
    """A refusal is told in a sentence, not in a word."""
    for call in calls(CALLS["ERROR-004"]):
        message = refused(call.code, result_of, call.code, known(api))
        assert len(message.split()) > 4, f"{call.code} says no sentence: {message}"


@api_clause("BACKEND-003")
def test_in_the_same_words(api: Api) -> None:
    """The backend refuses what the others refuse, with the same words."""
    numpy = SimpleNamespace(Tiler=reftiler.Tiler, dtype=np.dtype)
    numpy.array = numpy.back = np.asarray
    theirs, ours = known(api), known(numpy)
    for call in REFUSED:
        code = call.code
        found, right = (error_of(result_of, code, names) for names in (theirs, ours))
        if found is None:
            continue  # as above
        said = [f"{type(error).__name__}: {error}" for error in (found, right)]
        assert said[0] == said[1], f"{code}: {said[0]}, should be {said[1]}"
