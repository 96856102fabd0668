#!/usr/bin/env python3
"""PyTorch's side of the cases of bench.lua that are the project's own: bags with a step, the models of the examples,
the start of the program. Same options and same lines as bench.lua:

    more_torch.py [--quick] [--case NAME[,NAME...]] [--list] [--budget SECONDS] [--threads N]

PyTorch is given what suits it: BLAS on OpenMP's threads, where Debian's build of it is installed (two pools of threads
hold each other up), and threads that stay on their processors.
"""
import argparse
import atexit
import ctypes
import fnmatch
import glob
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="a representative few")
parser.add_argument("--case", help="only cases whose name contains NAME, or matches it as a glob")
parser.add_argument("--list", action="store_true", help="names alone")
parser.add_argument("--budget", type=float, help="seconds of sampling a case (0.35; quick 0.2)")
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

CASES = []                                  # name, quick, make


def case(name, quick):
    def add(make):
        CASES.append((name, quick, make))
        return make
    return add


# ---- files of word vectors: gensim's loader ---------------------------------------------------------------------------

def loading(binary):
    import gensim.models
    import tempfile
    vectors = gensim.models.KeyedVectors(100)
    vectors.add_vectors(["word%d" % i for i in range(100000)], torch.randn(100000, 100).numpy())
    file = tempfile.NamedTemporaryFile()
    vectors.save_word2vec_format(file.name, binary=binary)
    load = gensim.models.KeyedVectors.load_word2vec_format
    return lambda _: load(file.name, binary=binary)


@case("word2vec_load_text/V100k/d100", False)
def load_text():
    return loading(False)


@case("word2vec_load_binary/V100k/d100", False)
def load_binary():
    return loading(True)


# ---- the nearest of a million rows: gensim's most_similar, PyTorch for many queries -------------------------------

@case("nearest/V1M/d100/Q1", False)
def nearest():
    import gensim.models
    vectors = gensim.models.KeyedVectors(100)
    vectors.add_vectors(["word%d" % i for i in range(1000000)], torch.randn(1000000, 100).numpy())
    vectors.fill_norms()
    return lambda _: vectors.most_similar("word7", topn=10)


@case("nearest/V1M/d100/Q1000", False)
def nearest_of_many():
    """The product, 100 queries at a time, and its topk: all at once are 4 GB of scores."""
    unit = torch.nn.functional.normalize
    rows, asked = unit(torch.randn(1000000, 100)), unit(torch.randn(1000, 100))
    return lambda _: [torch.topk(some @ rows.T, 10) for some in asked.split(100)]


# ---- files -----------------------------------------------------------------------------------------------------------

FILE_BYTES = 256 << 20


def temporary():
    path = tempfile.mkstemp()[1]
    atexit.register(os.remove, path)
    return path


