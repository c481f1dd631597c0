"""What ``transformers``, SciPy and Pillow make of outputs of planes: masks, depths and pictures; writes a test fixture.

The outputs are smooth random fields, as those of networks are, rounded to float32. Wants torch, transformers, SciPy
and Pillow.
"""

from __future__ import annotations

import base64

import numpy as np
import torch
import transformers
from PIL import Image
from scipy import ndimage
from transformers import DPTImageProcessor, SegformerImageProcessor

from publish import ROOT
from rendering import to_json

PATH = ROOT / "test" / "fixtures" / "images" / "masks.json"
LABELS = 5
ROWS, COLUMNS = 9, 13
# Width and height of the image.
SIZE = (71, 52)
PHOTOGRAPH = ROOT / "test" / "fixtures" / "images" / "astronaut.png"


def main() -> None:
    generator = np.random.default_rng(18)
    logits = field(generator, LABELS, ROWS, COLUMNS)
    matte = field(generator, 1, ROWS, COLUMNS)[0]
    classes = generator.integers(0, LABELS, (ROWS, COLUMNS))
    depth = 10 + 3 * field(generator, 1, ROWS, COLUMNS)[0]
    colours = generator.uniform(-0.2, 1.2, (3, 6, 7)).astype(np.float32)
    fixture = {
        "engine": f"transformers {transformers.__version__}, PyTorch {torch.__version__.split('+')[0]}, SciPy and Pillow",
        "rows": ROWS,
        "columns": COLUMNS,
        "width": SIZE[0],
        "height": SIZE[1],
        "logits": numbers(logits),
        "labelMap": levels(semantic(logits)),
        "scores": [float(score) for score in mean_probabilities(logits)],
        "matte": numbers(matte),
        "levels": levels(np.rint(interpolate(sigmoid(matte), "bilinear").clip(0, 1) * 255)),
        "classes": classes.ravel().tolist(),
        "nearest": levels(nearest(classes)),
        "letterboxed": letterboxed(sigmoid(matte)),
        "cropped": cropped(logits),
        "depth": numbers(depth),
        "depthLevels": levels(depth_levels(depth)),
        "depthBounds": depth_bounds(depth),
        "colours": numbers(colours),
        "colourLevels": levels((colours.clip(0, 1) * 255).round().transpose(1, 2, 0)),
        "overlay": overlay(matte),
    }
    PATH.write_bytes(to_json(fixture))


def field(generator: np.random.Generator, planes: int, rows: int, columns: int) -> np.ndarray:
    """Values of neighbouring cells are alike."""
    noise = generator.normal(size=(planes, rows, columns))
    smooth = ndimage.gaussian_filter(noise, (0, 1.2, 1.2))
    return (smooth / smooth.std() * 2).astype(np.float32)


def semantic(logits: np.ndarray) -> np.ndarray:
    """``post_process_semantic_segmentation`` of transformers."""
    output = type("Output", (), {"logits": torch.tensor(logits)[None]})()
    (found,) = SegformerImageProcessor().post_process_semantic_segmentation(output, [SIZE[::-1]])
    return found.numpy()


def mean_probabilities(logits: np.ndarray) -> np.ndarray:
    """Of each label, over the cells where it is the highest: NaN does not occur with these fields."""
    probabilities = torch.softmax(torch.tensor(logits, dtype=torch.float64), 0).numpy()
    best = logits.argmax(0)
    return np.array([probabilities[label][best == label].mean() for label in range(LABELS)])


def interpolate(plane: np.ndarray, mode: str) -> np.ndarray:
    values = torch.tensor(plane, dtype=torch.float32)[None, None]
    found = torch.nn.functional.interpolate(values, SIZE[::-1], mode=mode, align_corners=False)
    return found[0, 0].numpy()


def nearest(classes: np.ndarray) -> np.ndarray:
    image = Image.fromarray(classes.astype(np.uint8))
    return np.asarray(image.resize(SIZE, Image.Resampling.NEAREST))


def at_pixels(plane: np.ndarray, width: int, height: int, frame: tuple[int, int], scale: float, offset: tuple[float, float]) -> np.ndarray:
    """Linear interpolation by SciPy, at the centres of pixels."""
    rows, columns = plane.shape
    y = ((np.arange(height) + 0.5) * scale + offset[1]) * rows / frame[1] - 0.5
    x = ((np.arange(width) + 0.5) * scale + offset[0]) * columns / frame[0] - 0.5
    places = np.meshgrid(y, x, indexing="ij")
    return ndimage.map_coordinates(plane.astype(np.float64), places, order=1, mode="nearest")


def letterboxed(matte: np.ndarray) -> dict[str, object]:
    """An image of 60 x 20 pixels in a frame of 30 x 30: half as large, with 10 rows above and below."""
    found = at_pixels(matte, 60, 20, (30, 30), 0.5, (0, 10))
    return {"width": 60, "height": 20, "levels": levels(np.rint(found * 255))}


def cropped(logits: np.ndarray) -> dict[str, object]:
    """Of an image of 60 x 20 pixels the 20 in the middle: the others, 255 here, were not seen."""
    scores = np.stack([at_pixels(plane, 60, 20, (20, 20), 1, (-20, 0)) for plane in logits])
    labels = scores.argmax(0)
    labels[:, :20] = labels[:, 40:] = 255
    return {"width": 60, "height": 20, "labelMap": levels(labels)}


def depth_levels(depth: np.ndarray) -> np.ndarray:
    """As transformers' pipeline ``depth-estimation`` makes its picture."""
    output = type("Output", (), {"predicted_depth": torch.tensor(depth)[None]})()
    (found,) = DPTImageProcessor().post_process_depth_estimation(output, [SIZE[::-1]])
    values = found["predicted_depth"].numpy()
    return ((values - values.min()) / (values.max() - values.min()) * 255).astype("uint8")


def depth_bounds(depth: np.ndarray) -> list[float]:
    values = interpolate(depth, "bicubic")
    return [float(values.min()), float(values.max())]


def overlay(matte: np.ndarray) -> dict[str, object]:
    """The photograph with a mask, half of whose colour is that of VOC's first label: 128, 0, 0."""
    photograph = Image.open(PHOTOGRAPH).convert("RGB")
    values = torch.nn.functional.interpolate(
        torch.tensor(sigmoid(matte), dtype=torch.float32)[None, None], photograph.size[::-1], mode="bilinear"
    )[0, 0]
    mask = np.rint(values.numpy() * 255).astype(np.uint8)
    red = Image.new("RGB", photograph.size, (128, 0, 0))
    half = Image.fromarray(np.rint(mask / 2).astype(np.uint8))
    drawn = Image.composite(red, photograph, half)
    # Every 7th pixel: the file stays small.
    return {"step": 7, "levels": levels(np.asarray(drawn).reshape(-1, 3)[::7])}


def sigmoid(values: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-values.astype(np.float64)))).astype(np.float32)


def numbers(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def levels(values: np.ndarray) -> str:
    return base64.b64encode(values.astype(np.uint8).tobytes()).decode()


if __name__ == "__main__":
    main()
