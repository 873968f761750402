"""The original networks under PyTorch: makes the models and inputs of bench/networks/run.py, and runs them as networks.c does.

usage: peer.py prepare UPSTREAM CASE WORK
       peer.py serve UPSTREAM CASE WORK THREADS

UPSTREAM is a checkout of ACE-Step. `prepare` writes a network with random weights and the inputs into folders of WORK; what is
there is kept. `serve` answers as networks.c does, and "compare FILE" with the relative error of what networks.c saved. Needs
torch, torchaudio, transformers, diffusers, peft, safetensors, librosa and what ACE-Step imports.

The weights: matrices with variance 1 / fan-in, biases 0.1 n, norms 1 + 0.1 n. The sizes are those of the released networks.
"""
import importlib.util
import json
import math
import os
import sys
import time
import types

import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 7


def train_step_peer():
    spec = importlib.util.spec_from_file_location("train_step_peer", os.path.join(os.path.dirname(HERE), "train_step", "peer.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def randomize(module, gain=1.0):
    """Numbers by which signals keep their scale; `gain` multiplies kernels with weight norm."""
    generator = torch.Generator().manual_seed(SEED)
    normal = lambda like: torch.randn(like.shape, generator=generator)
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, torch.nn.Embedding)}
    parameters = dict(sorted(module.named_parameters()))
    with torch.no_grad():
        for name, p in parameters.items():
            if p.dim() <= 1 or bool((p == p.flatten()[0]).all()):
                p.copy_((1.0 if bool((p == 1).all()) else 0.0) + 0.1 * normal(p))
            else:
                p.copy_(normal(p) * (0.5 if id(p) in embeddings else 1 / math.sqrt(p[0].numel())))
        for name, p in parameters.items():  # the length of a kernel with weight norm is that of its directions
            direction = {"weight_g": "weight_v", "original0": "original1"}.get(name.rpartition(".")[2])
            if direction:
                v = parameters[name.rpartition(".")[0] + "." + direction]
                length = v.square().sum([d for d in range(p.dim()) if p.shape[d] == 1], keepdim=True).sqrt()
                p.copy_(gain * (1 + 0.1 * normal(p)) * length)
    return module.eval()


def tokens(count, vocabulary):
    return torch.randint(3, vocabulary, (1, count))


# ---- the networks: make() saves one, open() gives a function of the inputs ----


class Umt5:
    folder = "umt5"

    def make(self, upstream, folder):
        from transformers import UMT5Config, UMT5EncoderModel

        config = UMT5Config(vocab_size=256384, d_model=768, d_kv=64, d_ff=2048, num_layers=12, num_heads=12, feed_forward_proj="gated-gelu",
                            tie_word_embeddings=False)
        model = randomize(UMT5EncoderModel(config))
        with torch.no_grad():
            for layer in model.encoder.block:  # scores are not divided by the root of the head width
                layer.layer[0].SelfAttention.q.weight.mul_(64**-0.5)
        model.save_pretrained(folder)

    def open(self, upstream, folder):
        from transformers import UMT5EncoderModel

        model = UMT5EncoderModel.from_pretrained(folder).eval()
        return lambda i: model(input_ids=i["input_ids"], attention_mask=i["attention_mask"]).last_hidden_state


class LyricEncoder:
    folder = "transformer"

    def make(self, upstream, folder):
        peer = train_step_peer()
        peer.prepare(upstream, "real", folder)

    def open(self, upstream, folder):
        model = train_step_peer().open_original(upstream, folder).eval()
        del model.transformer_blocks
        return lambda i: model.forward_lyric_encoder(i["lyric_token_ids"], i["lyric_mask"].long())


