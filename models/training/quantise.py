"""Writes model-int8.onnx: static int8 (QDQ, per channel), calibrated on training pictures; decoding stays in float."""

import argparse
import json
import pathlib

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import augment
import model


class Reader(CalibrationDataReader):
    def __init__(self, folder, count=64):
        index = json.loads((folder / "index.json").read_text())
        pictures, rng = augment.Pictures(folder, index, validation=False), np.random.default_rng(7)
        weights = {kind: 1.0 for kind in pictures.by_kind}
        samples = (augment.sample(rng, pictures, weights, model.WIDTH, model.HEIGHT, mosaic=0)[0] for _ in range(count))
        self.rows = ({"images": sample[None].astype(np.float32)} for sample in samples)

    def get_next(self):
        return next(self.rows, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="with model.onnx")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder that pack.py wrote")
    args = parser.parse_args()
    ready = args.folder / "model-ready.onnx"
    quant_pre_process(str(args.folder / "model.onnx"), str(ready), skip_symbolic_shape=True)
    convolutions = [node.name for node in onnx.load(ready).graph.node if node.op_type == "Conv"]
    # The last layers' numbers (scores and log distances) are what int8 hurts most.
    last = [name for name in convolutions if "/score/" in name or "/sides/" in name]
    quantize_static(str(ready), str(args.folder / "model-int8.onnx"), Reader(args.data), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    op_types_to_quantize=["Conv"], nodes_to_exclude=last)
    ready.unlink()


if __name__ == "__main__":
    main()
