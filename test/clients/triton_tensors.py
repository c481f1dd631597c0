"""What the tests of tritonclient's two clients share: they take the same inputs and outputs."""

import numpy as np
from tritonclient.http import InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype


def to_inputs(arrays: dict[str, np.ndarray], binary: bool = True) -> list[InferInput]:
    inputs = []
    for name, array in arrays.items():
        tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        inputs.append(tensor.set_data_from_numpy(array, binary_data=binary))
    return inputs


def to_outputs(*names: str, binary: bool = True, class_count: int = 0) -> list[InferRequestedOutput]:
    return [InferRequestedOutput(name, binary_data=binary, class_count=class_count) for name in names]