class Dcae:
    folder = "dcae"

    def __init__(self, half):
        self.half = half

    def make(self, upstream, folder):
        from diffusers import AutoencoderDC

        kinds, scales = ("ResBlock", "ResBlock", "ResBlock", "EfficientViTBlock"), ((), (), (5,), (5,))
        channels = (128, 256, 512, 1024)
        model = AutoencoderDC(in_channels=2, latent_channels=8, attention_head_dim=32, encoder_block_types=kinds, decoder_block_types=kinds,
                              encoder_block_out_channels=channels, decoder_block_out_channels=channels, encoder_layers_per_block=(2, 2, 3, 3),
                              decoder_layers_per_block=(3, 3, 3, 3), encoder_qkv_multiscales=scales, decoder_qkv_multiscales=scales,
                              upsample_block_type="interpolate", downsample_block_type="Conv", decoder_norm_types="rms_norm",
                              decoder_act_fns="silu", scaling_factor=0.41407)
        randomize(model).save_pretrained(folder)

    def open(self, upstream, folder):
        from diffusers import AutoencoderDC

        model = AutoencoderDC.from_pretrained(folder).eval()
        if self.half == "encoder":
            del model.decoder
            return lambda i: model.encoder(i["mel"])
        del model.encoder
        return lambda i: model.decoder(i["latents"])


class Vocoder:
    folder = "vocoder"

    def original(self, upstream):
        sys.path.insert(0, upstream)
        from acestep.music_dcae.music_vocoder import ADaMoSHiFiGANV1

        return ADaMoSHiFiGANV1

    def make(self, upstream, folder):
        # a gain at which the wave is neither flat nor clipped
        randomize(self.original(upstream)(), gain=1.3).save_pretrained(folder)

    def open(self, upstream, folder):
        model = self.original(upstream).from_pretrained(folder).eval()
        return lambda i: model.head(model.backbone(i["mel"]))


class Clap:
    folder = "clap"

    def __init__(self, tower):
        self.tower = tower

    def make(self, upstream, folder):
        from transformers import ClapConfig, ClapModel

        text = dict(vocab_size=50265, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
                    max_position_embeddings=514, type_vocab_size=1, projection_dim=512)
        audio = dict(patch_embeds_hidden_size=128, hidden_size=1024, depths=[2, 2, 12, 2], num_attention_heads=[4, 8, 16, 32], projection_dim=512,
                     enable_fusion=False, num_mel_bins=64, spec_size=256, window_size=8)
        randomize(ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=512))).save_pretrained(folder)

    def open(self, upstream, folder):
        from transformers import ClapModel

        model = ClapModel.from_pretrained(folder).eval()
        unit = lambda x: torch.nn.functional.normalize(getattr(x, "pooler_output", x), dim=-1)
        if self.tower == "audio":
            del model.text_model
            return lambda i: unit(model.get_audio_features(input_features=i["mel"], is_longer=torch.zeros(1, 1, dtype=torch.bool)))
        del model.audio_model
        return lambda i: unit(model.get_text_features(input_ids=i["input_ids"], attention_mask=i["attention_mask"]))


class Hubert:
    SIZES = {
        "mhubert": dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, feat_extract_norm="group",
                        do_stable_layer_norm=False, conv_bias=False),
        "mert": dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, feat_extract_norm="layer",
                     do_stable_layer_norm=True, conv_bias=True),
    }

    def __init__(self, folder):
        self.folder = folder

    def make(self, upstream, folder):
        from transformers import HubertConfig, HubertModel

        randomize(HubertModel(HubertConfig(vocab_size=32, **self.SIZES[self.folder]))).save_pretrained(folder)

    def open(self, upstream, folder):
        from transformers import HubertModel

        model = HubertModel.from_pretrained(folder).eval()
        return lambda i: model(i["samples"]).last_hidden_state


