#!/usr/bin/env python3
"""Weights scaled until a plain f16 graph of the transformer gives no numbers; `lofi export --precision fp16` gives the right ones.

tests/interop/fp16_range.py LOFI MODEL

Needs numpy, onnx and onnxruntime (make test-python). MODEL is a small base model in f32 (`lofi model init --preset tiny DIR`). The plain graph is the fp32
export with every tensor and every operation turned to f16, inputs and outputs aside. Closes with 'N passed, N failed'; exit status 1 when one failed.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HELPER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli", "helpers", "merged.py")


def plain_half(model):
    """Everything in f16, inputs and outputs aside."""
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    halves = {i.name: i.name + "/half" for i in graph.input if i.type.tensor_type.elem_type == TensorProto.FLOAT}
    outputs = {o.name for o in graph.output}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
        node.input[:] = [halves.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.output[0] in outputs:
            node.op_type = "Cast"
            node.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    casts = [helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16) for name, half in halves.items()]
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def run(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session, draw = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), np.random.default_rng(1)
    feeds = {}
    for value in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 if d == "batch" else 16 for d in value.shape]
        feeds[value.name] = np.ones(shape, np.float32) if "mask" in value.name else draw.standard_normal(shape, np.float32)
    return session.run(None, feeds)[0]


def main():
    lofi, model = sys.argv[1:3]
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        path = lambda *names: os.path.join(work, *names)
        shutil.copytree(model, path("scaled"))
        for factor in (1, 300):
            subprocess.run([sys.executable, HELPER, "scale", path("scaled", "ace_step_transformer"), str(factor), ".ff."], check=True)
            for precision in ("fp32", "fp16"):
                subprocess.run([lofi, "export", "--quiet", "--model", path("scaled"), "--output", path(precision), "--precision", precision], check=True)
            plain = plain_half(onnx.load(path("fp32", "transformer_decoder.onnx")))
            onnx.save(plain, path("plain.onnx"))
            want, ours, theirs = (run(p) for p in (path("fp32", "transformer_decoder.onnx"), path("fp16", "transformer_decoder.onnx"), path("plain.onnx")))
            error = float(np.linalg.norm(ours - want) / np.linalg.norm(want))
            finite = bool(np.isfinite(theirs).all())
            print(f"feed-forward weights x {factor}: fp16 differs by {error:.2e}; a plain f16 graph gives {'numbers' if finite else 'NaN or infinity'}")
            failed += not error < 5e-3
            failed += finite != (factor == 1)
    print(f"{4 - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
