"""An encoder of torch as a graph of ONNX, layer by layer. Performs no I/O."""

from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from encoders.modality import ModalitySpec
from encoders.nets import CLIP, Encoder
from encoders.onnx_model import EMBEDDING, INPUT, POOLED

# The first with Gelu; what reads it is older than a year.
OPSET = 20
IR_VERSION = 9
# As torch's normalize has it.
SHORTEST = 1e-12


class _Graph:
    """Nodes in order, and the arrays that they use."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self._numbers = count()

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """One node; the name of its output."""
        output = output or f"{kind.lower()}-{next(self._numbers)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def array(self, values: Any) -> str:
        """An array that the graph holds; its name."""
        name = f"array-{next(self._numbers)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def layer(self, layer: nn.Module, values: str) -> str:
        """What a layer makes of values."""
        if isinstance(layer, nn.Conv1d):
            return self.add(
                "Conv",
                *(values, self._weight(layer.weight), self._weight(layer.bias)),
                strides=list(layer.stride),
                pads=[int(layer.padding[0])] * 2,
            )
        if isinstance(layer, nn.GroupNorm):
            return self._group_norm(layer, values)
        if isinstance(layer, nn.Linear):
            return self.add("Gemm", values, self._weight(layer.weight), self._weight(layer.bias), transB=1)
        if isinstance(layer, nn.GELU):
            return self.add("Gelu", values)
        raise NotImplementedError(f"no graph is known of a layer {layer}")

    def _group_norm(self, layer: nn.GroupNorm, values: str) -> str:
        n_groups, n_maps = layer.num_groups, layer.num_channels
        grouped = self.add("Reshape", values, self.array(np.array([0, n_groups, -1], np.int64)))
        ones, zeros = self.array(np.ones(n_groups, np.float32)), self.array(np.zeros(n_groups, np.float32))
        normal = self.add("InstanceNormalization", grouped, ones, zeros, epsilon=layer.eps)
        maps = self.add("Reshape", normal, self.array(np.array([0, n_maps, -1], np.int64)))
        scaled = self.add("Mul", maps, self.array(_numpy(layer.weight)[:, None]))
        return self.add("Add", scaled, self.array(_numpy(layer.bias)[:, None]))

    def _weight(self, weight: Any) -> str:
        return self.array(_numpy(weight))


def onnx_graph(spec: ModalitySpec, encoder: Encoder) -> bytes:
    """The graph's bytes: windows `[N, T, C]` in robust units in, unit rows `[N, dim]` and pooled maps out.

    Raises:
        NotImplementedError: If the encoder has a layer of another kind.
    """
    graph = _Graph()
    limit = graph.array(np.float32(CLIP))
    clipped = graph.add("Clip", INPUT, graph.array(np.float32(-CLIP)), limit)
    values = graph.layer(encoder.stem, graph.add("Transpose", clipped, perm=[0, 2, 1]))
    for layer in encoder.blocks:
        values = graph.layer(layer, values)
    over_time = graph.array(np.array([2], np.int64))
    mean, most = (graph.add(kind, values, over_time, keepdims=0) for kind in ("ReduceMean", "ReduceMax"))
    values = graph.add("Concat", mean, most, output=POOLED, axis=1)
    for layer in encoder.head:
        values = graph.layer(layer, values)
    length = graph.add("ReduceL2", values, graph.array(np.array([1], np.int64)), keepdims=1)
    graph.add("Div", values, graph.add("Max", length, graph.array(np.float32(SHORTEST))), output=EMBEDDING)
    dim, n_pooled = encoder.head[-1].out_features, encoder.head[0].in_features
    made = helper.make_graph(
        graph.nodes,
        spec.name,
        [_value(INPUT, spec.n_steps, spec.n_channels)],
        [_value(EMBEDDING, dim), _value(POOLED, n_pooled)],
        graph.arrays,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _value(name: str, *sizes: Any) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])


def _numpy(weight: Any) -> np.ndarray:
    array: np.ndarray = weight.detach().cpu().numpy()
    return array
