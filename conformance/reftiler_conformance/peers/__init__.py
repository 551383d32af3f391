"""Libraries that tile, one module each: what they can do, and how they are called.

The conformance kit judges them and the benchmark times them, through the same calls.
"""

BUILT_IN = {
    "numpy": f"{__name__}.reftiler_own:Numpy",
    "torch": f"{__name__}.reftiler_own:Torch",
    "torch.autograd": f"{__name__}.reftiler_own:TorchAutograd",
    "reftiler.anomalib": f"{__name__}.reftiler_anomalib:DropIn",
    "anomalib": f"{__name__}.anomalib:Anomalib",
    "kornia": f"{__name__}.kornia:Kornia",
    "tiler": f"{__name__}.tiler:TheLayTiler",
    "empatches": f"{__name__}.empatches:Empatches",
    "patchify": f"{__name__}.patchify:Patchify",
    "blended-tiling": f"{__name__}.blended:BlendedTiling",
    "monai": f"{__name__}.monai:Monai",
    "pytorch-toolbelt": f"{__name__}.toolbelt:Toolbelt",
    "torchio": f"{__name__}.torchio:TorchIO",
    "torch.fold": f"{__name__}.fold:Fold",
    "scikit-image": f"{__name__}.skimage:ViewAsWindows",
}
"""The name of each built-in subject, and its adapter as ``module:attribute``."""
