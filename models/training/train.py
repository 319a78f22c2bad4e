"""Trains the person detector from random weights.

The first steps see small windows around people (a seventh of the pixels of a picture for most of what it
teaches), later ones larger windows, the last ones whole inputs. The learning rate follows the share that is done of the
steps or of the time, whichever is further, so that a run ends well on any machine. An averaged copy (EMA) is kept and is
what is exported; it is written every few minutes, so that a run can be stopped at any time and a stopped run goes on
(--resume). A run that is done can be trained on (--start), with a schedule of its own that leaves the smallest windows out.
"""

import argparse
import copy
import json
import math
import os
import pathlib
import time

import cv2
import numpy as np
import torch

import augment
import model
from loss import loss
from degrade import degrade

SEED = 20_26
# Share of samples by source.
WEIGHTS = {"simulated": 0.38, "simulated empty": 0.09, "fights": 0.28, "fights empty": 0.02, "perimeter": 0.09,
           "perimeter empty": 0.03, "intel": 0.09, "intel empty": 0.02}
WHOLE = (model.WIDTH, model.HEIGHT)
# Until which share of the run samples have which size (multiples of 32), and how many are mosaics.
STAGES = [(0.35, (192, 128), 0.2), (0.65, (288, 160), 0.2), (0.9, WHOLE, 0.2), (1.0, WHOLE, 0.0)]
FURTHER = [(0.15, (288, 160), 0.2), (0.85, WHOLE, 0.2), (1.0, WHOLE, 0.0)]


class Samples(torch.utils.data.IterableDataset):
    """Endless samples; each worker and each start has a seed of its own."""

    def __init__(self, pictures, size, mosaic, seed):
        self.pictures, self.size, self.mosaic, self.seed = pictures, size, mosaic, seed

    def __iter__(self):
        cv2.setNumThreads(1)
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([SEED, self.seed, info.id if info else 0])
        while True:
            yield augment.sample(rng, self.pictures, WEIGHTS, *self.size, self.mosaic)


def loader(samples, batch, workers):
    ahead = {"prefetch_factor": 4} if workers else {}
    return iter(torch.utils.data.DataLoader(samples, batch, num_workers=workers, pin_memory=torch.cuda.is_available(), **ahead))


def save(path, **state):
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder that pack.py wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="end after so long")
    parser.add_argument("--batch", type=int, help="default 16, on a GPU 256")
    parser.add_argument("--rate", type=float, help="highest learning rate; default 0.002 at 16, growing with the batch's fourth root")
    parser.add_argument("--workers", type=int, help="processes that draw samples; default 1, on a GPU one a processor core less one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=pathlib.Path, help="begin from the averaged weights of this checkpoint")
    args = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    batch = args.batch or (256 if on_gpu else 16)
    workers = args.workers if args.workers is not None else (max(1, os.cpu_count() - 1) if on_gpu else 1)
    highest = args.rate or 2e-3 * (batch / 16) ** 0.25
    args.out.mkdir(parents=True, exist_ok=True)

    pictures = augment.Pictures(args.data, validation=False)
    net = model.Person().to(device, memory_format=torch.channels_last)
    if args.start:
        net.load_state_dict(torch.load(args.start, map_location=device)["average"])
    stages = FURTHER if args.start else STAGES
    average = copy.deepcopy(net).eval()
    heavy = [p for p in net.parameters() if p.ndim > 1]
    other = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": heavy, "weight_decay": 0.03}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=highest, betas=(0.9, 0.99))
    step, spent, stage = 0, 0.0, None
    checkpoint = args.out / "checkpoint.pt"
    if args.resume and checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]

    begin, saved, shown = time.monotonic() - spent, time.monotonic(), time.monotonic()
    sums, count = torch.zeros(2, device=device), 0
    means, nows = ([value.detach() for value in m.state_dict().values() if value.is_floating_point()] for m in (average, net))
    while (done := max(step / args.steps, (time.monotonic() - begin) / 60 / args.minutes)) < 1:
        wanted = next(wanted for until, *wanted in stages if done < until)
        if stage != wanted:
            size, mosaic = stage = wanted
            batches = loader(Samples(pictures, size, mosaic, step), batch, workers)
            points, steps = model.cells(*size, device)
        rate = highest * min(1, (step + 1) / 300) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        images, labels = next(batches)
        images = degrade(images.to(device, non_blocking=True)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=on_gpu):
            raw = net(images)
        score_loss, box_loss = loss(raw, labels.to(device), points, steps)
        optimiser.zero_grad(set_to_none=True)
        (score_loss + box_loss).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimiser.step()
        step += 1
        keep = min(0.998, (1 + step) / (20 + step))
        torch._foreach_lerp_(means, nows, 1 - keep)
        sums += torch.stack([score_loss, box_loss]).detach()
        count += 1
        now = time.monotonic()
        if now - shown > 30:
            line = {"minutes": round((now - begin) / 60, 1), "step": step, "size": size, "rate": round(rate, 6),
                    "score_loss": round(sums[0].item() / count, 4), "box_loss": round(sums[1].item() / count, 4),
                    "pictures_a_second": round(count * batch / (now - shown), 1)}
            print(json.dumps(line), flush=True)
            with open(args.out / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            sums, count, shown = torch.zeros_like(sums), 0, now
        if now - saved > 120:
            saved = now
            save(checkpoint, net=net.state_dict(), average=average.state_dict(), optimiser=optimiser.state_dict(), step=step, spent=now - begin)
    save(checkpoint, net=net.state_dict(), average=average.state_dict(), optimiser=optimiser.state_dict(), step=step, spent=time.monotonic() - begin)


if __name__ == "__main__":
    main()
