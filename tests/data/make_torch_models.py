#!/usr/bin/env python3
"""Writes the models of tests/lua/nn/test_state_dict_files.lua, or checks those that Embla wrote.

  make_torch_models.py            writes torch/CASE.safetensors, a state_dict each, and torch/calls.safetensors
  make_torch_models.py --check F  loads F/CASE.safetensors into PyTorch's models and compares what they compute

calls.safetensors holds what a model was called with and what it returned, CASE/in/0, CASE/out/0 and so on, and in its
metadata the names of each state_dict in their order, and the classes that have no state.

The files have the layout of safetensors.torch.save_file: tensors by falling size of their dtype, then by name, and a
header of JSON filled up with blanks to a multiple of 8 bytes.
"""

import json
import math
import os
import struct
import sys

import torch
from torch import nn

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch")
DTYPES = {torch.int64: "I64", torch.float64: "F64", torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
RANK = list(DTYPES.values())


# ---- files ---------------------------------------------------------------------------------------------------------

def raw(tensor):
    """The bytes of a tensor; numpy has no bfloat16, whose bits are those of an int16."""
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.contiguous().numpy().tobytes()


def save(path, tensors, metadata):
    names = sorted(tensors, key=lambda name: (RANK.index(DTYPES[tensors[name].dtype]), name))
    header, data = {"__metadata__": metadata}, b""
    for name in names:
        tensor = tensors[name].detach()
        end = len(data) + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), end]}
        data += raw(tensor)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    """Tensors by name and the metadata, read by hand."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        dtype = next(d for d, text in DTYPES.items() if text == entry["dtype"])
        begin, end = entry["data_offsets"]
        count = math.prod(entry["shape"])
        assert end - begin == count * torch.empty(0, dtype=dtype).element_size(), name
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=dtype).reshape(entry["shape"])
    return tensors, metadata


# ---- modules of one's own ------------------------------------------------------------------------------------------

class RMSNorm(nn.Module):
    """That of later versions of PyTorch: one parameter, weight."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + torch.finfo(x.dtype).eps) * self.weight


class Own(nn.Module):
    """Children are defined before parameters and buffers, which come first all the same."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 2)
        self.register_buffer("shift", torch.zeros(2))
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)
        self.second = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.shared = self.first

    def forward(self, x):
        return self.second(self.shared(x) * self.scale + self.shift)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(4, 2)
        self.decoder = nn.Linear(2, 4)
        self.decoder.weight = self.encoder.weight

    def forward(self, ids):
        return self.decoder(self.encoder(ids))


class Listed(nn.Module):
    """Eleven layers: by the alphabet the tenth would come after the first."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(1, 1) for _ in range(11)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict([["second", nn.Linear(2, 2)], ["first", nn.Linear(3, 2)]])

    def forward(self, x):
        return self.parts["second"](self.parts["first"](x))


class Parameters(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.weights = of

    def forward(self, x):
        return x * self.weights["gain" if isinstance(self.weights, nn.ParameterDict) else 0] + self.weights[
            "offset" if isinstance(self.weights, nn.ParameterDict) else 1]


# ---- cases ---------------------------------------------------------------------------------------------------------

def x(*sizes):
    """Multiples of 1/64, so that a file is as small as it can be and its values are the same everywhere."""
    return torch.randint(-96, 97, sizes) / 64


def ids(*values):
    return torch.tensor(values)


def encoder():
    layer = nn.TransformerEncoderLayer(4, 2, dim_feedforward=3)
    return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(4), enable_nested_tensor=False)


