"""Writes random training scenes for `parapet sim render`.

Every scene is a place of its own: camera, ground, structures, weather, people and what is no person are drawn
from a seed of 1,000,000 and more. The scenes of testdata/scenes (seeds below 10,000, places and scripts written
by hand) are the held-out set and are never read here.
"""

import argparse
import math
import pathlib
import random

FIRST_SEED = 1_000_000
FURNISHED_FROM = 420  # from this number on, every scene is full of furniture: by night a bench looks like somebody who lies
EYE_LEVEL_FROM = 780  # from this number on, half are, and half are seen from a door's or a counter's height
FRAMES_A_SECOND, SECONDS = 1, 5
WIDTH, HEIGHT = 512, 288
SURFACES = ["grass", "asphalt", "concrete", "gravel", "earth"]
FLOORS = ["tiles", "concrete", "plaster"]
WALLS = ["concrete", "brick", "plaster", "steel"]
PRESETS = ["yard", "perimeter", "wall", "fence", "corridor", "workshop", "dayroom", "gate"]


class Camera:
    """Where it hangs and which spot of the ground a place of the picture shows (looks along +y, in metres)."""

    def __init__(self, rng, indoor, eye_level=False):
        self.height = rng.uniform(2.3, 4.2) if indoor else rng.choice([rng.uniform(2.2, 4), rng.uniform(4, 9)])
        self.tilt = rng.uniform(14, 40) if indoor else rng.uniform(5, 34)
        if rng.random() < 0.07:
            self.tilt = rng.uniform(45, 70)
        self.fov = rng.uniform(60, 100) if indoor else rng.uniform(32, 88)
        if eye_level:
            self.height, self.tilt, self.fov = rng.uniform(1.5, 2.3), rng.uniform(3, 14), rng.uniform(38, 85)
        self.focal = 0.5 / math.tan(math.radians(self.fov) / 2)  # in picture widths

    def spot(self, rng, smallest=0.022):
        """A random spot in view where a standing person is at least `smallest` picture widths high, or None."""
        for _ in range(40):
            across = rng.uniform(-0.52, 0.52)
            down = rng.uniform(-0.22, 0.32) * (9 / 16 * 2)
            angle = math.radians(self.tilt) + math.atan(down / self.focal)
            if angle < 0.02:
                continue
            far = self.height / math.tan(angle)
            distance = math.hypot(far, self.height)
            if far > 0.8 and 1.7 * self.focal / distance > smallest:
                side = across / self.focal * math.hypot(far, self.height) * math.cos(math.atan(down / self.focal))
                return [round(side, 2), round(far, 2)]
        return None


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def table(name, keys):
    return f"\n[{name}]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in keys.items())


def beside(rng, spot, metres):
    turn = rng.uniform(0, 2 * math.pi)
    return [round(spot[0] + metres * math.cos(turn), 2), round(spot[1] + metres * math.sin(turn), 2)]


def script(rng, spot):
    """Steps of one person; poses that public data sets lack come as often as walking."""
    way = [beside(rng, spot, rng.uniform(3, 14))]
    return rng.choices(
        [
            [{"walk": way, "speed": rng.uniform(0.6, 1.9)}],
            [{"run": way, "speed": rng.uniform(2, 5.5)}],
            [{"crawl": [beside(rng, spot, 6)], "speed": rng.uniform(0.3, 0.9)}],
            [{"roll": [beside(rng, spot, 6)], "speed": rng.uniform(0.4, 1.0)}],
            [{"lie": SECONDS, "side": rng.choice([0, 0.25, 0.5, 0.75])}],
            [{"stand": rng.uniform(0, 2)}, {"fall": rng.uniform(0.6, 2.5)}, {"lie": SECONDS}],
            [{"lie": rng.uniform(0, 2)}, {"rise": rng.uniform(1.5, 4)}, {"walk": way}],
            [{"sit": SECONDS}],
            [{"stand": SECONDS, "towards": way[0]}],
            [{"fight": SECONDS, "towards": way[0]}],
            [{"loiter": SECONDS, "radius": rng.uniform(0.6, 4)}],
            [{"climb": rng.uniform(1.5, 4), "speed": rng.uniform(0.3, 0.7), "hold": 3.0}],
        ],
        [22, 9, 9, 5, 6, 7, 3, 6, 8, 3, 4, 6],
    )[0]


