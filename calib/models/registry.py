"""Every camera model by the name that files use."""

from __future__ import annotations

from collections.abc import Sequence

from calib.models.kannala_brandt import KannalaBrandt
from calib.models.radial import FocalModel
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera
from calib.models.tangential import Mei, RadialTangential, TangentialModel

MODELS: dict[str, type[FocalModel | TangentialModel]] = {
    model.kind: model
    for model in (KannalaBrandt, UnifiedCamera, EnhancedUnifiedCamera, DoubleSphere, Mei, RadialTangential)
}
"""Models that are built from their parameter vector alone; the polynomial `Scaramuzza` is the other kind."""


def build_model(kind: str, params: Sequence[float]) -> FocalModel | TangentialModel:
    """The model of a kind in MODELS. Raises CalibrationError where the numbers do not describe a lens."""
    return MODELS[kind](params)