# name: how the model is made, what it is called with; the part before "-" is the class
CASES = {
    "Embedding": (lambda: nn.Embedding(5, 3, padding_idx=1), lambda: [ids([1, 4], [0, 1])]),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(5, 3, mode="sum"), lambda: [ids(1, 4, 1, 0), ids(0, 3), x(4)]),
    "Linear": (lambda: nn.Linear(3, 2), lambda: [x(4, 3)]),
    "Linear-no-bias": (lambda: nn.Linear(3, 2, bias=False), lambda: [x(4, 3)]),
    "Linear-float64": (lambda: nn.Linear(3, 2).double(), lambda: [x(4, 3).double()]),
    "Linear-float16": (lambda: nn.Linear(3, 2).half(), None),
    "Linear-bfloat16": (lambda: nn.Linear(3, 2).bfloat16(), None),
    "Bilinear": (lambda: nn.Bilinear(2, 3, 2), lambda: [x(4, 2), x(4, 3)]),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3, padding=1, groups=2), lambda: [x(2, 2, 4)]),
    "PReLU": (lambda: nn.PReLU(3), lambda: [x(2, 3)]),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), lambda: [x(2, 2, 3)]),
    "RMSNorm": (lambda: RMSNorm(4), lambda: [x(2, 4)]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), lambda: [x(2, 4, 3)]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), lambda: [x(4, 3)]),
    "BatchNorm1d-not-affine": (lambda: nn.BatchNorm1d(3, affine=False), lambda: [x(4, 3)]),
    "BatchNorm1d-untracked": (lambda: nn.BatchNorm1d(3, track_running_stats=False), lambda: [x(4, 3)]),
    "RNN": (lambda: nn.RNN(3, 2, nonlinearity="relu"), lambda: [x(3, 2, 3)]),
    "RNN-both-ways": (lambda: nn.RNN(3, 2, bidirectional=True), lambda: [x(3, 2, 3), x(2, 2, 2)]),
    "LSTM": (lambda: nn.LSTM(3, 2), lambda: [x(3, 2, 3)]),
    "LSTM-stacked": (lambda: nn.LSTM(3, 2, num_layers=2, bidirectional=True),
                     lambda: [x(3, 2, 3), (x(4, 2, 2), x(4, 2, 2))]),
    "LSTM-no-bias": (lambda: nn.LSTM(3, 2, num_layers=2, bias=False), lambda: [x(3, 2, 3)]),
    "GRU": (lambda: nn.GRU(3, 2), lambda: [x(3, 2, 3)]),
    "GRU-stacked": (lambda: nn.GRU(3, 2, num_layers=2, bidirectional=True, batch_first=True), lambda: [x(2, 3, 3)]),
    "RNNCell": (lambda: nn.RNNCell(3, 2), lambda: [x(4, 3), x(4, 2)]),
    "LSTMCell": (lambda: nn.LSTMCell(3, 2), lambda: [x(4, 3), (x(4, 2), x(4, 2))]),
    "GRUCell": (lambda: nn.GRUCell(3, 2), lambda: [x(4, 3), x(4, 2)]),
    "GRUCell-no-bias": (lambda: nn.GRUCell(3, 2, bias=False), lambda: [x(4, 3)]),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2), lambda: [x(3, 2, 4), x(2, 2, 4), x(2, 2, 4)]),
    "MultiheadAttention-other-sizes": (
        lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True, batch_first=True),
        lambda: [x(1, 2, 4), x(1, 3, 3), x(1, 3, 2)]),
    "MultiheadAttention-no-bias": (lambda: nn.MultiheadAttention(4, 2, bias=False),
                                   lambda: [x(2, 1, 4), x(2, 1, 4), x(2, 1, 4)]),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, dim_feedforward=3), lambda: [x(3, 2, 4)]),
    "TransformerEncoderLayer-norm-first": (
        lambda: nn.TransformerEncoderLayer(4, 2, dim_feedforward=3, activation="gelu", batch_first=True,
                                           norm_first=True),
        lambda: [x(2, 3, 4)]),
    "TransformerEncoder": (encoder, lambda: [x(3, 1, 4)]),
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)),
                                         nn.PReLU()), lambda: [x(2, 3)]),
    "ModuleList": (Listed, lambda: [x(2, 1)]),
    "ModuleDict": (Named, lambda: [x(2, 3)]),
    "Module": (Own, lambda: [x(2, 3)]),
    "Module-tied": (Tied, lambda: [ids(3, 0)]),
    "Parameter-list": (lambda: Parameters(nn.ParameterList([torch.ones(2), torch.ones(2)])), lambda: [x(3, 2)]),
    "Parameter-dict": (lambda: Parameters(nn.ParameterDict({"gain": torch.ones(2), "offset": torch.ones(2)})),
                       lambda: [x(3, 2)]),
    "AdaptiveLogSoftmaxWithLoss": (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 7, [2, 4], div_value=2, head_bias=True),
                                   lambda: [x(4, 4), ids(0, 3, 6, 1)]),
    "CrossEntropyLoss-weight": (lambda: nn.CrossEntropyLoss(torch.ones(4)), lambda: [x(3, 4), ids(1, 3, 0)]),
    "NLLLoss-weight": (lambda: nn.NLLLoss(torch.ones(4)), lambda: [x(3, 4), ids(1, 3, 0)]),
    "BCELoss-weight": (lambda: nn.BCELoss(torch.ones(4)), lambda: [x(3, 4).sigmoid(), x(3, 4).sigmoid()]),
    "BCEWithLogitsLoss-weight": (lambda: nn.BCEWithLogitsLoss(torch.ones(4), pos_weight=torch.ones(4)),
                                 lambda: [x(3, 4), x(3, 4).sigmoid()]),
    "MultiMarginLoss-weight": (lambda: nn.MultiMarginLoss(weight=torch.ones(4)), lambda: [x(3, 4), ids(1, 3, 0)]),
    "MultiLabelSoftMarginLoss-weight": (lambda: nn.MultiLabelSoftMarginLoss(torch.ones(4)),
                                        lambda: [x(3, 4), (x(3, 4) > 0).float()]),
}