def people(rng, camera):
    """Actors: alone, scattered, a pair that fights, or a crowd; sometimes nobody."""
    kind = rng.choices(["none", "few", "many", "fight", "crowd"], [12, 44, 18, 13, 13])[0]
    parts = []
    clothing = lambda: rng.choice(["inmate", "inmate", "officer", "civilian", "civilian"])

    def actor(spot, steps):
        if not spot:
            return
        keys = {"name": f"p{len(parts)}", "clothing": clothing(), "at": spot, "heading": rng.uniform(-180, 180)}
        parts.append(table("[actor]", keys | {"script": steps}))

    for _ in range({"none": 0, "few": rng.randint(1, 4), "many": rng.randint(5, 14)}.get(kind, rng.randint(0, 3))):
        if spot := camera.spot(rng):
            actor(spot, script(rng, spot))
    if kind == "fight" and (spot := camera.spot(rng, 0.05)):
        for _ in range(rng.choice([1, 1, 2])):
            other = beside(rng, spot, rng.uniform(0.6, 1.1))
            end = rng.choice([[{"fight": SECONDS, "towards": other}], [{"fight": 2, "towards": other}, {"fall": 1}, {"lie": SECONDS}]])
            actor(spot, end)
            actor(other, [{"fight": SECONDS, "towards": spot}])
            spot = beside(rng, spot, 1.6)
    if kind == "crowd" and (spot := camera.spot(rng)):
        half = rng.uniform(1.5, 5)
        area = [[round(spot[0] - half, 2), round(spot[1] - half, 2)], [round(spot[0] + half, 2), round(spot[1] + half, 2)]]
        steps = rng.choice([
            [{"stand": SECONDS}],
            [{"gather": spot, "radius": rng.uniform(1, 2.5)}],
            [{"walk": [beside(rng, spot, 10)], "speed": rng.uniform(0.8, 1.6)}],
            [{"loiter": SECONDS, "radius": 2.0}],
            [{"stand": 1}, {"disperse": 8.0, "speed": rng.uniform(1.2, 4)}],
        ])
        keys = {"name": "crowd", "clothing": clothing(), "count": rng.randint(4, 14), "area": area}
        parts.append(table("[crowd]", keys | {"spacing": rng.uniform(0.6, 1.2), "script": steps}))
    return parts


def furniture(rng, camera, indoor):
    """What is low and wide or thin and upright, at all distances."""
    parts = []
    for _ in range(rng.randint(5, 14)):
        kind = rng.choice(["bench", "bench", "bench", "table"] if indoor else
                          ["bench", "bench", "bench", "table", "table", "hoop", "lamp_post", "bush", "car"])
        spot = camera.spot(rng, 0.015)
        if not spot or math.hypot(*spot) < (7 if kind == "bush" else 2.5):
            continue
        if kind in ("bush", "lamp_post"):
            keys = {"height": rng.uniform(0.4, 1.6) if kind == "bush" else rng.uniform(2, 6)}
        else:
            keys = {"heading": rng.uniform(-180, 180)}
        parts.append(table("[structure]", {"kind": kind, "at": spot} | keys))
    return parts


def structures(rng, camera, indoor):
    parts = []
    add = lambda keys: parts.append(table("[structure]", keys))
    if indoor:
        left, right, deep = rng.uniform(1.5, 9), rng.uniform(1.5, 9), rng.uniform(8, 26)
        near, high = -1.0, camera.height + rng.uniform(0.2, 1.5)
        path = [[-left, near], [-left, deep], [right, deep], [right, near], [-left, near]]
        add({"kind": "wall", "path": path, "height": high, "surface": rng.choice(WALLS)})
        add({"kind": "ceiling", "corners": [[-left, near], [right, deep]], "height": high})
    elif rng.random() < 0.75:
        far, turn = rng.uniform(9, 45), rng.uniform(-9, 9)
        kind = rng.choice(["wall", "fence"])
        keys = {"kind": kind, "path": [[-60, far - turn], [60, far + turn]], "height": rng.uniform(2.5, 6)}
        keys |= {"razor_wire": rng.random() < 0.5}
        add(keys | ({"surface": rng.choice(WALLS)} if kind == "wall" else {}))
    for _ in range(rng.randint(0, 6)):
        kind = rng.choice(["bench", "table"] if indoor else
                          ["bench", "table", "tree", "bush", "bush", "car", "car", "lamp_post", "hoop", "building", "fence"])
        spot = camera.spot(rng, 0.01)
        if not spot or math.hypot(*spot) < (7 if kind in ("bush", "tree") else 2.5):
            continue
        if kind == "fence":
            add({"kind": kind, "path": [spot, beside(rng, spot, rng.uniform(3, 20))], "height": rng.uniform(1, 4)})
        elif kind == "building":
            far = [spot[0], round(spot[1] + 8, 2)]
            sizes = {"width": rng.uniform(3, 20), "depth": rng.uniform(3, 9), "height": rng.uniform(2.5, 9)}
            add({"kind": kind, "at": far, "heading": rng.uniform(-30, 30), "surface": rng.choice(WALLS)} | sizes)
        elif kind in ("tree", "bush", "lamp_post"):
            high = {"tree": (3, 12), "bush": (0.5, 2.5), "lamp_post": (3, 9)}[kind]
            add({"kind": kind, "at": spot, "height": rng.uniform(*high)})
        else:
            add({"kind": kind, "at": spot, "heading": rng.uniform(-180, 180)})
    return parts


