"""Plays the same clips through Parapet, its peers and the floor, in turns, and tells what each took.

Called by run.sh, which prepares the environment. Writes the table to standard output, all figures to --json.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

from common import environment

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ZONE = [[0.3, 0.4], [0.7, 0.4], [0.8, 0.95], [0.2, 0.95]]
LINE = [[0.1, 0.6], [0.9, 0.6]]
PEERS = {"opencv": "opencv_peer.py", "gstreamer": "gstreamer_peer.py", "ffmpeg+motion": "ffmpeg_peer.py"}
CONTESTANTS = ["floor", "parapet always", "parapet watch", *PEERS]
RATES = [5.0, 0.0]
# Detections below it are noise that nobody acts on.
COMPARED_SCORE = 0.3
CONFIG = """[site]
name = "peers"
[api]
plaintext = true
[node]
name = "bench"
state_dir = "{state}"
[inference]
workers = 1
threads_per_worker = 1
[models.detector]
folder = "{model}"
[defaults]
model = "detector"
[[camera]]
id = "clip"
file = "{clip}"
[[camera.zone]]
name = "middle"
points = {zone}
[[camera.line]]
name = "across"
points = {line}
[[camera.rule]]
name = "entered"
kind = "zone_intrusion"
zone = "middle"
dwell_seconds = 1
[[camera.rule]]
name = "crossed"
kind = "line_crossing"
line = "across"
"""


def call(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr or done.stdout}")
    return done.stdout


class Clip:
    def __init__(self, name, path):
        self.name, self.path = name, path
        import cv2

        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = capture.get(cv2.CAP_PROP_FPS)
        self.frames = 0
        while capture.grab():
            self.frames += 1
        if not self.frames:
            sys.exit(f"{path}: no pictures")
        self.seconds = self.frames / self.fps
        self.warm = path.with_name(f"{path.stem}.warm.mp4")
        call([FFMPEG, "-y", "-nostdin", "-loglevel", "error", "-i", path, "-t", "1", "-c", "copy", "-an", self.warm])


def clips(args):
    """The clips, cut to the same length for everybody: rewrapped, not encoded anew."""
    folder = args.work / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    ffmpeg = [FFMPEG, "-y", "-nostdin", "-loglevel", "error"]
    cut = ["-t", str(args.seconds), "-c", "copy", "-an"]
    data = Path(os.environ.get("PARAPET_DATA", ROOT.parent / "shared" / "data")) / "footage"
    recorded = {
        "pets 480x360": ([], data / "pets" / "vtest_480x360_795f.mp4"),
        # A raw stream without times: about 12 pictures a second.
        "perimeter 768x432": (["-framerate", "12"], data / "perimeter" / "people-detection.264"),
    }
    wanted = lambda name: not args.clip or any(word in name for word in args.clip)  # noqa: E731
    found = []
    for name, (rate, source) in recorded.items():
        if not wanted(name):
            continue
        if not source.is_file():
            print(f"left out: {name}, for there is no {source} (PARAPET_DATA)", file=sys.stderr)
            continue
        file = folder / f"{name.split()[0]}.mp4"
        call([*ffmpeg, *rate, "-i", source, *cut, file])
        found.append(Clip(name, file))
    for scene in filter(wanted, ["yard-1080p", "quiet-1080p"]):
        whole = args.work / "rendered" / f"{scene}.mp4"
        if not whole.is_file():
            print(f"rendering {scene} ...", file=sys.stderr)
            making = args.work / "making"
            call([args.parapet, "sim", "render", HERE / "scenes" / f"{scene}.toml", "--out", making])
            whole.parent.mkdir(exist_ok=True)
            (making / whole.name).rename(whole)
        file = folder / f"{scene}.mp4"
        # A quiet camera needs its time to fall asleep in, and it is cheap.
        length = cut if scene != "quiet-1080p" else cut[2:]
        call([*ffmpeg, "-i", whole, *length, file])
        found.append(Clip(scene, file))
    return found or sys.exit("no clip is left")


def parapet(args, clip, mode, rate, boxes=None):
    config = args.work / "parapet.toml"
    text = CONFIG.format(state=args.work / "state", model=args.model, clip=clip.path, zone=ZONE, line=LINE)
    config.write_text(text)
    cost = args.work / "cost.json"
    more = ["--write-detections", boxes.parent] if boxes else []
    call([args.parapet, "replay", clip.warm, clip.path, "--config", config, "--camera", "clip", "--mode", mode, "--quiet",
          "--fps", str(rate or 100), "--cost-json", cost, *more])
    report = json.loads(cost.read_text())
    told = report["clips"][1]
    if boxes:
        (boxes.parent / f"{clip.path.stem}.mot.txt").rename(boxes)
    # Its model is warm from the first clip; stages are those of both.
    return {**{key: told[key] for key in ("decoded", "analysed", "cpu_seconds", "wall_seconds", "wakes")},
            "inferences": told["analysed"], "stages": report["stage_seconds"]}


def peer(args, clip, script, rate, boxes=None):
    more = ["--boxes", boxes] if boxes else []
    out = call([sys.executable, HERE / script, clip.warm, clip.path, "--model", args.model, "--weights", args.weights,
                "--rate", str(rate), "--fps", str(clip.fps), "--size", f"{clip.width}x{clip.height}",
                "--zone", json.dumps(ZONE), "--line", json.dumps(LINE), *more])
    return json.loads(out)


def play(args, clip, who, rate, boxes=None):
    if who == "floor":
        return peer(args, clip, "floor.py", rate)
    if who.startswith("parapet"):
        return parapet(args, clip, who.split()[1], rate, boxes)
    return peer(args, clip, PEERS[who], rate, boxes)


def read_boxes(file):
    frames = {}
    for line in file.read_text().splitlines():
        number, _, left, top, width, height, score = map(float, line.split(",")[:7])
        if score >= COMPARED_SCORE:
            frames.setdefault(int(number), []).append((left, top, left + width, top + height))
    return frames


def iou(a, b):
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    return across * down / (area(a) + area(b) - across * down)


def agreement(ours, theirs, least):
    """Pairs of boxes, one to one, of all boxes of both sides: 1 where every box has its like."""
    pairs = total = 0
    for frame in ours.keys() | theirs.keys():
        mine, other = ours.get(frame, []), list(theirs.get(frame, []))
        total += len(mine) + len(other)
        ranked = sorted(((iou(a, b), i, j) for i, a in enumerate(mine) for j, b in enumerate(other)), reverse=True)
        used = (set(), set())
        for overlap, i, j in ranked:
            if overlap >= least and i not in used[0] and j not in used[1]:
                used[0].add(i), used[1].add(j)
                pairs += 1
    return 2 * pairs / total if total else None


def measure(args, clip, rate):
    """Everybody in turns, `repeats` times; who begins changes."""
    runs = {who: [] for who in CONTESTANTS}
    for repeat in range(args.repeats):
        shift = repeat % len(CONTESTANTS)
        for who in CONTESTANTS[shift:] + CONTESTANTS[:shift]:
            runs[who].append(play(args, clip, who, rate))
            print(f"  {who}: {runs[who][-1]['cpu_seconds']:.2f} s of CPU", file=sys.stderr)
    rows = {}
    for who, told in runs.items():
        each = [run["cpu_seconds"] / clip.frames * 1e3 for run in told]
        rows[who] = {
            "decoded": told[0]["decoded"], "inferences": told[0]["inferences"],
            "cpu_ms_per_frame": statistics.median(each), "least": min(each), "most": max(each),
            "cameras_per_core": 1e3 / clip.fps / statistics.median(each), "runs": told,
        }
    for row in rows.values():
        row["of_parapet_always"] = row["cpu_ms_per_frame"] / rows["parapet always"]["cpu_ms_per_frame"]
        row["floor_share"] = rows["floor"]["cpu_ms_per_frame"] / row["cpu_ms_per_frame"]
    # The machine is noisy: a turn's own floor is nearer to what that turn could have been.
    shares = [floor["cpu_seconds"] / whole["cpu_seconds"]
              for floor, whole in zip(runs["floor"], runs["parapet always"])]
    return {"rows": rows, "efficiency_by_turn": shares, "efficiency": statistics.median(shares)}


def same_boxes(args, clip):
    folder = args.work / "boxes"
    folder.mkdir(exist_ok=True)
    found = {}
    for who in CONTESTANTS:
        if who not in ("floor", "parapet watch"):
            file = folder / f"{clip.path.stem}-{who.replace(' ', '-').replace('+', '-')}.mot.txt"
            play(args, clip, who, 0.0, file)
            found[who] = read_boxes(file)
    ours = found.pop("parapet always")
    counted = {"parapet always": {"boxes": sum(map(len, ours.values()))}}
    for who, theirs in found.items():
        # A reader may leave out a stream's first picture: its numbers are one off then, which is said and set right.
        shifted = {by: {number + by: boxes for number, boxes in theirs.items()} for by in (0, -1, 1)}
        by = max(shifted, key=lambda by: agreement(ours, shifted[by], 0.9) or 0.0)
        counted[who] = {"boxes": sum(map(len, theirs.values())), "numbers_shifted_by": by,
                        "agree_at_0.9": agreement(ours, shifted[by], 0.9),
                        "agree_at_0.5": agreement(ours, shifted[by], 0.5)}
    return counted


def table(clip, rate, measured):
    what = f"{rate:g} analysed a second" if rate else "every picture analysed"
    print(f"\n{clip.name}: {clip.frames} pictures, {clip.fps:g} a second, {what}")
    print(f"{'':16}{'decoded':>8}{'inferred':>9}{'CPU ms/picture':>22}{'cameras/core':>14}{'x Parapet':>11}{'floor/it':>10}")
    for who, row in measured["rows"].items():
        spread = f"{row['cpu_ms_per_frame']:.2f} ({row['least']:.2f}-{row['most']:.2f})"
        print(f"{who:16}{row['decoded']:>8}{row['inferences']:>9}{spread:>22}{row['cameras_per_core']:>14.1f}"
              f"{row['of_parapet_always']:>11.2f}{row['floor_share']:>10.3f}")
    best = min(row["cpu_ms_per_frame"] for who, row in measured["rows"].items() if who in PEERS)
    rows = measured["rows"]
    print(f"efficiency (floor / Parapet always, median of the turns): {measured['efficiency']:.3f}; against the best "
          f"peer: always {best / rows['parapet always']['cpu_ms_per_frame']:.2f}x, "
          f"watch {best / rows['parapet watch']['cpu_ms_per_frame']:.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parapet", type=Path, default=ROOT / "target" / "release" / "parapet")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "peers")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each clip (the quiet one is played whole)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clip", action="append", help="only clips whose name has this in it; say it again for more")
    parser.add_argument("--rate", action="append", type=float,
                        help="pictures analysed a second, 0 for every one; say it again for more (5 and 0)")
    parser.add_argument("--json", type=Path, default=ROOT / "target" / "peers" / "peers.json")
    args = parser.parse_args()
    data = Path(os.environ.get("PARAPET_DATA", ROOT.parent / "shared" / "data")) / "models"
    args.model, args.weights = ROOT / "testdata/manifests/yolox_nano_416", data / "yolox_nano_416.onnx"
    if not args.weights.is_file():
        args.model = ROOT / "models/person"
        args.weights = args.model / "model.onnx"
    print(f"model {args.model.name}, one thread each, {args.repeats} turns; load {os.getloadavg()[0]:.1f} "
          f"on {os.cpu_count()} processors at the start")
    result = {"model": args.model.name, "load_at_start": os.getloadavg(), "clips": {}}
    for clip in clips(args):
        entry = {"frames": clip.frames, "fps": clip.fps, "size": [clip.width, clip.height], "rates": {}}
        for rate in args.rate or RATES:
            print(f"{clip.name}, rate {rate:g}", file=sys.stderr)
            measured = measure(args, clip, rate)
            table(clip, rate, measured)
            entry["rates"]["all" if not rate else f"{rate:g}"] = measured
        entry["detections"] = same_boxes(args, clip)
        for who, counted in entry["detections"].items():
            shares = [counted.get(key) for key in ("agree_at_0.9", "agree_at_0.5")]
            words = ", ".join("-" if s is None else f"{s * 100:.1f} %" for s in shares)
            more = "" if who == "parapet always" else f"; agree with Parapet's at IoU 0.9, 0.5: {words}"
            if counted.get("numbers_shifted_by"):
                more += f" (its pictures are numbered {-counted['numbers_shifted_by']:+d})"
            print(f"  boxes from score {COMPARED_SCORE} on: {who} {counted['boxes']}{more}")
        result["clips"][clip.name] = entry
        sys.stdout.flush()
    result["load_at_end"] = os.getloadavg()
    args.json.write_text(json.dumps(result, indent=1))
    print(f"\nload {os.getloadavg()[0]:.1f} at the end; everything in {args.json}")


main()
