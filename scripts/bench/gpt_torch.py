"""The GPT of scripts/examples/gpt.lua in PyTorch: seconds a step, for scripts/bench/models.lua."""
import argparse
import math

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

V, C, HEADS, LAYERS, T, B = 65, 128, 4, 4, 64, 12


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.register_buffer("hidden", torch.ones(T, T, dtype=torch.bool).triu(1))

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = (p.view(b, t, HEADS, C // HEADS).transpose(1, 2) for p in self.qkv(x).split(C, dim=2))
        scores = (q @ k.transpose(2, 3)) * (1 / math.sqrt(C // HEADS))
        y = scores.masked_fill(self.hidden[:t, :t], -math.inf).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(b, t, C))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(C), Attention(), nn.LayerNorm(C)
        self.mlp = nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.chars, self.places = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, V, bias=False)
        self.head.weight = self.chars.weight

    def forward(self, ids):
        x = self.chars(ids) + self.places(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(x)))


model = GPT()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, foreach=True)
ids = torch.randint(0, V, (100000,))


def step():
    starts = torch.randint(0, len(ids) - T, (B, 1))
    rows = ids[starts + torch.arange(T + 1)]
    loss = F.cross_entropy(model(rows[:, :-1]).view(-1, V), rows[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    opt.step()


print("gpt\t%d\t%.4e" % (args.threads, time_steps(step, args.steps)))
