"""digits-cnn: handwritten digits of 8 x 8 pixels, by a convolutional network quantized to int8.

Data: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (1998), test part, UCI Machine
Learning Repository (CC BY 4.0), as scikit-learn ships it. The weights are trained here with PyTorch on
one thread; another kind of processor may round differently and give other, equally good, weights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx.helper import make_node
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from publish import (
    FIXTURE_ROWS,
    Fixture,
    Publication,
    build,
    finish,
    max_error,
    plain,
    publish,
    ranked,
    run,
    serialize,
    significant,
    tolerance_for,
)
from rendering import Card

NAME = "digits-cnn"
LABELS = [str(digit) for digit in range(10)]
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
MAX_PIXEL = 16
EPOCHS = 60
BATCH = 64


def main() -> None:
    digits = load_digits()
    images = digits.images.astype(np.float32)[:, None]
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=0.3, random_state=42, stratify=digits.target
    )
    fp32 = to_graph(train(x_train, y_train))
    int8 = quantize(fp32, x_train)

    full = run(fp32, {"image": x_test})["logits"]
    answered = run(int8, {"image": x_test})["logits"]
    # The same graph in floats shows how far another machine's integer kernels can be away.
    in_floats = run(int8, {"image": x_test}, optimize=False)["logits"]
    error = max_error(answered, in_floats)
    agreement = int(np.sum(answered.argmax(1) == full.argmax(1)))
    example = softmax(answered[0])
    example_error = max_error(softmax(answered), softmax(in_floats))

    description = "Reads a handwritten digit from 8 x 8 grey pixels by an int8 convolutional network."
    publish(
        Publication(
            name=NAME,
            description=description,
            task="image-classification",
            recipe="digits_cnn.py",
            model=int8,
            preprocess={"type": "array", "version": 1, "input": "image"},
            postprocess={
                "type": "classification",
                "version": 1,
                "scores": "logits",
                "activation": "softmax",
            },
            labels=LABELS,
            source="scikit-learn load_digits, from UCI Machine Learning Repository, Optical Recognition of Handwritten Digits (doi:10.24432/C50P49); trained by the recipe",
            license="CC-BY-4.0",
            metrics={
                "accuracy": significant(accuracy(answered, y_test)),
                "accuracyFp32": significant(accuracy(full, y_test)),
                "dataset": f"optical digits (Alpaydin and Kaynak 1998), {len(x_test)} of {len(images)} images held out",
                "samples": len(x_test),
                "labelAgreement": f"{agreement} of {len(x_test)} with the fp32 network",
                "maxAbsErrorFp32": significant(max_error(softmax(answered), softmax(full)), 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            example={
                "inputs": [[plain(v) for v in row] for row in x_test[0, 0]],
                "output": ranked(LABELS, example),
                "tolerance": tolerance_for(example_error),
                "engine": ENGINE,
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs={"image": x_test[:FIXTURE_ROWS]},
                outputs={"logits": answered[:FIXTURE_ROWS]},
                tolerance={"logits": tolerance_for(error)},
            ),
            descriptions={
                "image": "one channel of grey values from 0 (paper) to 16 (ink), rows from the top",
                "logits": "one score per digit, before softmax",
            },
            card=Card(
                title="Handwritten digits, convolutional network",
                summary=description,
                model=(
                    "Three 3 x 3 convolutions of 32, 64 and 64 channels with ReLU, one 2 x 2 max-pooling, a "
                    "dense layer of 128 and one of 10. Batch normalisation and the scaling of the pixels are "
                    "folded into the weights. Quantized statically (QDQ, int8 weights per channel, uint8 "
                    "activations), calibrated on the training images only."
                ),
                data=(
                    "1,797 digits written by 13 people, 8 x 8 pixels of 0 to 16: E. Alpaydin and C. Kaynak, "
                    "Optical Recognition of Handwritten Digits (1998), UCI Machine Learning Repository, as "
                    "shipped with scikit-learn. Held-out and training images are by the same writers."
                ),
                results=(
                    "`accuracy` is that of the shipped int8 file, `accuracyFp32` that of the network before "
                    "quantization, both by native ONNX Runtime; `maxAbsErrorFp32` is the largest difference of "
                    "a probability between them."
                ),
                limits=[
                    "An image has to be prepared as the data set was: centred, 8 x 8, ink bright. A photograph wants cropping and scaling first.",
                    "Anything that is not a digit gets a digit as its answer.",
                    "Integer kernels differ between machines: probabilities agree to the stated tolerance, not to the last bit.",
                ],
            ),
        )
    )


def train(images: np.ndarray, targets: np.ndarray) -> nn.Sequential:
    """Trains on images shifted by up to one pixel; fixed seed, one thread."""
    torch.manual_seed(42)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU()),
        nn.MaxPool2d(2),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.Flatten(), nn.Dropout(0.4)),
        *(nn.Linear(64 * 4 * 4, 128), nn.ReLU(), nn.Dropout(0.4)),
        nn.Linear(128, 10),
    )
    x = torch.from_numpy(images) / MAX_PIXEL
    y = torch.from_numpy(targets)
    steps = EPOCHS * -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss_of(network(shifted(x[batch])), y[batch]).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def shifted(images: torch.Tensor) -> torch.Tensor:
    """Each image moved by -1, 0 or 1 pixel each way, filled with paper."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(images), 2)).tolist()
    return torch.stack(
        [image[:, top : top + 8, left : left + 8] for image, (top, left) in zip(padded, offsets, strict=True)]
    )


