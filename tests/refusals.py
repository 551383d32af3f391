"""Calls that every backend must refuse, and what the message must hold.

They are written as those of the kit, so that one table serves numpy and its twins.
Words are the rule, the values and the way out, in small letters; each must be found in
the message.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.calls import Call, calls, words

TABLES = {
    "sizes": """
        Tiler(0); Tiler((4, 0)) raises TilingError: tile_size, 0
        Tiler((4, -3)) raises TilingError: tile_size, -3
        Tiler(()); Tiler([2 ** 70]); Tiler(10 ** 5000) raises TilingError: tile_size
        Tiler([4] * 70) raises TilingError: tile_size, 70
        Tiler([4], [2 ** 70]) raises TilingError: stride
        Tiler(4, pad_value=10 ** 5000) raises TilingError: pad_value
        Tiler(4, fill=-10 ** 5000) raises TilingError: fill
        Tiler(256, overlap=0.25) raises TypeError: pixels, 64
        Tiler((8, 4), overlap=(0.5, 0.25)) raises TypeError: 4, 1
        Tiler(4, 0) raises TilingError: stride, 0
        Tiler(4, (2, -1)) raises TilingError: stride, -1
        Tiler(4, overlap=-1) raises TilingError: overlap, -1
        Tiler(4, overlap=4) raises TilingError: overlap, 4
        Tiler(4, remove_border_count=-1) raises TilingError: border, -1
        Tiler(4, 5) raises TilingError: stride, 5, 4
        Tiler((9, 4), (3, 7)) raises TilingError: stride, 7, 4
        Tiler(4, 2, overlap=2) raises TilingError: stride, overlap
        Tiler(4, (1, 2, 3)) raises TilingError: stride, 3, 2
        Tiler(4, overlap=[1]) raises TilingError: overlap, 1, 2
        Tiler(4, remove_border_count=(0, 0, 0)) raises TilingError: border, 3, 2
        Tiler(4, 4, remove_border_count=1)
            raises TilingError: remove_border_count, 1, 4, stride
        Tiler((9, 8), (5, 5), remove_border_count=2)
            raises TilingError: remove_border_count, 2, 8, 5
        Tiler(4.0); Tiler((4, 4.0)) raises TypeError: tile_size, 4.0
        Tiler(True); Tiler((4, True)) raises TypeError: tile_size, true
        Tiler('44') raises TypeError: tile_size, 44
        Tiler(('4', '4')) raises TypeError: tile_size, 4
        Tiler(None) raises TypeError: tile_size, none
        Tiler({4, 5}); Tiler(np.ones((2, 2), int)) raises TypeError: tile_size
        Tiler(4, 2.0) raises TypeError: stride, 2.0
        Tiler(4, True) raises TypeError: stride, true
        Tiler(4, overlap='2') raises TypeError: overlap, 2
        Tiler(4, overlap=0.25) raises TypeError: overlap, 0.25
        Tiler(4, 2, remove_border_count=True) raises TypeError: border, true
    """,
    "names": """
        Tiler(4, mode='paddding') raises TilingError: mode, paddding, 'padding'
        Tiler(4, mode='CLAMP') raises TilingError: mode, 'clamp'
        Tiler(4, pad_mode='reflct') raises TilingError: pad_mode, 'reflect'
        Tiler(4, mode='clamp', pad_mode='edgy') raises TilingError: pad_mode, 'edge'
        Tiler(4, window='hanning') raises TilingError: window, 'hann'
        Tiler(4, merge='maxi') raises TilingError: merge, 'max'
        Tiler(4, pad_side='bothh') raises TilingError: pad_side, 'both'
        Tiler(4, mode='xyzzy') raises TilingError: mode, xyzzy, padding
        Tiler(4, mode=3) raises TypeError: mode, 3
        Tiler(4, mode=None) raises TypeError: mode, none
        Tiler(4, merge=1) raises TypeError: merge, 1
        Tiler(4, window=1) raises TypeError: window, 1
        Tiler(4, channels_last=1) raises TypeError: channels_last
        Tiler(4, pad_value='0') raises TypeError: pad_value
        Tiler(4, pad_value=None) raises TypeError: pad_value, none
        Tiler(4, pad_value=1j) raises TypeError: pad_value, 1j
        Tiler(4, fill='0') raises TypeError: fill
        Tiler(4, fill=1j) raises TypeError: fill, 1j
        Tiler(4, window='hann', merge='max') raises TilingError: hann, max, mean
        Tiler([2], window=((1, 1),), merge='min') raises TilingError: window, min
    """,
    "windows": """
        Tiler([2], window=((1, 2, 1),)) raises TilingError: window, 3, 2
        Tiler((2, 2), window=((1, 2),)) raises TilingError: window, 1, 2
        Tiler([2], window=((1, 2), (1, 2))) raises TilingError: window, 2, 1
        Tiler([2], window=((1, -2),)) raises TilingError: window, -2
        Tiler([2], window=((1, 0),)) raises TilingError: window, 0
        Tiler([2], window=((1, nan),)) raises TilingError: window, nan
        Tiler([2], window=((1, inf),)) raises TilingError: window, inf
        Tiler([2], window=((1, 2 ** 32 + 1),)) raises TilingError: window, 2
        Tiler([2], window=((1, 10 ** 400),)) raises TilingError: window
        Tiler([2], window=(('1', '2'),)); Tiler((2, 2), window=(1, 2))
            raises TypeError: window
        Tiler([2], window=((True, 1),)) raises TypeError: window, true
    """,
    "seeds": """
        Tiler(4).random((8, 8), 1, 0, share=0.5) raises TilingError: inside=
        Tiler(4).random((8, 8), 3, 0, inside=marked, share=-0.1);
            Tiler(4).random((8, 8), 3, 0, inside=marked, share=nan)
            raises TilingError: 0 to 1
        Tiler(4).random((8, 8), 3, 0, inside=marked, share=33)
            raises TilingError: 0 to 1, 33
        Tiler(4).random((8, 8), 3, 0, inside=marked, share='1/3')
            raises TypeError: share
        Tiler(4).random((8, 8), 3, 0, inside=marked * 0)
            raises TilingError: no pixel is marked
        Tiler(4).random((8, 8), 3, 0, inside=marked[1:]) raises TilingError: 7, 8, 8, 8
        Tiler(4).random((8, 8), 3, 0, inside=zeros(1, 8, 8, dtype='bool'))
            raises TilingError: 1, 8, 8
        Tiler(4).random((8, 8), 3, 0, inside=np.ma.array(marked))
            raises TypeError: masked array
        Tiler([3]).random([9], 1, 0, 7, inside=np.arange(9) == 5)
            raises TilingError: no pixel is marked that a tile (3,) can hold,
            multiples of (7,)
        Tiler(4).random((8, 8), 1, -1) raises TilingError: seed, -1
        Tiler(4).random((8, 8), 1, 2 ** 128) raises TilingError: seed, 128
        Tiler(4).random((8, 8), 0, 0) raises TilingError: count, 0
        Tiler(4).random((8, 8), 10 ** 12, 0) raises TilingError: count
        Tiler(4).random((8, 8), 1, 0, 0) raises TilingError: align, 0
        Tiler(4).random((8, 8), 1, 0, (1, 1, 1)) raises TilingError: align
        Tiler(4, align=4).random((4, 4), 1, 0, 2)
            raises TilingError: align=(2, 2), (4, 4)
        Tiler(4).random((8, 8), 1, 1.5) raises TypeError: seed, 1.5
        Tiler(4).random((8, 8), 1, True) raises TypeError: seed, true
        Tiler(4).random((8, 8), 1, None) raises TypeError: seed, none
        Tiler(4).random((8, 8), True, 0) raises TypeError: count, true
        Tiler(4).random((8, 8), 1, 0, 2.0) raises TypeError: align, 2.0
        Tiler(4).grid((8, 2 ** 70)) raises TilingError: image_size
        Tiler(4, 1).grid((2 ** 40, 2 ** 40)) raises TilingError: stride
        Tiler(4).scatter((8, 8), []) raises TilingError: starts
        Tiler(4).scatter((8, 9), [(0, 6)]) raises TilingError: 6, 5
        Tiler(4).scatter((8, 8), [(-1, 0)]) raises TilingError: -1
        Tiler(4).scatter((8, 8), [(1,)]) raises TilingError: start, 2
        Tiler(4).scatter((8, 8), [(0.0, 1)]); Tiler(4).scatter((8, 8), [(True, 1)]);
            Tiler(4).scatter((8, 8), [0, 1]) raises TypeError: start
    """,
    "grids": """
        Tiler(8, mode="<clamp|even|drop>").grid((5, 9));
            Tiler(8, mode="<clamp|even|drop>").tile(zeros(9, 5));
            Tiler(8).random((5, 9), 1, 0) raises TilingError: 5, 8, padding
        Tiler(8).scatter((9, 5), [(0, 0)]) raises TilingError: 5, 8
        Tiler(4).grid((8,)) raises TilingError: 1, 2
        Tiler(4).grid((8, 8, 8)) raises TilingError: 3, 2
        Tiler(4).grid((0, 8)) raises TilingError: 0
        Tiler(4).grid((8, -2)) raises TilingError: -2
        Tiler(4).grid((8, 8.0)) raises TypeError: 8.0
        Tiler(4).grid((8, True)) raises TypeError: true
        Tiler(4).grid('88') raises TypeError: 88
        Tiler(4).grid(8) raises TypeError: 8
        Tiler(4).grid((8, 6)).touching(zeros(6, 8)) raises TilingError: 8, 6
        Tiler(4).grid((8, 6)).touching(zeros(1, 8, 6, dtype='bool'))
            raises TilingError: 1, 8, 6
        Tiler(4).grid((1, 1)).touching([['no']]) raises TilingError: <u2, numbers
    """,
    "json": """
        Grid.from_json(Tiler(4).grid((8, 8)).to_json()[:-5]); Grid.from_json('');
            Grid.from_json('[' * 100000); Tiler.from_json('{') raises TilingError: json
        Grid.from_json('[1, 2]') raises TilingError: object
        Grid.from_json(edited(grid, tiler={'strid': 2})) raises TilingError: 'stride'
        Grid.from_json(grid.to_json().replace('"image_size"', '"image_sizes"'))
            raises TilingError: 'image_size'
        Grid.from_json(edited(grid, spec_version='2.0')) raises TilingError: 2.0, 1.1
        Grid.from_json(edited(grid, spec_version='1.2')) raises TilingError: 1.2, 1.1
        Grid.from_json(edited(grid, spec_version='0.9')) raises TilingError: 0.9
        Grid.from_json(edited(grid, spec_version='1.10')) raises TilingError: 1.10
        Grid.from_json(edited(grid, spec_version='new')) raises TilingError: new
        Grid.from_json(edited(grid, spec_version=None)) raises TilingError: spec
        Grid.from_json(edited(grid, image_size=None)) raises TilingError: image_size
        Grid.from_json(edited(grid, tiler=None)) raises TilingError: tiler
        Grid.from_json(edited(grid, tiler={'mode': 'clam'})) raises TilingError: 'clamp'
        Grid.from_json(edited(grid, image_size=[8, 0])) raises TilingError: 0
        Grid.from_json(edited(grid, starts=[[9, 0]])) raises TilingError: 9
        Tiler.from_json('{"spec_version": "2.0"}') raises TilingError: 2.0
        Grid.from_json(5); Tiler.from_json(5) raises TypeError: int, str
    """,
    "tiling": """
        Tiler(4).tile(zeros(8)); Tiler(4).view(zeros(8)) raises TilingError: (8,), 2
        Tiler(4).tile(zeros(1, 1, 1, 8, 8)) raises TilingError: 2
        Tiler(4).tile(zeros(0, 8)); Tiler(4).tile(zeros(3, 8, 0));
            Tiler(4).tile(zeros(0, 3, 8, 8)); Tiler(4).tile(zeros(0, 8, 8))
            raises TilingError: 0
        Tiler(2).tile([[1, 2], [3, 4]]); Tiler(2).view([[1, 2], [3, 4]])
            raises TypeError: list
        Tiler(2).tile(None) raises TypeError: none
    """,
    "views": """
        Tiler(4).view(zeros(8, 9)); Tiler(4, mode='clamp').view(zeros(8, 9));
            Tiler(2, mode='even').view(zeros(8, 7));
            Tiler(4, mode='interpolation').view(zeros(8, 9)) raises TilingError: tile(
        Tiler(4, pad_side='both').view(zeros(7, 8)) raises TilingError
    """,
    "foreign": """
        Tiler(4).tile(zeros(8, 8), grid=Tiler(4, 2).grid((8, 8)));
            Tiler(4).untile(zeros(4, 4, 4), (8, 8),
            Tiler(4, window='hann').grid((8, 8)))
            raises TilingError: grid
        Tiler(4).tile(zeros(8, 8), grid=Tiler(4).grid((8, 9))) raises TilingError: 9, 8
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), Tiler(4).grid((8, 7)))
            raises TilingError: 7, 8
        Tiler(4).tile(zeros(8, 8), grid=5) raises TypeError: int
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), Tiler(4)) raises TypeError: grid
    """,
    "channels last": """
        Tiler(256).tile(zeros(512, 640, 3)); Tiler(256).view(zeros(512, 640, 3));
            Tiler(256).untile(zeros(6, 512, 256, 256), (512, 640, 3));
            Tiler(256).apply(lambda tiles: tiles, zeros(512, 640, 3))
            raises TilingError: channels_last=true
    """,
    "out": """
        Tiler(4).tile(zeros(8, 8), out=zeros(4, 4, 5))
            raises TilingError: out, (4, 4, 5), (4, 4, 4)
        Tiler(4).tile(zeros(8, 8), out=zeros(4, 4, 4, dtype='int8'))
            raises TilingError: out, int8, uint8
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(1, 8, 8))
            raises TilingError: out, (1, 8, 8), (8, 8)
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(8, 8, dtype='float32'))
            raises TilingError: out, float32, uint8
        Tiler(4).tile(zeros(8, 8), out=[]);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=[]) raises TypeError: out
    """,
    "apply": """
        Tiler(4).apply(lambda tiles: tiles[1:], zeros(8, 8)) raises TilingError: 4, 3
        Tiler(4).apply(lambda tiles: tiles, zeros(8, 8), batch_size=0)
            raises TilingError: batch_size, 0
        Tiler(4).apply(lambda tiles: tiles, zeros(8, 8), batch_size=2.0)
            raises TypeError: batch_size
    """,
    "merging": """
        Tiler(4).untile(zeros(3, 4, 4), (8, 8)) raises TilingError: 3, 4
        Tiler(4).untile(zeros(5, 4, 4), (8, 8)) raises TilingError: 5, 4
        Tiler(4).untile(zeros(8, 3, 4, 4), (3, 8, 8)) raises TilingError: 8, 4
        Tiler(4).untile(zeros(4, 3, 4, 4), (2, 3, 8, 8)) raises TilingError: 4, 8
        Tiler(4).untile(zeros(4, 4), (8, 8)) raises TilingError: (4, 4)
        Tiler(4, 2).untile(zeros(9, dtype='float32'), (8, 8));
            Tiler(4, 2).untile(zeros(9, 1, 1, dtype='float32'), (8, 8))
            raises TilingError: broadcast_to(scores[:, none, none], (9, 4, 4))
        Tiler(4, 2).untile(zeros(9, 5, dtype='float32'), (8, 8))
            raises TilingError: broadcast_to(scores[:, :, none, none], (9, 5, 4, 4))
        Tiler(4, 2, channels_last=True).untile(zeros(9, 5, dtype='float32'), (8, 8))
            raises TilingError: broadcast_to(scores[:, none, none, :], (9, 4, 4, 5))
        Tiler(4).untile(zeros(4, 1, 1, 4, 4), (8, 8)) raises TilingError: 4, 1
        Tiler(4).untile(zeros(4, 4, 4), (8,)) raises TilingError: 8
        Tiler(4).untile(zeros(4, 4, 4), (1,) * 5) raises TilingError: 1
        Tiler(4).untile(zeros(4, 4, 4), (8, 0));
            Tiler(4).untile(zeros(0, 4, 4), (0, 1, 8, 8));
            Tiler(4).untile(zeros(4, 0, 4, 4), (8, 8));
            Tiler(4).untile(zeros(4, 0, 0), (8, 8)) raises TilingError: 0
        Tiler(4, merge='mean').untile(zeros(4, 4, 4, dtype='bool'), (8, 8));
            Tiler(4, merge='mean').untile(zeros(4, 4, 4, dtype='bool'), (8, 8),
            dtype=dtype('float32'))
            raises TilingError: bool, mean, max
        Tiler(4, window='hann').untile(zeros(4, 4, 4, dtype='bool'), (8, 8))
            raises TilingError: bool, window
        Tiler(4, window='hann', merge='center') raises TilingError: center, window, vote
        Tiler(4, merge='max', nan='omit') raises TilingError: nan
        Tiler(4, nan='ignore') raises TilingError: nan, omit
        Tiler(4, nan='omit').untile(zeros(1, 4, 4, dtype='float32') * nan, (4, 4),
            dtype=dtype('uint8'))
            raises TilingError: nan, uint8
        Tiler(4, merge='vote').untile(zeros(4, 4, 4, dtype='float32'), (8, 8))
            raises TilingError: float32, argmax, mean
        Tiler(4, merge='vote').untile(zeros(4, 4, 4, dtype='int64'), (8, 8),
            dtype=dtype('uint8'))
            raises TilingError: uint8, int64, convert
        Tiler(4, merge='vote').untile(zeros(4, 4, 4, dtype='int32'), (8, 8),
            dtype=dtype('float32'))
            raises TilingError: float32, int32, convert
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), dtype=dtype('bool'))
            raises TilingError: bool, uint8
        Tiler(4, mode='drop').untile(zeros(1, 4, 4), (5, 5));
            Tiler(4, mode='drop').untile(zeros(2, 3, 4, 4), (2, 3, 5, 5))
            raises TilingError: 9 of, fill
        Tiler(4).untile(zeros(1, 4, 4), (6, 7), Tiler(4).scatter((6, 7), [(1, 1)]))
            raises TilingError: 26 of, fill
        Tiler([6], 4, mode='drop', remove_border_count=1).untile(zeros(2, 6), (13,))
            raises TilingError: 4 of, fill
        Tiler(2).untile([[[1, 2], [3, 4]]], (2, 2)) raises TypeError: list
        Tiler(4).untile(zeros(4, 4, 4), (8.0, 8)) raises TypeError
        Tiler(4).untile(zeros(4, 4, 4), 8) raises TypeError: 8
    """,
    "scaling": """
        Tiler(4, 3).untile(zeros(9, 2, 2), (10, 10)) raises TilingError: axis, 3, 1/2
        Tiler(4, (2, 3)).untile(zeros(12, 2, 2), (10, 10))
            raises TilingError: axis 1, 3, 1/2
        Tiler(4, pad_side='both').untile(zeros(9, 2, 2), (10, 10));
            Tiler(4, 2, remove_border_count=1).untile(zeros(16, 2, 2), (10, 10))
            raises TilingError: axis 0, 1, 1/2
        Tiler(4).untile(zeros(4, 2, 8), (8, 8)) raises TilingError: scale=, 1/2, 2
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=2) raises TilingError: scale, 8, 4
        (one := Tiler([4], 3, mode='interpolation', fill=0)).untile(zeros(1, 2), (5,),
            one.grid((5,)).select([0]))
            raises TilingError: resampled, 7, 1/2
        Tiler(4).untile(zeros(4, 3, 3), (8, 8), scale=Fraction(2, 3))
            raises TilingError: 2/3
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=0);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=-1);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=nan);
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=inf) raises TilingError
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=(1, 1, 1))
            raises TilingError: scale, 3, 2
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale='1');
            Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale=True) raises TypeError
        Tiler([2], window=((1, 2),)).untile(zeros(2, 4), (4,))
            raises TilingError: window, 4, 2
    """,
    "weights": """
        Tiler(4).untile(zeros(4, 3, 4, 4), (8, 8), weights=zeros(4, 3, 4, 4))
            raises TilingError: weights, (4, 3, 4, 4), (4, 4, 4)
        Tiler(4, merge='max').untile(zeros(4, 4, 4), (8, 8), weights=zeros(4, 4, 4))
            raises TilingError: weights=, max, vote
        Tiler(4).untile(zeros(4, 4, 4), (8, 8),
            weights=zeros(4, 4, 4, dtype='complex64'))
            raises TilingError: weights, complex64
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), weights=zeros(4, 4, 4, dtype='float64'))
            raises TilingError: weights, 64 pixels, fill
        Tiler(4, fill=0).untile(zeros(4, 4, 4), (8, 8),
            weights=zeros(4, 4, 4, dtype='int8') - 1)
            raises TilingError: weight of pixel (0, 0) of tile 0 is -1.0
        Tiler(4, fill=0).untile(zeros(4, 4, 4), (8, 8),
            weights=zeros(4, 4, 4, dtype='float32') + nan)
            raises TilingError: nan, weights must be 0
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), weights=[1, 2])
            raises TypeError: weights, list
    """,
    "finish": """
        Tiler(4).untile(zeros(4, 3, 4, 4), (8, 8), finish='argmax')
            raises TypeError: finish, str, lambda block
        Tiler(4).apply(lambda x: x, zeros(8, 8), finish=[3])
            raises TypeError: finish, int
        Tiler(4).apply(lambda x: x, zeros(8, 8), finish=[abs])
            raises TilingError: one array, finish is a list of 1
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), finish=repr)
            raises TypeError: must return, got str
        Tiler(4).untile(zeros(4, 3, 4, 4), (8, 8), finish=lambda b: b[:, :, 1:])
            raises TilingError: (3, 1, 8), (3, 1, 7), (c, *s), after the merge
        Tiler(4, channels_last=True).untile(zeros(4, 4, 4, 3), (8, 8), finish=lambda b:
            b[..., :0])
            raises TilingError: (1, 8, 0), (*s, c), at least one
        Tiler(4).untile(zeros(4, 3, 4, 4), (8, 8), finish=lambda b: b if b.shape[1] == 1
            else b[0])
            raises TilingError: uint8, no channels, uint8, 3 channels for one of zeros
        Tiler(4).untile(zeros(4, 4, 4), (8, 8), finish=lambda b: b if len(b) == 1 else b
            > 0)
            raises TilingError: bool, no channels, uint8, no channels for one of zeros,
            astype
        Tiler(4).untile(zeros(4, 3, 4, 4), (8, 8), out=zeros(3, 8, 8), finish=lambda b:
            b[0])
            raises TilingError: (3, 8, 8), (8, 8)
    """,
}

UNFIT = [
    *[(256, "uint8"), (-1, "uint8"), (0.5, "uint8"), (-0.0, "uint8"), (128, "int8")],
    *[(math.nan, "int16"), (math.inf, "int64"), (2**63, "int64"), (2, "bool")],
    *[(0.5, "bool"), (65520, "float16"), (35 * 10**37, "float32")],
    (10**400, "float64"),
]
"""Constants, and dtypes that do not hold them; none is used by the calls below."""


def refusals() -> Iterator[tuple[str, Call]]:
    """Yield each call, with the name of its table."""
    for name, table in TABLES.items():
        yield from ((name, call) for call in calls(table))
    for value, dtype in UNFIT:
        shown = repr(value)[:10]
        array = f"zeros(4, 4, 4, dtype={dtype!r})"
        for name, verb in (("pad_value", "tile({})"), ("fill", "untile({}, (8, 8))")):
            code = f"Tiler(4, {name}={value!r}).{verb.format(array)}"
            yield "values", Call(code, "", "TilingError", (name, shown, dtype))


def known(api: Api) -> dict[str, Any]:
    """Return what the calls may use."""
    return words(api) | {
        "grid": api.Tiler(4).grid((8, 8)),
        "marked": np.eye(8, dtype=bool),
    }
