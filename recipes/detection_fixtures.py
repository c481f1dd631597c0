"""Objects that the packages of detectors make of outputs in their layouts: test/fixtures/detection/layouts.json.

The outputs are made up: boxes around a few places, in the order and the form that each model has. What is made of them is by
Ultralytics (YOLOv8, v10 and later, with masks, keypoints and rotated boxes), torchvision (YOLOv5's product of scores, SSD, FCOS),
transformers (DETR, RT-DETR) and cjm-yolox-pytorch (YOLOX).

Wants the Python registry, and torch, torchvision, transformers and ultralytics.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch
import torchvision
import transformers
import ultralytics
from PIL import Image, ImageOps
from torchvision.models.detection import _utils as coders
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import batched_nms, nms
from ultralytics.utils import ops
from ultralytics.utils.metrics import batch_probiou
from ultralytics.utils.nms import non_max_suppression

from packages import unpack_wheel

FOLDER = Path(__file__).resolve().parents[1] / "test" / "fixtures" / "detection"
YOLOX = "cjm-yolox-pytorch==0.2.0"
LABELS = ["cat", "dog", "bird"]
# Pixels of the model's input, and of the image, which is halved and has 16 rows above and below it.
FRAME, IMAGE = 64, (128, 64)
SCALE, PAD = 0.5, (0, 16)
BOXES = 84
THRESHOLD, IOU = 0.3, 0.45
random = np.random.default_rng(7)


def made_up(count: int = BOXES) -> tuple[np.ndarray, np.ndarray]:
    """Centres and sizes around six places, in pixels, and a score for each label."""
    place = np.arange(count) % 6
    centre = np.stack([12 + 20 * (place % 3), 24 + 16 * (place // 3)], 1) + random.normal(0, 1.5, (count, 2))
    size = 10 + 6 * random.random((count, 2))
    scores = random.random((count, len(LABELS))) ** 3
    return np.concatenate([centre, size], 1).astype(np.float32), scores.astype(np.float32)


def tensor(name: str, values: np.ndarray | torch.Tensor) -> dict:
    array = np.ascontiguousarray(values)
    kind = {"float32": "FP32", "int64": "INT64"}[str(array.dtype)]
    return {"name": name, "datatype": kind, "shape": list(array.shape), "data": encode(array.tobytes())}


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def to_image(boxes: torch.Tensor) -> torch.Tensor:
    """Corners in the model's input, moved and scaled back to the image by Ultralytics."""
    return ops.scale_boxes((FRAME, FRAME), boxes.clone(), (IMAGE[1], IMAGE[0]))


def objects(boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, **more: list) -> list[dict]:
    """Best first, as detectors return them, without boxes beside the image."""
    rows = []
    for at in np.argsort(-scores.numpy(), kind="stable"):
        left, top, right, bottom = boxes[at]
        if right <= left or bottom <= top:
            continue
        rows.append(
            {
                "label": LABELS[int(labels[at])],
                "score": float(scores[at]),
                "box": [float(value) for value in boxes[at]],
                **{name: values[at] for name, values in more.items()},
            }
        )
    return rows


def case(name: str, block: dict, outputs: list[dict], expected: list[dict], **more: object) -> dict:
    assert len(expected) >= 3, name
    return {"name": name, "block": block, "outputs": outputs, "expected": expected, **more}


