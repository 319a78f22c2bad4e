"""Draws testdata/clips/demo.mp4, the scene that `parapet demo` watches: all of it our own.

    python3 testdata/tools/draw_demo.py            # needs numpy, cv2, gst-launch-1.0 with x264enc

The first and the last picture are the same empty yard, so the clip can be repeated. SCRIPT says who
walks where and when; boxes(t) says where each figure is, which check_demo.py compares with what the
demo model finds.
"""

import math
import subprocess
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, SECONDS = 1280, 720, 40
FPS_NUM, FPS_DEN = 25, 2
FRAMES = SECONDS * FPS_NUM // FPS_DEN
WALL_TOP, WALL_FOOT = 215, 395

# Colours are blue, green, red.
ORANGE, DARK_ORANGE = (25, 115, 245), (20, 95, 225)
SKIN, HAIR, SHOE = (140, 168, 205), (45, 50, 60), (45, 42, 40)

# Who: (second, x, y) of the feet, straight and at constant speed between.
SCRIPT = {
    # Crosses the perimeter line (y = 440) soon after 3 s and goes on along the wall.
    "crosser": [(0.3, -40, 530), (3.0, 250, 452), (4.5, 400, 412), (14.2, 1320, 412)],
    # In the forbidden zone from 7.9 s to 14.1 s.
    "intruder": [(6.9, 1320, 570), (9.4, 1070, 570), (12.6, 1070, 570), (15.1, 1320, 570)],
    # Four meet in the yard, stand, and part.
    "left-near": [(16.8, -40, 655), (21.2, 480, 640), (24.8, 480, 640), (29.0, -40, 655)],
    "left-far": [(16.2, -40, 545), (21.0, 560, 560), (24.8, 560, 560), (29.6, -40, 545)],
    "right-far": [(15.5, 1320, 475), (20.0, 820, 480), (21.8, 640, 560), (24.8, 640, 560),
                  (26.6, 820, 480), (31.1, 1320, 475)],
    "right-near": [(16.4, 1320, 675), (20.8, 820, 670), (21.8, 720, 640), (24.8, 720, 640),
                   (25.8, 820, 670), (30.2, 1320, 675)],
    # 2.3 of its own heights a second; those who walk make about 1.
    "runner": [(30.0, -50, 680), (35.0, 1330, 680)],
}


def height_at(y):
    """How tall a figure with its feet at this row is."""
    return 98 + 0.1 * (y - 412)


def place(path, t):
    """Feet and speed (pixels a second) at second t, or None while away."""
    for (t0, x0, y0), (t1, x1, y1) in zip(path, path[1:]):
        if t0 <= t < t1:
            part = (t - t0) / (t1 - t0)
            speed = math.hypot(x1 - x0, y1 - y0) / (t1 - t0)
            return x0 + (x1 - x0) * part, y0 + (y1 - y0) * part, speed, x1 - x0
    return None


def boxes(t):
    """For each figure present its name and left, top, right, bottom, not cut to the picture."""
    found = []
    for name, path in SCRIPT.items():
        at = place(path, t)
        if at:
            x, y, _, _ = at
            h = height_at(y)
            found.append((name, (x - 0.2 * h, y - h, x + 0.2 * h, y)))
    return found


