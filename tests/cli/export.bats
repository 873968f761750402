# lofi export: the files of the bundle, that a run goes on where one stopped, what is refused, and ONNX Runtime's opinion where there is one.
# LOFI is the program; LOFI_ONNXRUNTIME names a libonnxruntime.so.
bats_require_minimum_version 1.5.0

load helpers/training

FILES="dcae_decoder.onnx export.json text_encoder.onnx tokenizer.json transformer_decoder.onnx transformer_decoder_weights.bin transformer_encoder.onnx vocoder.onnx"

setup_file() {
    export MODEL="$BATS_FILE_TMPDIR/model" WHOLE="$BATS_FILE_TMPDIR/whole"
    unset ACE_STEP_DIR
    "$LOFI" model init --quiet --preset tiny --seed 5 "$MODEL"
    "$LOFI" export --quiet --model "$MODEL" --output "$WHOLE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    export HOME="$BATS_TEST_TMPDIR"
}

export_to() {
    "$LOFI" export --quiet --model "${BASE-$MODEL}" --output "$@"
}

# refused STATUS TEXT... : the last run failed with one error that says these things.
refused() {
    said "$@" || return 1
    no_leftovers .
}

own_model() {
    cp -r "$MODEL" base
    BASE=base
}

runtime() {
    [ -n "${LOFI_ONNXRUNTIME:-}" ] || skip "LOFI_ONNXRUNTIME names no libonnxruntime.so"
}

@test "the bundle has the player's files, and the same bytes every time" {
    [ "$(cd "$WHOLE" && echo *)" = "$FILES" ]
    export_to again
    diff -r "$WHOLE" again
    cmp "$MODEL/umt5-base/tokenizer.json" again/tokenizer.json
    export_to full --precision fp32
    [ "$(stat -c %s full/transformer_decoder_weights.bin)" -gt "$(stat -c %s again/transformer_decoder_weights.bin)" ]
    no_leftovers .
}

@test "started again, what is there and fits is kept; what is damaged or of other settings is made anew" {
    export_to bundle
    export_to bundle --json > kept.json
    [ "$(field 'all(f["kept"] for f in d["files"]) and len(d["files"]) == 7' < kept.json)" = True ]
    printf x | dd of=bundle/vocoder.onnx bs=1 seek=1000 conv=notrunc status=none
    rm bundle/transformer_decoder_weights.bin
    export_to bundle --json > mended.json
    [ "$(field 'sorted(f["name"] for f in d["files"] if not f["kept"])' < mended.json)" = "['transformer_decoder.onnx', 'transformer_decoder_weights.bin', 'vocoder.onnx']" ]
    diff -r "$WHOLE" bundle
    export_to bundle --opset 18 --json > other.json
    [ "$(field '[f["name"] for f in d["files"] if f["kept"]]' < other.json)" = "['tokenizer.json']" ]
    echo '{' > bundle/export.json
    export_to bundle
    diff -r "$WHOLE" bundle
}

@test "killed or out of space at any change of the disk, no file is half there, and the next run ends with the same bytes" {
    fault_library
    for kind in kill half full; do
        for at in 2 5 9 14 20 27; do
            run env LD_PRELOAD="$FAULT" FAULT_BELOW="$(realpath .)" FAULT_KIND=$kind FAULT_AT=$at \
                "$LOFI" export --quiet --model "$MODEL" --output bundle
            for file in $FILES; do
                [ "$file" = export.json ] || [ ! -e "bundle/$file" ] || cmp "$WHOLE/$file" "bundle/$file"
            done
            export_to bundle
            diff -r "$WHOLE" bundle
            rm -r bundle
        done
    done
}

@test "a model that cannot be loaded: 1" {
    BASE=nowhere run --separate-stderr export_to bundle
    refused 1 nowhere
    own_model
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" drop base/music_dcae_f8c8/diffusion_pytorch_model.safetensors decoder.conv_in.weight
    run --separate-stderr export_to bundle
    refused 1 "decoder.conv_in.weight"
    [ ! -e bundle/dcae_decoder.onnx ]
    rm -r base
    own_model
    truncate -s -8 base/ace_step_transformer/diffusion_pytorch_model.safetensors
    run --separate-stderr export_to bundle
    refused 1 diffusion_pytorch_model.safetensors
}

@test "what cannot be written: 2; flags that make no sense: 2" {
    echo > occupied
    run --separate-stderr export_to occupied
    refused 2 occupied
    run --separate-stderr export_to bundle --opset 16
    refused 2 opset
    run --separate-stderr export_to bundle --precision int3
    refused 2 int3
    run --separate-stderr export_to bundle --verify --onnxruntime ./none.so
    refused 2 "cannot load ONNX Runtime"
    [ ! -e bundle ]
}

