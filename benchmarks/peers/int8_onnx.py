# Rewrites an ONNX model as ONNX Runtime's dynamic quantisation does: products with constant weights become int8 products.
"""int8_onnx.py FROM TO     (python3-onnx)

Makes what onnxruntime.quantization.quantize_dynamic(per_channel=True, weight_type=QInt8, op_types_to_quantize=["MatMul", "Gemm"])
makes: for every MatMul with a constant matrix, and every Gemm, the operators

    q, s, z = DynamicQuantizeLinear(input)             uint8 with one scale and zero point for the whole tensor
    y = MatMulInteger(q, W, z, 0)                      W: int8, symmetric, with a scale for each output channel
    output = Cast(y) * (s * scales of W) [+ bias]

Inputs of several products are quantised once. Products of two activations, as in attention, and convolutions stay in float32.
"""
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def quantize_columns(w):
    """Returns W (k, n) as int8, and the scale of each column: its largest magnitude is 127 steps."""
    scales = (np.abs(w).max(axis=0) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.clip(np.rint(w / scales), -127, 127).astype(np.int8), scales


class Rewriter:
    def __init__(self, graph):
        self.graph = graph
        self.constants = {t.name: t for t in graph.initializer}
        self.nodes, self.quantized, self.products = [], {}, 0

    def constant(self, name, value):
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}/{operator}", **attributes))
        return output

    def input_of(self, name):
        """Returns the names of a tensor's bytes, scale and zero point."""
        if name not in self.quantized:
            self.quantized[name] = [f"{name}_{part}" for part in ("quantized", "scale", "zero_point")]
            self.nodes.append(helper.make_node("DynamicQuantizeLinear", [name], self.quantized[name], name=f"{name}/quantize"))
        return self.quantized[name]

    def product(self, node, weight, bias):
        """Replaces `node`, input * weight + bias, where `bias` is a name or None."""
        name = node.output[0]
        byte_weight, scales = quantize_columns(weight)
        data, scale, zero = self.input_of(node.input[0])
        w = self.constant(name + "_weight", byte_weight)
        w_zero = self.constant(name + "_weight_zero_point", np.zeros(len(scales), np.int8))
        w_scale = self.constant(name + "_weight_scale", scales)
        sums = self.add("MatMulInteger", [data, w, zero, w_zero], name + "_sums")
        floats = self.add("Cast", [sums], name + "_floats", to=onnx.TensorProto.FLOAT)
        steps = self.add("Mul", [scale, w_scale], name + "_steps")
        if bias is None:
            self.add("Mul", [floats, steps], name)
        else:
            self.add("Add", [self.add("Mul", [floats, steps], name + "_unbiased"), bias], name)
        self.products += 1

    def run(self):
        for node in self.graph.node:
            weight = self.constants.get(node.input[1]) if node.op_type in ("MatMul", "Gemm") else None
            if weight is None:
                self.nodes.append(node)
                continue
            values = numpy_helper.to_array(weight)
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if attributes.get("alpha", 1) != 1 or attributes.get("beta", 1) != 1 or attributes.get("transA", 0):
                raise ValueError(f"{node.name}: expected a plain product, found {attributes}")
            self.product(node, values.T if attributes.get("transB", 0) else values, node.input[2] if len(node.input) > 2 else None)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        used = {name for node in self.nodes for name in node.input}
        kept = [t for t in self.graph.initializer if t.name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)


def main(source, target):
    model = onnx.load(source)
    rewriter = Rewriter(model.graph)
    rewriter.run()
    if rewriter.products == 0:
        raise ValueError(f"{source}: no product with constant weights")
    onnx.checker.check_model(model)
    onnx.save(model, target)
    print(f"{target}: {rewriter.products} products with int8 weights", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
