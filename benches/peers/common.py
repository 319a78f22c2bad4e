"""What the peers share: the detector before and behind ONNX Runtime, the rules, the clock.

Written as somebody would who knows NumPy: nothing is computed twice, scores are filtered before boxes.
"""
import argparse
import json
import os
import resource
import sys
import time
import tomllib

import cv2
import numpy as np
import onnxruntime as ort


def arguments(what):
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("warm", help="a second of the clip: played first and not counted, so that all is loaded")
    parser.add_argument("clip")
    parser.add_argument("--model", required=True, help="a model folder")
    parser.add_argument("--weights", required=True, help="its ONNX file")
    parser.add_argument("--rate", type=float, default=0.0, help="pictures analysed a second; 0 is every one")
    parser.add_argument("--fps", type=float, required=True, help="the clip's own")
    parser.add_argument("--size", required=True, help="the clip's own, WIDTHxHEIGHT")
    parser.add_argument("--zone", required=True, help="corners as JSON, 0 to 1")
    parser.add_argument("--line", required=True, help="two ends as JSON, 0 to 1")
    parser.add_argument("--boxes", help="write what the detector finds here (MOTChallenge)")
    args = parser.parse_args()
    args.width, args.height = map(int, args.size.split("x"))
    cv2.setNumThreads(1)
    return args


class Rate:
    """Picks pictures at a rate on the same grid as Parapet does (src/fleet/sink.rs)."""

    def __init__(self, rate):
        self.interval = 1.0 / rate if rate else 0.0
        self.due = 0.0

    def wants(self, at):
        if at + 0.001 < self.due:
            return False
        self.due = at + self.interval if at - self.due > self.interval else self.due + self.interval
        return True