def distractors(rng, camera, likely):
    parts = []
    if rng.random() > likely:
        return parts
    for _ in range(rng.randint(1, 5)):
        kind = rng.choice(["bird", "cat", "bag", "headlights", "shadow", "insect"])
        if kind == "insect":
            path = [[rng.random(), rng.random()] for _ in range(3)]
            parts.append(table("[distractor]", {"kind": kind, "path": path, "size": rng.uniform(0.01, 0.15)}))
        elif (a := camera.spot(rng)) and (b := camera.spot(rng)) and a != b:
            keys = {"kind": kind, "path": [a, b]}
            if kind == "bird":
                keys["height"] = rng.choice([0, rng.uniform(0.5, 6)])
            if kind == "shadow":
                keys["radius"] = rng.uniform(0.5, 8)
            parts.append(table("[distractor]", keys))
    return parts


def conditions(rng, indoor, furnished):
    light = "indoor" if indoor else rng.choices(["day", "dusk", "night_infrared"], [3, 2, 6] if furnished else [5, 2, 3.5])[0]
    if indoor and rng.random() < 0.2:
        light = "night_infrared"
    keys = {"light": light}
    if light == "day":
        keys["sun"] = [rng.uniform(0, 360), rng.uniform(12, 75)]
    if not indoor:
        keys["wind"] = rng.choice([0.0, rng.random()])
        weather = rng.choices(["dry", "rain", "snow", "fog"], [60, 15, 10, 15])[0]
        keys |= {"rain": {"rain": rng.uniform(0.2, 1)}, "snow": {"snow": rng.uniform(0.2, 1)},
                 "fog": {"visibility": rng.uniform(15, 90)}}.get(weather, {})
    return table("conditions", keys)


def scene(seed):
    """The text of one scene."""
    rng = random.Random(seed)
    indoor = rng.random() < 0.3
    number = seed - FIRST_SEED
    furnished, eye_level = number >= FURNISHED_FROM, False
    if number >= EYE_LEVEL_FROM:
        furnished, eye_level = rng.random() < 0.5, rng.random() < 0.5
    camera = Camera(rng, indoor, eye_level)
    head = {
        "seed": seed, "seconds": SECONDS, "fps": FRAMES_A_SECOND, "size": [WIDTH, HEIGHT],
        "place": rng.choice(PRESETS), "bare": True, "ground": rng.choice(FLOORS if indoor else SURFACES),
    }
    lens = {"at": [0, 0], "height": camera.height, "pan": 90, "tilt": camera.tilt, "field_of_view": camera.fov}
    parts = ["".join(f"{k} = {toml(v)}\n" for k, v in head.items())]
    parts += [table("encode", {"bitrate_kbps": int(2 ** rng.uniform(6, 10))}), table("camera", lens)]
    parts.append(conditions(rng, indoor, furnished))
    if not indoor and rng.random() < 0.7:
        for _ in range(rng.randint(1, 3)):
            x, y = rng.uniform(-12, 6), rng.uniform(0, 20)
            w, h = rng.uniform(2, 24), rng.uniform(2, 24)
            corners = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]
            parts.append(table("[patch]", {"surface": rng.choice(SURFACES), "corners": corners}))
    parts += structures(rng, camera, indoor)
    if furnished:
        parts += furniture(rng, camera, indoor)
    cast = people(rng, camera)
    parts += cast + distractors(rng, camera, 0.35 if cast else 0.9)
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--first", type=int, default=0, help="number of the first scene")
    args = parser.parse_args()
    if "testdata" in args.folder.resolve().parts:
        raise SystemExit("testdata is the held-out set: write training scenes elsewhere")
    args.folder.mkdir(parents=True, exist_ok=True)
    for number in range(args.first, args.first + args.count):
        (args.folder / f"train-{number:05}.toml").write_text(scene(FIRST_SEED + number))


if __name__ == "__main__":
    main()