@case("file_write_bare/256MB", False)
def write_bare():
    path, content = temporary(), b"x" * FILE_BYTES

    def step(_):
        with open(path, "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
    return step


@case("file_save/256MB", False)
def file_save():
    """torch.save, and its bytes on the disk as ours are."""
    path, value = temporary(), {"weight": torch.randn(1 << 18, 256)}

    def step(_):
        with open(path, "wb") as file:
            torch.save(value, file)
            file.flush()
            os.fsync(file.fileno())
    return step


@case("file_load/256MB", False)
def file_load():
    path = temporary()
    torch.save({"weight": torch.randn(1 << 18, 256)}, path)
    return lambda _: torch.load(path)


@case("file_map/256MB", False)
def file_map():
    """NumPy's, as torch.load maps nothing yet."""
    import numpy
    path = temporary() + ".npy"
    atexit.register(os.remove, path)
    numpy.save(path, torch.randn(1 << 18, 256).numpy())
    return lambda _: torch.from_numpy(numpy.load(path, mmap_mode="c"))


# ---- batches ---------------------------------------------------------------------------------------------------------

@case("loader_epoch/N60000/d64/B128", False)
def loader_epoch():
    """The dataset is asked for a batch at a time, which suits a table more than samples one by one."""
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
    dataset = TensorDataset(torch.randn(60000, 64), torch.randint(0, 10, (60000,)))
    loader = DataLoader(dataset, batch_size=None, sampler=BatchSampler(RandomSampler(dataset), 128, False))

    def step(_):
        for x, y in loader:
            assert x.size(0) == y.size(0)
    return step


# ---- models of the examples ----------------------------------------------------------------------------------------

def writing_step(model, opt, batch, length, vocabulary):
    """A step of learning to write: pieces that begin anywhere, the next character, clipped gradients."""
    ids = torch.randint(0, vocabulary, (100000,))

    def step(_):
        starts = torch.randint(0, len(ids) - length, (batch, 1))
        rows = ids[starts + torch.arange(length + 1)]
        loss = F.cross_entropy(model(rows[:, :-1]).view(-1, vocabulary), rows[:, 1:].reshape(-1))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        opt.step()
    return step


@case("example_gpt_step", False)
def gpt():
    """scripts/examples/gpt.lua."""
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
    return writing_step(model, opt, B, T, V)


@case("example_char_lstm_step", False)
def char_lstm():
    """scripts/examples/char_lstm.lua."""
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
    return writing_step(model, torch.optim.Adam(model.parameters(), lr=5e-3, foreach=True), B, T, V)


# ---- bags ----------------------------------------------------------------------------------------------------------

def draw(V, n, dist):
    if dist == "uniform":
        return torch.randint(0, V, (n,))
    shares = (1 / torch.arange(1, V + 1, dtype=torch.float64)).cumsum(0)
    return torch.searchsorted(shares / shares[-1], torch.rand(n, dtype=torch.float64)).clamp_(max=V - 1)


def bag_step(dist):
    def make():
        B, L, d, V = 1024, 10, 64, 100000
        bag = nn.EmbeddingBag(V, d, mode="sum", sparse=True)
        opt = torch.optim.Adagrad(bag.parameters(), lr=0.01)
        pool, offsets = [draw(V, B * L, dist) for _ in range(25)], torch.arange(0, B * L, L)

        def step(i):
            opt.zero_grad(set_to_none=True)
            bag(pool[i % len(pool)], offsets).sum().backward()
            opt.step()
        return step
    return make


for law in ("uniform", "zipf"):
    case("bag_step_adagrad_sparse/B1024/L10/d64/V100k/" + law, law == "uniform")(bag_step(law))


# ---- start ---------------------------------------------------------------------------------------------------------

@case("start_to_first_result", True)
def start():
    command = [sys.executable, "-c", "import torch; print(torch.ones(4).sum().item())"]
    return lambda _: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@case("csv_read_200k_x10", True)
def csv_read():
    """The file of cases/tables.lua, read by pandas."""
    import pandas
    path, state = tempfile.mkstemp()[1], 1
    atexit.register(os.remove, path)
    with open(path, "w") as file:
        file.write(",".join("c%d" % (j + 1) for j in range(10)) + "\n")
        for _ in range(200000):
            cells = []
            for _ in range(10):
                state = state * 1103515245 + 12345 & 0x7FFFFFFF
                cells.append("%.17g" % (state / 0x80000000))
            file.write(",".join(cells) + "\n")
    return lambda _: pandas.read_csv(path)


# ---- timing --------------------------------------------------------------------------------------------------------

def prepare():
    """Before torch is loaded, since libgomp and BLAS look at the environment once."""
    os.environ["OMP_PROC_BIND"] = "true"
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)
    found = False
    for folder in glob.glob("/usr/lib/*/openblas-openmp"):
        try:
            for library in ("libopenblas.so.0", "libblas.so.3"):
                ctypes.CDLL(os.path.join(folder, library), mode=ctypes.RTLD_GLOBAL)
            found = True
        except OSError:
            pass
    if not found:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"


def timed(run, budget):
    """Seconds a call, in samples of at least a millisecond: the median, the 10th percentile, the number of samples."""
    calls = 0

    def sample(n):
        nonlocal calls
        began = time.perf_counter()
        for _ in range(n):
            run(calls)
            calls += 1
        return (time.perf_counter() - began) / n

    sample(1)
    n = max(1, min(2000, int(1e-3 / max(sample(1), 1e-7))))
    samples, end = [], time.perf_counter() + budget
    while len(samples) < 7 or time.perf_counter() < end:
        samples.append(sample(n))
        if len(samples) >= 3 and time.perf_counter() > end + 6 * budget + 2:
            break
    return statistics.median(samples), sorted(samples)[len(samples) // 10], len(samples)


def chosen(name, quick):
    if args.quick and not quick:
        return False
    return not args.case or any(word in name or fnmatch.fnmatchcase(name, word) for word in args.case.split(","))


todo = [entry for entry in CASES if chosen(*entry[:2])]
if args.list:
    for name, quick, _ in todo:
        print(name + ("\tquick" if quick else ""))
elif todo:
    prepare()
    import torch
    from torch import nn
    from torch.nn import functional as F
    torch.set_num_threads(args.threads)
    budget = args.budget if args.budget is not None else 0.2 if args.quick else 0.35
    failed = False
    for name, _, make in todo:
        torch.manual_seed(7)
        try:
            median, low, n = timed(make(), budget)
        except Exception as error:          # told, and the others go on
            print("# %s: %s: %s" % (name, type(error).__name__, error), file=sys.stderr)
            failed = True
            continue
        print("%s\t%d\t%.4e\tp10=%.3e n=%d" % (name, args.threads, median, low, n), flush=True)
    sys.exit(failed)
