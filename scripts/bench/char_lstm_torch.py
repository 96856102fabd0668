"""The LSTM of scripts/examples/char_lstm.lua in PyTorch: seconds a step, for scripts/bench/models.lua."""
import argparse

import torch
from torch import nn
from torch.nn import functional as F

from steps import time_steps

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=20)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(1)

V, H, LAYERS, T, B = 65, 128, 2, 50, 50


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.chars = nn.Embedding(V, H)
        self.lstm = nn.LSTM(H, H, num_layers=LAYERS, batch_first=True)
        self.head = nn.Linear(H, V)

    def forward(self, ids):
        return self.head(self.lstm(self.chars(ids))[0])


model = Writer()
opt = torch.optim.Adam(model.parameters(), lr=5e-3, foreach=True)
ids = torch.randint(0, V, (100000,))


def step():
    starts = torch.randint(0, len(ids) - T, (B, 1))
    rows = ids[starts + torch.arange(T + 1)]
    loss = F.cross_entropy(model(rows[:, :-1]).view(-1, V), rows[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    opt.step()


print("char_lstm\t%d\t%.4e" % (args.threads, time_steps(step, args.steps)))