def yolo_v8() -> list[dict]:
    boxes, scores = made_up()
    output = torch.from_numpy(np.concatenate([boxes, scores], 1).T[None].copy())
    block = {"boxes": "output0", "layout": "columns", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none"}
    cases = []
    ways = {
        "the best label of each box": ({}, {"labelsPerBox": "best"}),
        "all labels of each box": ({"multi_label": True}, {}),
        "across labels": ({"agnostic": True}, {"labelsPerBox": "best", "suppression": "across-labels"}),
    }
    for way, (options, fields) in ways.items():
        (found,) = non_max_suppression(output.clone(), THRESHOLD, IOU, max_det=100, **options)
        expected = objects(to_image(found[:, :4]), found[:, 4], found[:, 5])
        cases.append(case(f"YOLOv8 and YOLO11, {way}", {**block, **fields}, [tensor("output0", output)], expected))
    return cases


def yolo_v5() -> dict:
    boxes, scores = made_up()
    any_object = (0.4 + 0.6 * random.random((BOXES, 1))).astype(np.float32)
    output = np.concatenate([boxes, any_object, scores], 1)[None]
    product = torch.from_numpy(any_object * scores)
    best, label = product.max(1)
    keep = best > THRESHOLD
    corners = torchvision.ops.box_convert(torch.from_numpy(boxes), "cxcywh", "xyxy")[keep]
    best, label = best[keep], label[keep]
    kept = batched_nms(corners, best, label, IOU)
    block = {"boxes": "output0", "scoring": "objectness", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none", "labelsPerBox": "best"}
    return case("YOLOv5 and YOLOv7", block, [tensor("output0", output)], objects(to_image(corners[kept]), best[kept], label[kept]))


def yolo_x(folder: Path) -> dict:
    files = unpack_wheel(folder, YOLOX)
    sys.path.insert(0, str(files))
    # It downloads weights, which are not used.
    sys.modules["cjm_psl_utils"] = types.ModuleType("cjm_psl_utils")
    sys.modules["cjm_psl_utils.core"] = core = types.ModuleType("cjm_psl_utils.core")
    core.download_file = None
    from cjm_yolox_pytorch.inference import YOLOXInferenceWrapper
    from cjm_yolox_pytorch.utils import generate_output_grids

    grids = generate_output_grids(FRAME, FRAME)
    grids = grids if grids.dim() == 3 else grids[None]
    count = grids.shape[1]
    boxes, scores = made_up(count)
    stride = grids[0, :, 2:3].numpy()
    raw = np.concatenate([boxes[:, :2] / stride - grids[0, :, :2].numpy(), np.log(boxes[:, 2:] / stride)], 1)
    any_object = (0.4 + 0.6 * random.random((count, 1))).astype(np.float32)
    output = np.concatenate([raw, any_object, scores], 1).astype(np.float32)[None]
    made = YOLOXInferenceWrapper.calculate_boxes_and_probs(None, torch.from_numpy(output), grids)[0]
    keep = made[:, 5] > THRESHOLD
    made = made[keep]
    corners = torchvision.ops.box_convert(made[:, :4], "xywh", "xyxy")
    kept = nms(corners, made[:, 5], IOU)
    block = {
        "boxes": "output", "scoring": "objectness", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none",
        "labelsPerBox": "best", "suppression": "across-labels",
        "priors": {"maps": [{"stride": 8}, {"stride": 16}, {"stride": 32}], "offset": 0, "encoding": "log-size"},
    }
    # The image is in the top left corner.
    in_image = (corners[kept] / SCALE).clamp(min=0)
    in_image[:, 0::2].clamp_(max=IMAGE[0])
    in_image[:, 1::2].clamp_(max=IMAGE[1])
    return case("YOLOX, with grids and strides", block, [tensor("output", output)], objects(in_image, made[kept, 5], made[kept, 4]), pad=[0, 0])


def end_to_end() -> dict:
    boxes, scores = made_up(20)
    corners = torchvision.ops.box_convert(torch.from_numpy(boxes), "cxcywh", "xyxy")
    best, label = torch.from_numpy(scores).sort(1, descending=True)
    output = torch.cat([corners, best[:, :1], label[:, :1].float()], 1)
    output = output[output[:, 4].argsort(descending=True)][None]
    (found,) = non_max_suppression(output, THRESHOLD, IOU)
    block = {"boxes": "output0", "scoring": "class-index", "boxFormat": "xyxy", "coordinates": "pixels", "scoreActivation": "none", "suppression": "none"}
    return case("YOLOv10 and YOLO26, and exports with a suppression", block, [tensor("output0", output)], objects(to_image(found[:, :4]), found[:, 4], found[:, 5]))


def pose() -> dict:
    boxes, _ = made_up()
    scores = random.random((BOXES, 1)).astype(np.float32) ** 3
    names = ["nose", "left hand", "right hand"]
    places = np.repeat(boxes[:, None, :2], len(names), 1) + random.normal(0, 5, (BOXES, len(names), 2))
    visible = random.random((BOXES, len(names), 1))
    points = np.concatenate([places, visible], 2).astype(np.float32).reshape(BOXES, -1)
    output = torch.from_numpy(np.concatenate([boxes, scores, points], 1).T[None].copy())
    (found,) = non_max_suppression(output.clone(), THRESHOLD, IOU, nc=1)
    kept = ops.scale_coords((FRAME, FRAME), found[:, 6:].reshape(len(found), len(names), 3).clone(), (IMAGE[1], IMAGE[0]))
    block = {
        "boxes": "output0", "layout": "columns", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none", "labelsPerBox": "best",
        "keypoints": {"labels": names},
    }
    expected = objects(to_image(found[:, :4]), found[:, 4], found[:, 5], keypoints=kept.tolist())
    return case("YOLOv8 with keypoints", block, [tensor("output0", output)], expected, labels=LABELS[:1])


def rotated() -> dict:
    boxes, scores = made_up()
    boxes[:, 2] *= 2
    angle = random.uniform(-np.pi / 4, np.pi * 3 / 4, (BOXES, 1)).astype(np.float32)
    output = torch.from_numpy(np.concatenate([boxes, scores, angle], 1).T[None].copy())
    (candidates,) = non_max_suppression(output.clone(), THRESHOLD, 1, rotated=True, nc=len(LABELS))
    found = candidates[suppress_rotated(candidates, 0.2)]
    placed = torch.cat([found[:, :4], found[:, -1:]], 1)
    corners = ops.xywhr2xyxyxyxy(placed)
    corners = (corners - torch.tensor(PAD)) / SCALE
    around = torch.cat([corners.amin(1), corners.amax(1)], 1)
    around[:, 0::2].clamp_(0, IMAGE[0])
    around[:, 1::2].clamp_(0, IMAGE[1])
    block = {
        "boxes": "output0", "layout": "columns", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none", "labelsPerBox": "best",
        "rotated": True, "iouThreshold": 0.2,
    }
    expected = objects(around, found[:, 4], found[:, 5], polygon=corners.tolist())
    return case("YOLOv8 with rotated boxes", block, [tensor("output0", output)], expected)


def suppress_rotated(found: torch.Tensor, threshold: float) -> list[int]:
    """Rows that overlap no better one that is kept, of their label; Ultralytics also drops what overlaps a dropped one."""
    overlaps = batch_probiou(torch.cat([found[:, :4], found[:, -1:]], 1), torch.cat([found[:, :4], found[:, -1:]], 1))
    kept: list[int] = []
    for at in found[:, 4].argsort(descending=True).tolist():
        if all(found[other, 5] != found[at, 5] or overlaps[other, at] <= threshold for other in kept):
            kept.append(at)
    return kept


def instance_masks() -> dict:
    boxes, scores = made_up()
    scores **= 2
    planes = random.normal(0, 1, (1, 4, 5, 5))
    prototypes = torch.nn.functional.interpolate(torch.from_numpy(planes).float(), size=(16, 16), mode="bicubic")
    coefficients = random.normal(0, 1, (BOXES, 4)).astype(np.float32)
    output = torch.from_numpy(np.concatenate([boxes, scores, coefficients], 1).T[None].copy())
    (found,) = non_max_suppression(output.clone(), THRESHOLD, IOU, nc=len(LABELS))
    placed = to_image(found[:, :4])
    masks = ops.process_mask_native(prototypes[0], found[:, 6:], placed, (IMAGE[1], IMAGE[0]))
    assert 0.02 < float(masks.float().mean()) < 0.5
    block = {
        "boxes": "output0", "layout": "columns", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "none", "labelsPerBox": "best",
        "masks": {"prototypes": "output1"},
    }
    expected = objects(placed, found[:, 4], found[:, 5], mask=[to_png(mask) for mask in masks.numpy()])
    return case("YOLOv8 with prototypes of masks", block, [tensor("output0", output), tensor("output1", prototypes)], expected)


def to_png(mask: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray((mask > 0).astype(np.uint8) * 255).convert("1", dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return encode(buffer.getvalue())


def ssd() -> dict:
    generator = DefaultBoxGenerator([[2], [2, 3]], scales=[0.15, 0.3, 0.5], steps=[8, 16], clip=False)
    pictures = ImageList(torch.zeros(1, 3, FRAME, FRAME), [(FRAME, FRAME)])
    (anchors,) = generator(pictures, [torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 4)])
    boxes, _ = made_up(len(anchors))
    coder = coders.BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    deltas = coder.encode_single(torchvision.ops.box_convert(torch.from_numpy(boxes), "cxcywh", "xyxy"), anchors)
    logits = torch.from_numpy(random.normal(0, 1.6, (len(anchors), 4)).astype(np.float32)) + torch.tensor([2.0, 0, 0, 0])
    network = SSD(torch.nn.Identity(), generator, (FRAME, FRAME), 4, head=torch.nn.Identity(), score_thresh=THRESHOLD, nms_thresh=IOU, detections_per_img=100)
    (found,) = network.postprocess_detections({"bbox_regression": deltas[None], "cls_logits": logits[None]}, [anchors], [(FRAME, FRAME)])
    sizes = []
    for pairs in generator._wh_pairs:
        sizes.append([[float(side) * FRAME for side in pair] for pair in pairs])
    block = {
        "boxes": "boxes", "scores": "scores", "boxFormat": "cxcywh", "coordinates": "pixels", "scoreActivation": "softmax", "ignoreLabels": ["background"],
        "priors": {
            "maps": [{"stride": 8, "sizes": sizes[0]}, {"stride": 16, "sizes": sizes[1]}],
            "encoding": "log-size", "variances": [0.1, 0.2],
        },
    }
    outputs = [tensor("boxes", deltas[None]), tensor("scores", logits[None])]
    return case("SSD, with priors", block, outputs, objects(to_image(found["boxes"]), found["scores"], found["labels"] - 1), labels=["background", *LABELS])


def fcos() -> dict:
    points = [[(x + 0.5) * stride, (y + 0.5) * stride, stride] for stride in (8, 16) for y in range(FRAME // stride) for x in range(FRAME // stride)]
    points = torch.tensor(points, dtype=torch.float32)
    anchors = torch.cat([points[:, :2] - points[:, 2:] / 2, points[:, :2] + points[:, 2:] / 2], 1)
    distances = torch.from_numpy((0.3 + random.random((len(points), 4)) * 0.9).astype(np.float32))
    logits = torch.from_numpy(random.normal(-2, 1.8, (len(points), len(LABELS))).astype(np.float32))
    corners = coders.BoxLinearCoder(normalize_by_size=True).decode(distances, anchors)
    best, label = logits.sigmoid().max(1)
    keep = best > THRESHOLD
    kept = batched_nms(corners[keep], best[keep], label[keep], IOU)
    block = {
        "boxes": "boxes", "scores": "scores", "boxFormat": "xyxy", "coordinates": "pixels", "scoreActivation": "sigmoid", "labelsPerBox": "best",
        "priors": {"maps": [{"stride": 8}, {"stride": 16}], "encoding": "distances"},
    }
    outputs = [tensor("boxes", distances[None]), tensor("scores", logits[None])]
    return case("FCOS, with distances from points", block, outputs, objects(to_image(corners[keep][kept]), best[keep][kept], label[keep][kept]))


class Answer:
    """What the processors of transformers read."""

    def __init__(self, logits: torch.Tensor, boxes: torch.Tensor) -> None:
        self.logits, self.pred_boxes = logits, boxes


def transformer() -> list[dict]:
    from transformers import DetrImageProcessor, RTDetrImageProcessor

    boxes, _ = made_up(24)
    inside = torch.from_numpy(boxes / FRAME)[None]
    # The image is stretched to the model's input.
    size = torch.tensor([[IMAGE[1], IMAGE[0]]])
    block = {"boxes": "pred_boxes", "scores": "logits", "boxFormat": "cxcywh", "coordinates": "normalized", "suppression": "none"}
    logits = torch.from_numpy(random.normal(0, 2, (1, 24, 4)).astype(np.float32))
    (found,) = DetrImageProcessor().post_process_object_detection(Answer(logits, inside), threshold=THRESHOLD, target_sizes=size)
    detr = case(
        "DETR, with a class for no object",
        {**block, "scoreActivation": "softmax", "labelsPerBox": "best", "ignoreLabels": ["no object"]},
        [tensor("pred_boxes", inside), tensor("logits", logits)],
        objects(clip(found["boxes"]), found["scores"], found["labels"]),
        labels=[*LABELS, "no object"],
        stretched=True,
    )
    logits = torch.from_numpy(random.normal(-1, 1.5, (1, 24, 3)).astype(np.float32))
    (found,) = RTDetrImageProcessor().post_process_object_detection(Answer(logits, inside), threshold=THRESHOLD, target_sizes=size)
    rt_detr = case(
        "RT-DETR and D-FINE",
        {**block, "scoreActivation": "sigmoid", "maxDetections": 24},
        [tensor("pred_boxes", inside), tensor("logits", logits)],
        objects(clip(found["boxes"]), found["scores"], found["labels"]),
        stretched=True,
    )
    return [detr, rt_detr]


def clip(boxes: torch.Tensor) -> torch.Tensor:
    boxes = boxes.clone()
    boxes[:, 0::2].clamp_(0, IMAGE[0])
    boxes[:, 1::2].clamp_(0, IMAGE[1])
    return boxes


def listed() -> dict:
    """Without a batch, as torchvision's detectors return them, which have suppressed."""
    boxes, scores = made_up(12)
    corners = torchvision.ops.box_convert(torch.from_numpy(boxes), "cxcywh", "xyxy")
    best, label = torch.from_numpy(scores).max(1)
    kept = batched_nms(corners, best, label, IOU)
    corners, best, label = corners[kept], best[kept], label[kept]
    keep = best >= THRESHOLD
    block = {"boxes": "boxes", "scores": "scores", "classes": "labels", "scoring": "class-index", "boxFormat": "xyxy", "coordinates": "pixels", "scoreActivation": "none", "suppression": "none"}
    outputs = [tensor("boxes", corners), tensor("scores", best), tensor("labels", label)]
    return case("Faster R-CNN of torchvision, without a batch", block, outputs, objects(to_image(corners[keep]), best[keep], label[keep]))


def in_corner() -> dict:
    """A picture at the top left of its frame, by Pillow."""
    name, size, color = "rgb.png", (36, 28), (114, 100, 9)
    with Image.open(FOLDER.parent / "images" / name) as picture:
        fitted = ImageOps.pad(picture.convert("RGB"), size, Image.Resampling.BILINEAR, color=color, centering=(0, 0))
    return {"file": name, "width": size[0], "height": size[1], "background": list(color), "levels": encode(fitted.tobytes())}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cases = [*yolo_v8(), yolo_v5(), yolo_x(Path(folder)), end_to_end(), pose(), rotated(), instance_masks(), ssd(), fcos(), *transformer(), listed()]
    fixture = {
        "engines": [f"ultralytics {ultralytics.__version__}", f"torchvision {torchvision.__version__}", f"transformers {transformers.__version__}", YOLOX.replace("==", " ")],
        "frame": FRAME, "image": list(IMAGE), "scale": SCALE, "pad": list(PAD), "labels": LABELS,
        "scoreThreshold": THRESHOLD, "iouThreshold": IOU,
        "cases": cases,
        "inCorner": in_corner(),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "layouts.json").write_text(json.dumps(fixture) + "\n", encoding="utf-8")


main()