class Detector:
    """A model folder as Parapet reads it, for its YOLOX and YOLOv8 heads; boxes in the picture's pixels."""

    def __init__(self, folder, weights):
        with open(os.path.join(folder, "model.toml"), "rb") as file:
            manifest = tomllib.load(file)
        form = manifest["input"]
        assert form["layout"] == "nchw" and form["resize"] == "letterbox", f"{folder}: not made for this layout"
        assert set(form["mean"]) == {0} and set(form["std"]) == {1}, f"{folder}: not made for this normalisation"
        self.sides = (form["width"], form["height"])
        self.bgr, self.center = form["color"] == "bgr", form["placement"] == "center"
        self.pad, self.head = form["pad"], manifest["output"]["head"]
        self.score, self.nms_iou = manifest["score_threshold"], manifest["nms_iou"]
        self.person = manifest["labels"].index("person")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        if self.head == "yolox":
            self.grid, self.step = grid(self.sides, manifest["output"]["strides"])
        else:
            assert self.head == "yolov8", f"{folder}: not made for the head {self.head}"
        self.canvas = np.full((self.sides[1], self.sides[0], 3), self.pad, np.uint8)
        self.shape = None
        self.look(np.zeros((64, 64, 3), np.uint8))  # warm, as Parapet's is before it counts

    def tensor(self, bgr):
        height, width = bgr.shape[:2]
        scale = min(self.sides[0] / width, self.sides[1] / height)
        across, down = round(width * scale), round(height * scale)
        left, top = ((self.sides[0] - across) // 2, (self.sides[1] - down) // 2) if self.center else (0, 0)
        if self.shape != (down, across):
            self.canvas[:] = self.pad
            self.shape = (down, across)
        place = self.canvas[top : top + down, left : left + across]
        cv2.resize(bgr, (across, down), dst=place, interpolation=cv2.INTER_LINEAR)
        ordered = self.canvas if self.bgr else self.canvas[..., ::-1]
        chw = np.ascontiguousarray(ordered.transpose(2, 0, 1), dtype=np.float32)
        return chw[None], (left, top), (across / width, down / height)

    def look(self, bgr):
        """Persons as rows of x1, y1, x2, y2, score."""
        tensor, (left, top), scale = self.tensor(bgr)
        raw = self.session.run(None, {self.input: tensor})[0][0]
        scores, centre, half = getattr(self, self.head)(raw)
        corners = (np.concatenate((centre - half, centre + half), 1) - (left, top) * 2) / (scale * 2)
        found = np.column_stack((corners, scores)).astype(np.float32)
        return found[nms(found, self.nms_iou)]

    def yolox(self, raw):
        scores = raw[:, 4] * raw[:, 5 + self.person]
        keep = np.flatnonzero(scores >= self.score)
        # A cell belongs to its best class.
        keep = keep[raw[keep, 5:].argmax(1) == self.person]
        step = self.step[keep]
        return scores[keep], (raw[keep, :2] + self.grid[keep]) * step, np.exp(raw[keep, 2:4]) * step / 2

    def yolov8(self, raw):
        keep = np.flatnonzero(raw[4 + self.person] >= self.score)
        keep = keep[raw[4:, keep].argmax(0) == self.person]
        return raw[4 + self.person, keep], raw[:2, keep].T, raw[2:4, keep].T / 2


def grid(sides, strides):
    """Each cell's place, in cells, and the size of one."""
    grids, steps = [], []
    for stride in strides:
        x, y = np.meshgrid(np.arange(sides[0] // stride), np.arange(sides[1] // stride))
        grids.append(np.stack((x, y), -1).reshape(-1, 2))
        steps.append(np.full((x.size, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(steps).astype(np.float32)


def nms(found, most=0.5):
    order = np.argsort(-found[:, 4])
    areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(found[best, :2], found[order, :2])
        high = np.minimum(found[best, 2:4], found[order, 2:4])
        inner = np.clip(high - low, 0, None).prod(1)
        order = order[inner / (areas[best] + areas[order] - inner) <= most]
    return kept


class Rules:
    """supervision's ByteTrack, polygon zone and line zone."""

    def __init__(self, args, rate):
        import supervision as sv
        self.sv = sv
        self.tracker = sv.ByteTrack(frame_rate=max(1, round(rate)))
        sides = np.array([args.width, args.height])
        corners = (np.array(json.loads(args.zone)) * sides).astype(int)
        ends = np.array(json.loads(args.line)) * sides
        self.zone = sv.PolygonZone(corners)
        self.line = sv.LineZone(sv.Point(*ends[0]), sv.Point(*ends[1]))

    def update(self, found):
        detections = self.sv.Detections(
            xyxy=found[:, :4], confidence=found[:, 4], class_id=np.zeros(len(found), int)
        )
        tracked = self.tracker.update_with_detections(detections)
        self.zone.trigger(tracked)
        self.line.trigger(tracked)


class Ledger:
    """Counts, and the processor time since the model was ready: this process's and its children's."""

    def __init__(self, args):
        self.boxes = open(args.boxes, "w") if args.boxes else None
        self.args = args
        self.decoded = self.analysed = self.looks = self.found = 0
        self.extra = {}

    @staticmethod
    def dry(args):
        """One that counts for nobody."""
        return Ledger(argparse.Namespace(**{**vars(args), "boxes": None}))

    def start(self):
        self.wall = time.monotonic()
        self.begun = cpu()

    def write(self, number, found):
        self.analysed += 1
        self.found += len(found)
        if self.boxes:
            for x1, y1, x2, y2, score in clipped(found, self.args.width, self.args.height):
                self.boxes.write(
                    f"{number + 1},-1,{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4f},-1,-1,-1\n"
                )

    def close(self):
        used = cpu() - self.begun
        if self.boxes:
            self.boxes.close()
        json.dump({
            "decoded": self.decoded,
            "analysed": self.analysed,
            "inferences": self.looks or self.analysed,
            "found": self.found,
            "cpu_seconds": used,
            "wall_seconds": time.monotonic() - self.wall,
            **self.extra,
        }, sys.stdout)
        print()


def clipped(found, width, height):
    """Boxes cut to the picture, as Parapet's are."""
    found = found.copy()
    found[:, [0, 2]] = found[:, [0, 2]].clip(0, width)
    found[:, [1, 3]] = found[:, [1, 3]].clip(0, height)
    return found


def cpu():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def environment():
    """One thread for whatever asks the environment; to be called before the peers are started."""
    one = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {**os.environ, **{name: "1" for name in one}, "OPENCV_FFMPEG_CAPTURE_OPTIONS": "threads;1"}
