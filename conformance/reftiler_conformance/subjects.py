"""The subjects that have a name: where their adapters are."""

_HERE = "reftiler_conformance.adapters"

BUILT_IN = {
    "numpy": f"{_HERE}.reference:Numpy",
    "torch": f"{_HERE}.reference:Torch",
    "torch.autograd": f"{_HERE}.reference:TorchAutograd",
    "reftiler.anomalib": f"{_HERE}.dropin:DropIn",
    "anomalib": f"{_HERE}.anomalib:Anomalib",
    "kornia": f"{_HERE}.kornia:Kornia",
    "tiler": f"{_HERE}.tiler:TheLayTiler",
    "patchify": f"{_HERE}.patchify:Patchify",
    "blended-tiling": f"{_HERE}.blended:BlendedTiling",
    "monai": f"{_HERE}.monai:Monai",
    "pytorch-toolbelt": f"{_HERE}.toolbelt:Toolbelt",
    "torchio": f"{_HERE}.torchio:TorchIO",
    "torch.fold": f"{_HERE}.fold:Fold",
    "scikit-image": f"{_HERE}.skimage:ViewAsWindows",
}
"""The name of each built-in subject, and its adapter as ``module:attribute``."""