@test "--lora exports what merging first would have given" {
    reference="$LOFI_SOURCE/data/reference"
    "$LOFI" merge --quiet --base-model "$reference/model" --lora-checkpoint "$reference/adapters/peft:0.5" --output-dir merged
    BASE=merged export_to whole
    BASE="$reference/model" export_to bundle --lora "$reference/adapters/peft:0.5"
    diff -r whole bundle
    [ -z "$(find bundle -name '.*')" ]
    BASE="$reference/model" run --separate-stderr export_to bundle --lora nowhere
    refused 1 nowhere
    [ -z "$(find bundle -name '.*')" ]
}

@test "a dry run writes nothing" {
    "$LOFI" export --dry-run --json --model "$MODEL" --output bundle > plan.json
    [ "$(field 'd["dry_run"]' < plan.json)" = True ]
    [ ! -e bundle ]
}

@test "ONNX Runtime computes what this program computes, in each precision and opset" {
    runtime
    for settings in "fp32 17 1e-5" "fp16 17 5e-3" "fp32 21 1e-5" "fp16 21 5e-3"; do
        set -- $settings
        export_to bundle --precision "$1" --opset "$2" --verify --json > report.json
        [ "$(field "len(d['verified']) == 12 and all(v['passed'] and v['relative_error'] < $3 for v in d['verified'])" < report.json)" = True ]
    done
}

@test "weights whose products leave the range of half precision are no trap in fp16" {
    runtime
    own_model
    python3 "$BATS_TEST_DIRNAME/helpers/merged.py" scale base/ace_step_transformer 300 .ff.
    export_to bundle --precision fp16 --verify --json > report.json
    [ "$(field 'all(v["passed"] for v in d["verified"])' < report.json)" = True ]
}

@test "another model's bundle does not verify: 3" {
    runtime
    export_to bundle
    own_model
    # the record says that all was made of this model
    python3 "$BATS_TEST_DIRNAME/helpers/merged.py" scale base/ace_step_transformer 1.05 final_layer.linear.weight
    export_to other
    BASE=base export_to wrong
    cp wrong/transformer_decoder.onnx wrong/transformer_decoder_weights.bin bundle/
    python3 - <<'PY'
import json
good, bad = json.load(open("bundle/export.json")), json.load(open("wrong/export.json"))
for name in ("transformer_decoder.onnx", "transformer_decoder_weights.bin"):
    good["files"][name] = dict(bad["files"][name], made_of=good["files"][name]["made_of"])
json.dump(good, open("bundle/export.json", "w"))
PY
    BASE="$MODEL" run --separate-stderr export_to bundle --verify
    refused 3 "2 of 12 outputs differ"
}

@test "music of the bundle is this program's" {
    runtime
    export_to bundle --precision fp32
    for guidance in apg cfg_star; do
        set -- --quiet --prompt "lofi, piano" --duration 3 --steps 6 --seed 3 --guidance-type $guidance
        "$LOFI" generate "$@" --checkpoint-dir "$MODEL" --erg none --output native.wav
        "$LOFI" generate "$@" --engine onnx --model-dir bundle --output bundle.wav
        python3 "$BATS_TEST_DIRNAME/helpers/same_sound.py" native.wav bundle.wav 1e-4
    done
    cp "$MODEL/lyric_vocab.json" bundle/
    "$LOFI" generate --quiet --prompt lofi --lyrics "[verse]
rain" --duration 1 --steps 2 --seed 3 --engine onnx --model-dir bundle --output words.wav
}

@test "what is no bundle makes no music" {
    runtime
    music() { run --separate-stderr "$LOFI" generate --quiet --prompt lofi --duration 1 --output a.wav --engine onnx "$@"; }
    music
    refused 2 "--engine onnx needs --model-dir"
    music --model-dir nowhere
    refused 1 "'nowhere' is no folder"
    cp -r "$WHOLE" bundle
    music --model-dir bundle --lora x
    refused 2 "--lora is not for --engine onnx"
    music --model-dir bundle --erg text
    refused 1 "entropy rectifying guidance"
    music --model-dir bundle --lyrics "rain"
    refused 1 "vocabulary"
    cp bundle/vocoder.onnx bundle/dcae_decoder.onnx
    music --model-dir bundle
    refused 1 "dcae_decoder.onnx" "expected 'latents'"
    rm bundle/text_encoder.onnx
    music --model-dir bundle
    refused 1 "text_encoder.onnx"
    [ ! -e a.wav ]
}