def background():
    """Sky, wall and yard, without anybody."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row in range(HEIGHT):
        if row < WALL_TOP:
            part = row / WALL_TOP
            color = (225 - 10 * part, 190 + 20 * part, 160 + 40 * part)
        else:
            part = (row - WALL_FOOT) / (HEIGHT - WALL_FOOT)
            color = (128 - 18 * part, 148 - 18 * part, 158 - 18 * part)
        picture[row] = color
    cv2.ellipse(picture, (250, 90), (120, 18), 0, 0, 360, (232, 228, 224), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (900, 60), (160, 16), 0, 0, 360, (232, 228, 224), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (0, WALL_TOP), (WIDTH, WALL_FOOT), (142, 146, 148), -1)
    for n, row in enumerate(range(WALL_TOP + 36, WALL_FOOT, 36)):
        cv2.line(picture, (0, row), (WIDTH, row), (126, 130, 132), 2)
        for column in range(60 * (n % 2), WIDTH, 120):
            cv2.line(picture, (column, row - 36), (column, row), (130, 134, 136), 2)
    cv2.rectangle(picture, (0, WALL_TOP - 10), (WIDTH, WALL_TOP + 4), (112, 115, 118), -1)
    for post in range(20, WIDTH, 155):
        cv2.line(picture, (post, WALL_TOP - 10), (post, WALL_TOP - 52), (80, 82, 84), 4)
    for wire in (18, 32, 46):
        cv2.line(picture, (0, WALL_TOP - wire), (WIDTH, WALL_TOP - wire), (95, 97, 99), 1)
    cv2.line(picture, (0, WALL_FOOT), (WIDTH, WALL_FOOT), (90, 98, 104), 4)
    # What is marked on the ground: the perimeter line, the forbidden zone, the meeting place.
    cv2.line(picture, (150, 440), (1150, 440), (205, 208, 210), 3, cv2.LINE_AA)
    zone = np.array([[880, 510], [1190, 510], [1250, 640], [850, 640]], np.int32)
    cv2.polylines(picture, [zone], True, (120, 120, 178), 3, cv2.LINE_AA)
    yard = np.array([[410, 500], [770, 500], [810, 690], [370, 690]], np.int32)
    cv2.polylines(picture, [yard], True, (170, 160, 140), 2, cv2.LINE_AA)
    grain = np.random.default_rng(7).integers(-3, 4, (HEIGHT // 4, WIDTH // 4, 1))
    grain = grain.repeat(4, 0).repeat(4, 1)
    return np.clip(picture.astype(int) + grain, 0, 255).astype(np.uint8)


def draw(picture, t, x, y, speed, heading):
    """One figure; its step is as long as its speed asks for."""
    h = height_at(y)
    stride = min(0.13, 0.13 * speed / h) * h
    swing = math.sin(2 * math.pi * t * (1.0 + 0.5 * speed / h)) if speed > 1 else 0.35
    lean = 0.05 * h * max(0.0, speed / h - 1.3) * (1 if heading > 0 else -1)

    def dot(dx, up):
        # Coordinates with 4 binary places, so that slow walkers do not jump.
        return round((x + dx) * 16), round((y - up * h) * 16)

    def limb(start, end, width, color):
        cv2.line(picture, start, end, color, max(2, round(width * h)), cv2.LINE_AA, 4)

    cv2.ellipse(picture, (round(x), round(y)), (round(0.2 * h), round(0.035 * h)), 0, 0, 360,
                (95, 106, 112), -1, cv2.LINE_AA)
    hip, shoulder = dot(0, 0.46), dot(lean, 0.78)
    for side, color in ((-1, DARK_ORANGE), (1, ORANGE)):
        reach = side * swing * stride
        foot = dot(reach, 0.035)
        limb(dot(side * 0.03 * h, 0.46), foot, 0.11, color)
        limb(dot(reach - 0.01 * h, 0.02), dot(reach + math.copysign(0.05 * h, heading), 0.02),
             0.04, SHOE)
    limb(shoulder, dot(lean - swing * stride * 0.9 - 0.08 * h, 0.47), 0.08, DARK_ORANGE)
    limb(hip, shoulder, 0.21, ORANGE)
    limb(shoulder, dot(lean + swing * stride * 0.9 + 0.08 * h, 0.47), 0.08, ORANGE)
    cv2.circle(picture, dot(lean * 1.2, 0.915), round(0.08 * h * 16), SKIN, -1, cv2.LINE_AA, 4)
    cv2.ellipse(picture, dot(lean * 1.2, 0.935), (round(0.08 * h * 16), round(0.06 * h * 16)), 0,
                180, 360, HAIR, -1, cv2.LINE_AA, 4)


def frame(empty, n):
    """Picture n of the clip."""
    t = n * FPS_DEN / FPS_NUM
    picture = empty.copy()
    present = [at for path in SCRIPT.values() if (at := place(path, t))]
    for x, y, speed, heading in sorted(present, key=lambda at: at[1]):
        draw(picture, t, x, y, speed, heading or 1)
    return picture


def main():
    target = Path(__file__).resolve().parent.parent / "clips" / "demo.mp4"
    target.parent.mkdir(parents=True, exist_ok=True)
    pipeline = (
        f"fdsrc fd=0 blocksize={WIDTH * HEIGHT * 3} ! rawvideoparse format=bgr width={WIDTH} "
        f"height={HEIGHT} framerate={FPS_NUM}/{FPS_DEN} ! videoconvert ! "
        "video/x-raw,format=I420 ! x264enc pass=qual quantizer=25 key-int-max=25 bframes=0 "
        "threads=1 speed-preset=slow ! video/x-h264,profile=high ! h264parse ! "
        f"mp4mux faststart=true ! filesink location={target}")
    encoder = subprocess.Popen(["gst-launch-1.0", "-q", *pipeline.split()], stdin=subprocess.PIPE)
    empty = background()
    for n in range(FRAMES):
        encoder.stdin.write(frame(empty, n).tobytes())
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise SystemExit("gst-launch-1.0 failed")
    print(f"{target.name}: {FRAMES} pictures, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
