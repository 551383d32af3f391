"""The subjects that have a name: where their adapters are."""

_HERE = "reftiler_conformance.peers"

BUILT_IN = {
    "numpy": f"{_HERE}.reftiler_own:Numpy",
    "torch": f"{_HERE}.reftiler_own:Torch",
    "torch.autograd": f"{_HERE}.reftiler_own:TorchAutograd",
    "reftiler.anomalib": f"{_HERE}.reftiler_anomalib:DropIn",
    "anomalib": f"{_HERE}.anomalib:Anomalib",
    "kornia": f"{_HERE}.kornia:Kornia",
    "tiler": f"{_HERE}.tiler:TheLayTiler",
    "empatches": f"{_HERE}.empatches:Empatches",
    "patchify": f"{_HERE}.patchify:Patchify",
    "blended-tiling": f"{_HERE}.blended:BlendedTiling",
    "monai": f"{_HERE}.monai:Monai",
    "pytorch-toolbelt": f"{_HERE}.toolbelt:Toolbelt",
    "torchio": f"{_HERE}.torchio:TorchIO",
    "torch.fold": f"{_HERE}.fold:Fold",
    "scikit-image": f"{_HERE}.skimage:ViewAsWindows",
}
"""The name of each built-in subject, and its adapter as ``module:attribute``."""
