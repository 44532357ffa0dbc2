"""onnxruntime's static quantisation (QuantizeLinear and DequantizeLinear) of exported networks."""

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

FORMS = {
    "qdq": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8},
    "qdq_signed_channels": {
        "quant_format": QuantFormat.QDQ,
        "activation_type": QuantType.QInt8,
        "per_channel": True,
        "extra_options": {"ActivationSymmetric": True},
    },
    "qoperator": {"quant_format": QuantFormat.QOperator, "activation_type": QuantType.QUInt8},
}


class Reader(CalibrationDataReader):
    def __init__(self, inputs):
        count = len(next(iter(inputs.values())))
        self.samples = iter([{k: v[i] for k, v in inputs.items()} for i in range(count)])

    def get_next(self):
        return next(self.samples, None)


def models(folder_of, exported):
    """Yields `(name, inputs)` as `export_torch.models`; `exported` has what that yielded."""
    for source in ["mlp_legacy17", "mlp_dynamo20", "lenet_legacy17", "lenet_dynamo20"]:
        prepared = folder_of(source) / "prepared.onnx"
        quant_pre_process(str(folder_of(source) / "model.onnx"), str(prepared))
        inputs = exported[source]
        for form, options in FORMS.items():
            name = f"{source}_{form}"
            target = folder_of(name) / "model.onnx"
            weights = {"weight_type": QuantType.QInt8}
            quantize_static(str(prepared), str(target), Reader(inputs), **weights, **options)
            yield name, inputs
        prepared.unlink()
