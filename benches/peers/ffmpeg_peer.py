"""ffmpeg in a process of its own, and the detector only on regions that moved, as Frigate does it.

A re-telling of the method, not its code: a small grey picture is compared with a running mean; boxes
around what moved become square regions of at least the detector's size; the detector sees those, and the
regions around what it found before. What stays still is looked at again every now and then.
"""
import subprocess

import cv2
import imageio_ffmpeg
import numpy as np

from common import Detector, Ledger, Rules, arguments, nms

GREY_ROWS, THRESHOLD, LEAST_AREA, MEMORY = 100, 30, 10, 0.01
AGAIN_SECONDS = 10.0
WARM_PICTURES = 10


class Motion:
    """Boxes of what moved, in pixels of the picture."""

    def __init__(self, width, height):
        self.scale = height / GREY_ROWS
        self.size = (round(width / self.scale), GREY_ROWS)
        self.mean = None
        self.seen = 0

    def boxes(self, luma):
        small = cv2.resize(luma, self.size, interpolation=cv2.INTER_LINEAR)
        small = cv2.GaussianBlur(small, (3, 3), 1)
        if self.mean is None:
            self.mean = small.astype(np.float32)
        self.seen += 1
        difference = cv2.absdiff(small, cv2.convertScaleAbs(self.mean))
        # It learns fast at first.
        cv2.accumulateWeighted(small, self.mean, 0.2 if self.seen <= WARM_PICTURES else MEMORY)
        if self.seen <= WARM_PICTURES:
            return []
        moved = cv2.threshold(difference, THRESHOLD, 255, cv2.THRESH_BINARY)[1]
        moved = cv2.dilate(moved, None, iterations=1)
        outlines = cv2.findContours(moved, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
        if moved.mean() > 0.8 * 255:
            # The whole picture: a lamp or the camera's own shutter.
            self.mean = small.astype(np.float32)
            return []
        boxes = []
        for outline in outlines:
            if cv2.contourArea(outline) > LEAST_AREA:
                x, y, w, h = cv2.boundingRect(outline)
                boxes.append(np.array([x, y, x + w, y + h]) * self.scale)
        return boxes


def regions(boxes, width, height, side_least):
    """Squares around boxes that are near each other, each at least as large as the detector's input."""
    groups = []
    for box in boxes:
        for group in groups:
            merged = np.concatenate((np.minimum(group[:2], box[:2]), np.maximum(group[2:], box[2:])))
            if max(merged[2] - merged[0], merged[3] - merged[1]) <= side_least:
                group[:] = merged
                break
        else:
            groups.append(np.array(box, float))
    squares = []
    for group in groups:
        side = max(side_least, 1.35 * max(group[2] - group[0], group[3] - group[1]))
        side = int(min(side, height, width))
        centre = (group[:2] + group[2:]) / 2
        left = int(np.clip(centre[0] - side / 2, 0, width - side))
        top = int(np.clip(centre[1] - side / 2, 0, height - side))
        squares.append((left, top, side))
    return squares


args = arguments(__doc__)
detector = Detector(args.model, args.weights)


def near(boxes, moved):
    touch = lambda a, b: (np.minimum(a[2:], b[2:]) > np.maximum(a[:2], b[:2])).all()  # noqa: E731
    return [box for box in boxes if any(touch(box, other) for other in moved)]


def look(planes, squares, tracked, ledger):
    """What is in the squares now, and what was elsewhere before: it is still where it was."""
    picture = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    parts = []
    for left, top, side in squares:
        found = detector.look(picture[top : top + side, left : left + side])
        found[:, :4] += (left, top, left, top)
        parts.append(found)
        ledger.looks += 1
    inside = [any((box[:2] >= (l, t)).all() and (box[2:] <= (l + s, t + s)).all() for l, t, s in squares)
              for box in tracked[:, :4]]
    found = np.concatenate((*parts, tracked[~np.array(inside, bool)]))
    return found[nms(found)]


def play(path, ledger):
    rules, motion = Rules(args, args.rate or args.fps), Motion(args.width, args.height)
    rate = ["-vf", f"fps={args.rate}"] if args.rate else []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-threads", "1", "-i", path,
               *rate, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-threads", "1", "pipe:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    step = args.fps / args.rate if args.rate else 1.0
    tracked, again_at, number = np.empty((0, 5), np.float32), 0.0, 0
    while len(data := process.stdout.read(args.width * args.height * 3 // 2)) > 0:
        planes = np.frombuffer(data, np.uint8).reshape(args.height * 3 // 2, args.width)
        ledger.decoded += 1
        at = number * step / args.fps
        moved = motion.boxes(planes[: args.height])
        wanted = moved + near(tracked[:, :4], moved)
        if at >= again_at:
            again_at = at + AGAIN_SECONDS
            wanted += list(tracked[:, :4])
        squares = regions(wanted, args.width, args.height, max(detector.sides))
        if number == 0:
            # It scans the whole picture once when it begins.
            side = min(args.width, args.height)
            squares = [(left, 0, side) for left in {0, args.width - side}]
        if squares:
            tracked = look(planes, squares, tracked, ledger)
        rules.update(tracked)
        ledger.write(round(number * step), tracked)
        number += 1
    process.stdout.close()
    assert process.wait() == 0, "ffmpeg failed"


play(args.warm, Ledger.dry(args))
ledger = Ledger(args)
ledger.start()
play(args.clip, ledger)
ledger.close()
