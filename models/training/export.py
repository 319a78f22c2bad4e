"""Writes the model folder: model.onnx of a checkpoint's averaged weights, and its model.toml."""

import argparse
import hashlib
import math
import pathlib

import numpy as np
import onnx
import torch

import model
from detector import Detector, session
from evaluate import tallies, validation

MANIFEST = '''# Written by models/training/export.py. CARD.md says what it was trained on and how good it is.
name = "person"
version = "{version}"
file = "model.onnx"
sha256 = "{sha256}"
licence = "Apache-2.0"
source = "models/training"
labels = ["person"]
keep = ["person"]
score_threshold = {threshold}
nms_iou = 0.55

[input]
width = {width}
height = {height}
layout = "nchw"
color = "rgb"
mean = [0, 0, 0]
std = [1, 1, 1]
resize = "letterbox"
placement = "center"
pad = 114

[output]
head = "yolov8"
'''


def write(args, operating):
    """Writes the folder; the network's score `operating` becomes 0.5 (all scores are shifted, their order stays)."""
    net = model.Person()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    with torch.no_grad():
        for head in net.heads:
            head.score.bias -= math.log(operating / (1 - operating))
    exported = model.Exported(net).eval()
    args.folder.mkdir(parents=True, exist_ok=True)
    file = args.folder / "model.onnx"
    picture = torch.randint(0, 255, (1, 3, model.HEIGHT, model.WIDTH), generator=torch.Generator().manual_seed(1)).float()
    names = {"input_names": ["images"], "output_names": ["output0"]}
    batch = {"images": {0: "batch"}, "output0": {0: "batch"}}
    torch.onnx.export(exported, picture, str(file), opset_version=13, dynamic_axes=batch, dynamo=False, **names)
    onnx.checker.check_model(onnx.load(file))
    two = torch.cat([picture, picture.flip(-1)])
    with torch.no_grad():
        apart = np.abs(session(file).run(None, {"images": two.numpy()})[0] - exported(two).numpy()).max()
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, differs from PyTorch by at most {apart:.5f}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    values = {"sha256": digest, "threshold": args.threshold, "version": args.version, "width": model.WIDTH, "height": model.HEIGHT}
    (args.folder / "model.toml").write_text(MANIFEST.format(**values))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threshold", type=float, default=0.1, help="what model.toml says; the tracker uses weak ones too")
    parser.add_argument("--validation", type=pathlib.Path, help="pack.py's folder: 0.5 becomes the score of the best F1 there")
    parser.add_argument("--operating", type=float, default=0.5, help="instead: the network's score that is to become 0.5")
    parser.add_argument("--version", default="1")
    args = parser.parse_args()
    write(args, args.operating)
    if args.validation:
        best = tallies(Detector(args.folder), validation(args.validation))["all"].best()
        print(f"best F1 of the simulated validation scenes at a score of {best:.3f}")
        write(args, best)


if __name__ == "__main__":
    main()
