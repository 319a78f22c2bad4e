"""Between the weights that a run began with and those that it ended with (Wortsman et al., Robust fine-tuning, CVPR 2022).

What was trained on knows the training pictures better and the rest of the world a little worse; a point between the two
keeps both. The sums that batch normalisation keeps belong to neither, so they are taken anew from training pictures.
Which share of the new weights is the best is told by the validation pictures and coco128 (AP50), never by the test sets.
"""

import argparse
import pathlib

import numpy as np
import torch

import augment
import model
import train
from degrade import degrade

PICTURES = 960  # for the sums
BATCH = 16


def blended(begin, end, share, batches):
    """The network at `share` of the way from `begin` to `end` (state dicts)."""
    net = model.Person()
    net.load_state_dict({k: end[k].lerp(v, 1 - share) if v.is_floating_point() else v for k, v in begin.items()})
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean of all batches
    net.train()
    with torch.no_grad():
        for batch in batches:
            net(degrade(batch))
    return net.state_dict()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("begin", type=pathlib.Path, help="the checkpoint given to train.py --start")
    parser.add_argument("end", type=pathlib.Path, help="the checkpoint that it wrote")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--share", type=float, default=0.85, help="of the new weights")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder that pack.py wrote")
    args = parser.parse_args()
    torch.manual_seed(train.SEED)
    rng = np.random.default_rng(train.SEED)
    pictures = augment.Pictures(args.data, validation=False)
    samples = [augment.sample(rng, pictures, train.WEIGHTS, *train.WHOLE, 0.1)[0] for _ in range(PICTURES)]
    batches = torch.from_numpy(np.stack(samples)).split(BATCH)
    begin, end = (torch.load(path, map_location="cpu")["average"] for path in (args.begin, args.end))
    torch.save({"average": blended(begin, end, args.share, batches)}, args.out)


if __name__ == "__main__":
    main()