class Vggish:
    folder = "vggish"
    FILE = "vggish-10086976.pth"

    class Network(torch.nn.Module):
        """3x3 convolutions with pooling, laid out with channels last, three linear layers; as torchvggish has it."""

        def __init__(self):
            super().__init__()
            layers, channels = [], 1
            for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0):
                layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU(True)] if width else [torch.nn.MaxPool2d(2, 2)]
                channels = width or channels
            self.features = torch.nn.Sequential(*layers)
            self.embeddings = torch.nn.Sequential(torch.nn.Linear(512 * 24, 4096), torch.nn.ReLU(True), torch.nn.Linear(4096, 4096),
                                                  torch.nn.ReLU(True), torch.nn.Linear(4096, 128))

        def forward(self, x):
            return self.embeddings(self.features(x[:, None]).permute(0, 2, 3, 1).flatten(1))

    def make(self, upstream, folder):
        os.makedirs(folder, exist_ok=True)
        torch.save(randomize(self.Network()).state_dict(), os.path.join(folder, self.FILE))

    def open(self, upstream, folder):
        model = self.Network().eval()
        model.load_state_dict(torch.load(os.path.join(folder, self.FILE), weights_only=True))
        return lambda i: model(i["examples"])


class Transformer(LyricEncoder):
    """One training example with an adapter of rank 64: the loss, or the loss and the gradient of every factor."""

    def __init__(self, gradients):
        self.gradients = gradients

    def open(self, upstream, folder):
        peer = train_step_peer()
        trainer = peer.Trainer(upstream, folder, os.path.join(os.path.dirname(folder), "inputs.safetensors"), RANK, ALPHA, 0, False)

        def run(inputs):
            if not self.gradients:
                return dict(loss=trainer.loss())
            trainer.optimizer.zero_grad()
            loss = trainer.loss()
            loss.backward()
            return dict({name: p.grad for name, p in trainer.adapter.items()}, loss=loss.detach())

        return run


# ---- cases ----

RANK, ALPHA = 64, 32.0
SECONDS = 10
MEL_FRAMES = 864  # of 10 s, a multiple of 8


class Case:
    def __init__(self, network, model, inputs, what):
        self.network, self.model, self.inputs, self.what = network, model, inputs, what


def text_inputs(count, vocabulary, **more):
    return lambda: dict(input_ids=tokens(count, vocabulary), attention_mask=torch.ones(1, count), **more)


