"""Writes models/demo: a detector of the drawn clip's orange figures, all of its weights by hand.

    python3 models/tools/make_demo_model.py

The same onnx package gives the same bytes. models/demo/CARD.md says what it is and where it fails.
"""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH = 256, 416
# The clip is 1280x720, letterboxed to 416x234: one pixel of it is 0.325 here. Its figures are
# 97 to 125 pixels tall and 0.4 of that wide; all get the box of the middle one.
SCALE = 416 / 1280
FIGURE_H = 114 * SCALE
FIGURE_W = 0.4 * FIGURE_H
# The head is not orange, so the orange's centre lies below the figure's.
RISE = 0.053 * FIGURE_H
# The window that is as large as a figure's clothes, in pixels of half resolution.
WINDOW = (15, 7)
# A cell (4 pixels) must be the best of so many rows and columns.
RIVALS = (11, 5)


def build():
    """The graph."""
    weights, nodes = [], []

    def const(name, value):
        weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def scalar(name, value):
        return const(name, np.array(value, np.float32))

    zero, one = scalar("zero", 0.0), scalar("one", 1.0)
    # Orange has much red and little blue: 5 (R - B - 0.4), cut to 0..1. Skin, earth and brick give 0.
    kernel = const("orange_w", np.array([5, 0, -5], np.float32).reshape(1, 3, 1, 1))
    bias = const("orange_b", np.array([-2], np.float32))
    raw = op("Conv", ["images", kernel, bias], "orange_raw", kernel_shape=[1, 1])
    orange = op("Clip", [raw, zero, one], "orange_full")
    orange = op("AveragePool", [orange], "orange", kernel_shape=[2, 2], strides=[2, 2])

    # How much orange a figure-sized window holds, and where in it: two means, weighted by orange.
    xs = const("xs", (np.arange(WIDTH // 2, dtype=np.float32) * 2 + 1).reshape(1, 1, 1, -1))
    ys = const("ys", (np.arange(HEIGHT // 2, dtype=np.float32) * 2 + 1).reshape(1, 1, -1, 1))
    moments = op("Concat", [orange, op("Mul", [orange, xs], "orange_x"),
                            op("Mul", [orange, ys], "orange_y")], "moments", axis=1)
    rows, columns = WINDOW
    down = op("AveragePool", [moments], "pooled_rows", kernel_shape=[rows, 1], strides=[2, 1],
              pads=[rows // 2, 0, rows // 2, 0], count_include_pad=1)
    pooled = op("AveragePool", [down], "pooled", kernel_shape=[1, columns], strides=[1, 2],
                pads=[0, columns // 2, 0, columns // 2], count_include_pad=1)
    nodes.append(helper.make_node("Split", [pooled, const("parts", np.array([1, 1, 1], np.int64))],
                                  ["fill", "sum_x", "sum_y"], name="split", axis=1))
    some = op("Add", ["fill", scalar("tiny", 1e-6)], "fill_not_zero")
    center_x = op("Div", ["sum_x", some], "center_x")
    center_y = op("Sub", [op("Div", ["sum_y", some], "orange_center_y"),
                          scalar("rise", RISE)], "center_y")

    # Only local maxima have a score.
    rivals = op("MaxPool", ["fill"], "best_near", kernel_shape=list(RIVALS), strides=[1, 1],
                pads=[RIVALS[0] // 2, RIVALS[1] // 2] * 2)
    peak = op("Cast", [op("GreaterOrEqual", ["fill", rivals], "is_peak")], "peak",
              to=TensorProto.FLOAT)
    gained = op("Sub", [op("Mul", ["fill", scalar("gain", 2.3)], "gained"),
                        scalar("floor", 0.15)], "lifted")
    score = op("Mul", [op("Clip", [gained, zero, one], "sure"), peak], "score")

    nothing = op("Mul", ["fill", zero], "nothing")
    width = op("Add", [nothing, scalar("figure_w", FIGURE_W)], "box_w")
    height = op("Add", [nothing, scalar("figure_h", FIGURE_H)], "box_h")
    grid = op("Concat", [center_x, center_y, width, height, score], "grid", axis=1)
    op("Reshape", [grid, const("flat", np.array([0, 5, -1], np.int64))], "output0")

    cells = (HEIGHT // 4) * (WIDTH // 4)
    graph = helper.make_graph(
        nodes, "parapet-demo",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 5, cells])],
        weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                              producer_name="make_demo_model.py")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


MANIFEST = """\
# Written by models/tools/make_demo_model.py. Finds the demo clip's orange figures, NOT people.
name = "demo"
version = "1"
file = "model.onnx"
sha256 = "{sha256}"
licence = "Apache-2.0"
source = "models/tools/make_demo_model.py"
labels = ["person"]
keep = ["person"]
score_threshold = 0.1
nms_iou = 0.5

[input]
width = {width}
height = {height}
layout = "nchw"
color = "rgb"
mean = [0, 0, 0]
std = [255, 255, 255]
resize = "letterbox"
placement = "center"
pad = 0

[output]
head = "yolov8"
"""


def main():
    folder = Path(__file__).resolve().parent.parent / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    data = build()
    (folder / "model.onnx").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    text = MANIFEST.format(sha256=digest, width=WIDTH, height=HEIGHT)
    (folder / "model.toml").write_text(text)
    print(f"model.onnx: {len(data)} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