def to_graph(network: nn.Sequential) -> onnx.ModelProto:
    """The trained network for pixels of 0 to 16, batch normalisation folded."""
    initializers: dict[str, np.ndarray] = {}
    convolutions = [m for m in network if isinstance(m, nn.Conv2d)]
    norms = [m for m in network if isinstance(m, nn.BatchNorm2d)]
    for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True), 1):
        weight, bias = fold(convolution, norm)
        # A sixteenth is a power of two, so scaling the weights instead of the pixels is exact.
        initializers[f"conv{i}_weight"] = weight / MAX_PIXEL if i == 1 else weight
        initializers[f"conv{i}_bias"] = bias
    for i, dense in enumerate([m for m in network if isinstance(m, nn.Linear)], 1):
        initializers[f"dense{i}_weight"] = dense.weight.detach().numpy()
        initializers[f"dense{i}_bias"] = dense.bias.detach().numpy()

    def convolve(i: int, source: str) -> list[onnx.NodeProto]:
        weights = [f"conv{i}_weight", f"conv{i}_bias"]
        return [
            make_node(
                "Conv",
                [source, *weights],
                [f"conv{i}_out"],
                name=f"conv{i}",
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
            ),
            make_node("Relu", [f"conv{i}_out"], [f"relu{i}_out"], name=f"relu{i}"),
        ]

    def dense(i: int, source: str, target: str) -> onnx.NodeProto:
        inputs = [source, f"dense{i}_weight", f"dense{i}_bias"]
        return make_node("Gemm", inputs, [target], name=f"dense{i}", transB=1)

    nodes = [
        *convolve(1, "image"),
        *convolve(2, "relu1_out"),
        make_node(
            "MaxPool",
            ["relu2_out"],
            ["pool_out"],
            name="pool",
            kernel_shape=[2, 2],
            strides=[2, 2],
        ),
        *convolve(3, "pool_out"),
        make_node("Flatten", ["relu3_out"], ["flat"], name="flatten"),
        dense(1, "flat", "dense1_out"),
        make_node("Relu", ["dense1_out"], ["relu4_out"], name="relu4"),
        dense(2, "relu4_out", "logits"),
    ]
    return build(NAME, nodes, {"image": [1, 8, 8]}, {"logits": [10]}, initializers)


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of one convolution that does both, computed in float64."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = convolution.weight.double() * scale[:, None, None, None]
    bias = (convolution.bias.double() - norm.running_mean.double()) * scale + norm.bias
    return weight.float().detach().numpy(), bias.float().detach().numpy()


class Images(CalibrationDataReader):
    """Feeds calibration images in batches."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches: Iterator[np.ndarray] = iter(np.array_split(images, 10))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"image": batch}


def quantize(model: onnx.ModelProto, images: np.ndarray) -> onnx.ModelProto:
    """Static int8; the logits stay float, because 256 steps are too few for probabilities."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        # By path, because a model given as an object comes back changed.
        source.write_bytes(serialize(model))
        quantize_static(
            source,
            target,
            Images(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
        return finish(onnx.load(target), NAME)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(scores.argmax(axis=1) == targets))


if __name__ == "__main__":
    main()