CASES = {
    "umt5-64": Case("umt5", Umt5(), text_inputs(64, 256384), "text encoder, 64 tokens"),
    "umt5-256": Case("umt5", Umt5(), text_inputs(256, 256384), "text encoder, 256 tokens"),
    "lyric_encoder": Case("lyric_encoder", LyricEncoder(), lambda: dict(lyric_token_ids=tokens(512, 6693), lyric_mask=torch.ones(1, 512)),
                          "lyric encoder, 512 tokens"),
    "dcae_encoder": Case("dcae_encoder", Dcae("encoder"), lambda: dict(mel=torch.randn(1, 2, 128, MEL_FRAMES)), "autoencoder, encoder, 10 s"),
    "dcae_decoder": Case("dcae_decoder", Dcae("decoder"), lambda: dict(latents=torch.randn(1, 8, 16, MEL_FRAMES // 8)), "autoencoder, decoder, 10 s"),
    "vocoder": Case("vocoder", Vocoder(), lambda: dict(mel=torch.randn(1, 128, MEL_FRAMES) * 2 - 4), "vocoder, 10 s, one channel"),
    "clap_audio": Case("clap_audio", Clap("audio"), lambda: dict(mel=torch.randn(1, 1, 1001, 64)), "CLAP, sound, 10 s"),
    "clap_text": Case("clap_text", Clap("text"), text_inputs(64, 50265, position_ids=torch.arange(2, 66)[None]), "CLAP, text, 64 tokens"),
    "mhubert": Case("hubert", Hubert("mhubert"), lambda: dict(samples=torch.randn(1, 16000 * SECONDS)), "mHuBERT, 10 s"),
    "mert": Case("hubert", Hubert("mert"), lambda: dict(samples=torch.randn(1, 24000 * 5)), "MERT, 5 s"),
    "vggish": Case("vggish", Vggish(), lambda: dict(examples=torch.randn(SECONDS, 96, 64)), "VGGish, 10 examples (9.6 s)"),
    "transformer": Case("transformer", Transformer(False), None, "transformer, 2 blocks, 646 frames, 64 and 512 tokens, rank 64"),
    "transformer_gradients": Case("transformer_gradients", Transformer(True), None, "the same with gradients of the adapter"),
}


def places(case, name, work):
    """The folder of the network, and the file of the inputs."""
    folder = os.path.join(work, case.model.folder)
    if case.model.folder == "transformer":
        inputs = os.path.join(folder, "inputs.safetensors") if case.inputs is None else os.path.join(work, name + ".safetensors")
        return os.path.join(folder, "model"), inputs
    return folder, os.path.join(work, name + ".safetensors")


def label(path):
    """The rank and alpha of the adapter, as metadata of the inputs: where networks.c reads them."""
    save_file(load_file(path), path, metadata=dict(rank=str(RANK), alpha=str(ALPHA)))


def prepare(upstream, name, work):
    case = CASES[name]
    folder, inputs = places(case, name, work)
    torch.manual_seed(SEED)
    made = os.path.join(work, case.model.folder)
    if not os.path.exists(os.path.join(made, "whole")):
        case.model.make(upstream, made)
        open(os.path.join(made, "whole"), "w").close()
    if case.inputs is None:
        label(inputs)
    else:
        save_file({k: v.contiguous() for k, v in case.inputs().items()}, inputs)
    print(json.dumps(dict(network=case.network, model=folder, inputs=inputs, what=case.what,
                          sizes={k: list(v.shape) for k, v in load_file(inputs).items() if not k.startswith("start.")})))


# ---- one side of the measurement ----


def peak_bytes():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def answer(value):
    print(json.dumps(value), flush=True)


def relative_error(ours, theirs):
    """The largest over the tensors of one name up to the last dot but one: factors A of all layers are compared as one."""
    groups = {}
    for name, value in theirs.items():
        difference = (ours[name].double().reshape(-1) - value.detach().double().reshape(-1)).norm() ** 2
        group = groups.setdefault(".".join(name.split(".")[-2:]), [0.0, 0.0])
        group[0] += float(difference)
        group[1] += float(value.detach().double().norm() ** 2)
    return max(math.sqrt(d / n) for d, n in groups.values())


def serve(upstream, name, work, threads):
    torch.set_num_threads(int(threads))
    case = CASES[name]
    folder, path = places(case, name, work)
    run = case.model.open(upstream, folder)
    inputs, output = load_file(path), None
    answer(dict(ready=True, opening_peak_bytes=peak_bytes()))
    with open("/proc/self/clear_refs", "w") as f:  # opening is measured apart from the runs
        f.write("5")
    gradients = case.network == "transformer_gradients"
    for line in sys.stdin:
        words = line.split(maxsplit=1)
        if words[0] == "run":
            runs = []
            for _ in range(int(words[1])):
                start, processor = time.perf_counter(), time.process_time()
                with torch.inference_mode(not gradients):
                    output = run(inputs)
                runs.append(dict(ms=(time.perf_counter() - start) * 1e3, cpu_ms=(time.process_time() - processor) * 1e3))
            answer(dict(runs=runs))
        elif words[0] == "compare":
            theirs = output if isinstance(output, dict) else dict(output=output)
            answer(dict(relative_error=relative_error(load_file(words[1].strip()), theirs)))
        else:
            break
    answer(dict(peak_bytes=peak_bytes(), torch=torch.__version__))


if __name__ == "__main__":
    for unneeded in ("cutlet", "fugashi"):  # tokenizers that ACE-Step imports and no network needs
        sys.modules.setdefault(unneeded, types.ModuleType(unneeded))
    arguments = sys.argv[1:]
    if arguments[:1] == ["prepare"] and len(arguments) == 4:
        prepare(*arguments[1:])
    elif arguments[:1] == ["serve"] and len(arguments) == 5:
        serve(*arguments[1:])
    elif arguments == ["cases"]:
        print(" ".join(CASES))
    else:
        sys.exit(__doc__)