STATELESS = """CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish ReLU ReLU6
    SELU SiLU Sigmoid Softmax Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold AlphaDropout Dropout
    Dropout1d Flatten GLU Identity BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss
    HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelSoftMarginLoss MultiMarginLoss
    NLLLoss PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss AdaptiveAvgPool1d AdaptiveMaxPool1d AvgPool1d
    MaxPool1d CosineSimilarity PairwiseDistance Unflatten""".split()
ARGUMENTS = {"Threshold": (0.1, 2.0), "AdaptiveAvgPool1d": (2,), "AdaptiveMaxPool1d": (2,), "AvgPool1d": (2,),
             "MaxPool1d": (2,), "Unflatten": (1, (2, 2))}


# ---- models --------------------------------------------------------------------------------------------------------

def fill(model):
    """Every float gets a value of its own: zeros and ones would hide what is mixed up."""
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif name.endswith("running_var") or isinstance(model, nn.modules.loss._Loss):
            tensor.copy_(x(*tensor.shape).abs() + 0.5)
        else:
            tensor.copy_(x(*tensor.shape))


def flat(value):
    if torch.is_tensor(value):
        return [value]
    return [tensor for member in value for tensor in flat(member)]


def new_case(seed, name):
    """The model, with values of its own, and the arguments of its call, None if there is none."""
    make, arguments = CASES[name]
    torch.manual_seed(seed)
    model = make().eval()
    fill(model)
    return model, arguments and arguments()


def call(model, arguments):
    with torch.no_grad():
        return flat(model(*arguments))


def from_file(arguments, tensors):
    """The same arguments with the tensors of the file: another PyTorch may draw others from a seed."""
    return next(tensors) if torch.is_tensor(arguments) else tuple(from_file(value, tensors) for value in arguments)


def write():
    os.makedirs(FOLDER, exist_ok=True)
    for name in STATELESS:
        assert not getattr(nn, name)(*ARGUMENTS.get(name, ())).state_dict(), name
    calls, orders = {}, {"stateless": " ".join(STATELESS)}
    for seed, name in enumerate(CASES):
        model, arguments = new_case(seed, name)
        save(os.path.join(FOLDER, name + ".safetensors"), model.state_dict(), {"format": "pt"})
        orders[name] = " ".join(model.state_dict())
        if arguments:
            for i, tensor in enumerate(flat(arguments)):
                calls[f"{name}/in/{i}"] = tensor
            for i, tensor in enumerate(call(model, arguments)):
                calls[f"{name}/out/{i}"] = tensor
    save(os.path.join(FOLDER, "calls.safetensors"), calls, orders)


def check(folder):
    calls, _ = load(os.path.join(FOLDER, "calls.safetensors"))
    for seed, name in enumerate(CASES):
        _, arguments = new_case(seed, name)
        model = CASES[name][0]().eval()
        state, _ = load(os.path.join(folder, name + ".safetensors"))
        for key, tensor in model.state_dict().items():
            assert state[key].dtype == tensor.dtype, (name, key)
        model.load_state_dict(state)
        if arguments:
            given = from_file(arguments, (calls[f"{name}/in/{i}"] for i in range(len(flat(arguments)))))
            for i, got in enumerate(call(model, given)):
                assert torch.allclose(got, calls[f"{name}/out/{i}"], 1e-5, 1e-6), (name, i)
    print(len(CASES), "models")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2])
    else:
        write()
