# Tests of `lofi model init`, `info` and `check`. LOFI: the program; LOFI_SOURCE: the source folder.

bats_require_minimum_version 1.5.0

setup_file() {
    unset ACE_STEP_DIR
    export MODEL="$BATS_FILE_TMPDIR/model"
    "$LOFI" model init --quiet --preset tiny --seed 7 "$MODEL"
}

setup() {
    work="$(mktemp -d)"
    cd "$work"
    export HOME="$work" # nothing of the user's is found
}

teardown() {
    cd /
    rm -rf "$work"
}

weights=music_dcae_f8c8/diffusion_pytorch_model.safetensors

lofi() {
    run --separate-stderr "$LOFI" "$@"
}

# json EXPRESSION: a Python expression over `d`, the document on standard output, must be true.
json() {
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2]) or 1)' \
        "$output" "$1"
}

# damage ARGUMENTS: see helpers/damage.py
damage() {
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" "$@"
}

# refused STATUS TEXT...: one error, with these texts in it.
refused() {
    [ "$status" -eq "$1" ] || { echo "status $status: $stderr"; return 1; }
    [ "$(grep -c '^error: ' <<<"$stderr")" -eq 1 ] || { echo "$stderr"; return 1; }
    shift
    local text
    for text in "$@"; do
        grep -qF -- "$text" <<<"$stderr" || { echo "not in: $stderr"; return 1; }
    done
}

# ---- init ----

@test "init writes the four parts, a tokenizer and a lyric vocabulary" {
    for file in ace_step_transformer/config.json ace_step_transformer/diffusion_pytorch_model.safetensors \
        umt5-base/config.json umt5-base/model.safetensors umt5-base/tokenizer.json umt5-base/tokenizer_config.json \
        music_dcae_f8c8/config.json $weights music_vocoder/config.json \
        music_vocoder/diffusion_pytorch_model.safetensors lyric_vocab.json; do
        [ -s "$MODEL/$file" ] || { echo "no $file"; return 1; }
    done
    [ -z "$(find "$MODEL" -name '.*' -mindepth 1)" ]
}

@test "the same seed gives the same files, another seed others" {
    "$LOFI" model init -q --preset tiny --seed 7 again
    diff -r "$MODEL" again
    "$LOFI" model init -q --preset tiny --seed 8 other
    run cmp -s "$MODEL/$weights" "other/$weights"
    [ "$status" -eq 1 ]
    diff -r "$MODEL/umt5-base/config.json" other/umt5-base/config.json
}

@test "no two tensors are alike, and norms are near one" {
    python3 - "$MODEL" <<'END'
import glob, json, struct, sys
seen = {}
for path in sorted(glob.glob(sys.argv[1] + "/*/*.safetensors")):
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + size]), content[8 + size:]
    assert header.pop("__metadata__") == {"format": "pt"}, path
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        start = data[begin:begin + 16]
        assert len(start) < 16 or start not in seen or "mel_transform" in name, (path, name, seen[start])
        seen[start] = (path, name)
        if name.endswith("norm.weight"):
            values = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
            assert 0.8 < sum(values) / len(values) < 1.2, name
END
}

@test "the vocabularies have as many tokens as the configs say" {
    python3 - "$MODEL" <<'END'
import json, sys
def load(name):
    with open(f"{sys.argv[1]}/{name}") as file:
        return json.load(file)
def rows(file):
    vocab = file["model"]["vocab"]
    ids = list(vocab.values()) if isinstance(vocab, dict) else list(range(len(vocab)))
    return 1 + max(ids + [token["id"] for token in file["added_tokens"]])
assert rows(load("umt5-base/tokenizer.json")) == load("umt5-base/config.json")["vocab_size"]
assert rows(load("lyric_vocab.json")) == load("ace_step_transformer/config.json")["lyric_encoder_vocab_size"]
END
}

@test "init refuses a folder that holds something, and leaves it alone" {
    mkdir there
    echo mine >there/.hidden
    lofi model init --preset tiny there
    refused 2 "'there' is not empty"
    [ "$(ls -A there)" = .hidden ]
    echo file >file
    lofi model init --preset tiny file
    [ "$status" -eq 1 ]
    [ "$(cat file)" = file ]
}

@test "init fills an empty folder, and names with blanks and quotes" {
    mkdir "my 'base' modèl"
    "$LOFI" model init -q --preset tiny --seed 7 "my 'base' modèl"
    diff -r "$MODEL" "my 'base' modèl"
}

@test "init --dry-run writes nothing and knows the sizes" {
    lofi model init --preset full --dry-run --json model
    [ "$status" -eq 0 ]
    [ -z "$(ls -A)" ]
    json 'd["parameters"] == 3305659264 + 281861376 + 156812426 + 103138386 and d["dry_run"]'
    json '[c["dtype"] for c in d["components"]] == ["BF16", "F32", "BF16", "BF16"]'
    json 'd["bytes"] == 2 * (3305659264 + 156812426 + 103138386) + 4 * 281861376'
}

@test "init without a preset, or with an unknown one, is wrong usage" {
    lofi model init model
    refused 2 --preset
    lofi model init --preset huge model
    refused 2 huge
    [ -z "$(ls -A)" ]
}

@test "init says its sizes as JSON" {
    lofi model init --preset tiny --seed 7 --json model
    [ "$status" -eq 0 ]
    json 'd["seed"] == 7 and len(d["components"]) == 4 and d["bytes"] == sum(c["bytes"] for c in d["components"])'
    diff -r "$MODEL" model
}

@test "a full disk leaves no model behind" {
    (ulimit -f 2000; "$LOFI" model init -q --preset tiny model 2>error) && return 1
    [ ! -e model ]
    [ -z "$(find . -name '.lofi*')" ]
}

# ---- info ----

@test "info describes a plain folder" {
    lofi model info "$MODEL" --json
    [ "$status" -eq 0 ]
    json 'd["layout"] == "plain" and d["revision"] == ""'
    json '[c["class"] for c in d["components"]] == ["ACEStepTransformer2DModel", "UMT5EncoderModel", "AutoencoderDC", "ADaMoSHiFiGANV1"]'
    json 'd["lora"]["rank"] == 256 and d["lora"]["layers"] == 8 * 3 + 3 * 2 + 1'
    json 'd["parameters"] == sum(c["parameters"] for c in d["components"])'
    json 'all(c["dtypes"] == {"F32": c["tensors"]} for c in d["components"])'
    lofi model info "$MODEL"
    [[ "$output" == *"(plain folder)"* ]]
    [[ "$output" == *"num_layers 3"* ]]
    [[ "$output" == *"adapter of rank 256: 31 layers"* ]]
}

# The layout of a hub cache: links into blobs.
make_hub_cache() {
    local cache="$1/models--ACE-Step--ACE-Step-v1-3.5B" file sum snapshot
    snapshot="$cache/snapshots/abc123"
    mkdir -p "$cache/blobs" "$cache/refs"
    printf abc123 >"$cache/refs/main"
    (cd "$MODEL" && find . -type f) | while read -r file; do
        sum="$(sha256sum "$MODEL/$file" | cut -d' ' -f1)"
        cp "$MODEL/$file" "$cache/blobs/$sum"
        mkdir -p "$snapshot/$(dirname "$file")"
        ln -s "$(realpath --relative-to="$snapshot/$(dirname "$file")" "$cache/blobs/$sum")" "$snapshot/$file"
    done
}

@test "info and check understand a hub cache, from above and from inside" {
    make_hub_cache cache
    for folder in cache cache/models--ACE-Step--ACE-Step-v1-3.5B; do
        lofi model info "$folder" --json
        [ "$status" -eq 0 ]
        json 'd["layout"] == "hub" and d["revision"] == "abc123"'
        lofi model check "$folder" --json
        [ "$status" -eq 0 ]
        json 'd["passed"] and d["layout"] == "hub"'
    done
}

@test "info without a model says what was looked for" {
    mkdir empty
    lofi model info empty
    refused 1 ace_step_transformer music_vocoder
    lofi model info nowhere
    refused 1 nowhere
    lofi model info
    [ "$status" -eq 2 ]
}

# ---- check ----

@test "a new model is whole" {
    lofi model check "$MODEL"
    [ "$status" -eq 0 ]
    [[ "$output" == *"289 tokens"* ]]
    [[ "$output" == *"is whole"* ]]
    [ -z "$stderr" ]
    lofi model check "$MODEL" --json
    json 'd["passed"] and d["faults"] == [] and "released" not in d'
}

@test "a model that another program wrote is whole" {
    lofi model check "$LOFI_SOURCE/data/reference/model" --json
    [ "$status" -eq 0 ]
    json 'd["faults"] == []'
    json 'any("lyric" in n["message"] for n in d["notes"])'
}

@test "one tensor missing and another misshapen: one error that lists both" {
    cp -r "$MODEL" model
    damage drop model/$weights encoder.conv_in.weight
    damage reshape model/ace_step_transformer/diffusion_pytorch_model.safetensors speaker_embedder.weight
    lofi model check model
    refused 1 "2 faults" "missing tensor 'encoder.conv_in.weight' [16, 2, 3, 3]" \
        "'speaker_embedder.weight' is [192, 512], expected [96, 512]"
    [ "$(grep -c '^fault' <<<"$output")" -eq 2 ]
    lofi model check model --json
    [ "$status" -eq 1 ]
    json 'not d["passed"] and [f["component"] for f in d["faults"]] == ["ace_step_transformer", "music_dcae_f8c8"]'
}

@test "more faults than fit into a message are all listed" {
    cp -r "$MODEL" model
    for name in conv1.weight conv1.bias conv2.weight norm.weight norm.bias; do
        damage drop model/$weights "encoder.down_blocks.0.0.$name"
        damage drop model/$weights "encoder.down_blocks.1.0.$name"
    done
    lofi model check model
    refused 1 "10 faults" more
    [ "$(grep -c '^fault' <<<"$output")" -eq 10 ]
}

@test "a tensor that nothing reads may be missing" {
    cp -r "$MODEL" model
    damage drop model/ace_step_transformer/diffusion_pytorch_model.safetensors \
        transformer_blocks.0.cross_attn.add_k_proj.weight
    lofi model check model
    [ "$status" -eq 0 ]
    grep -q "^note .*add_k_proj" <<<"$output"
}

@test "a type that cannot be used is a fault" {
    cp -r "$MODEL" model
    damage dtype model/umt5-base/model.safetensors encoder.final_layer_norm.weight
    lofi model check model
    refused 1 "'encoder.final_layer_norm.weight' is of type I32"
}

@test "a truncated file, a broken config and a missing tokenizer are told together" {
    cp -r "$MODEL" model
    truncate -s -100 model/$weights
    echo '{"depths": [1, 1' >model/music_vocoder/config.json
    rm model/umt5-base/tokenizer.json
    lofi model check model
    refused 1 "3 faults"
    grep -q '^fault  umt5-base: .*tokenizer.json' <<<"$output"
    grep -q "^fault  music_dcae_f8c8: .*diffusion_pytorch_model.safetensors" <<<"$output"
    grep -q '^fault  music_vocoder: .*config.json' <<<"$output"
}

@test "a folder of the four that is missing is told beside other faults" {
    cp -r "$MODEL" model
    rm -r model/music_vocoder
    damage drop model/$weights encoder.conv_in.weight
    lofi model check model
    refused 1 "2 faults" "music_vocoder: the folder is not there" encoder.conv_in.weight
}

# replace FILE FROM TO: in a text file
replace() {
    python3 -c 'import sys; p, a, b = sys.argv[1:]; s = open(p).read(); assert a in s; open(p, "w").write(s.replace(a, b))' "$@"
}

@test "parts that do not fit each other are faults" {
    cp -r "$MODEL" model
    "$LOFI" model init -q --preset small small
    rm -r model/umt5-base
    cp -r small/umt5-base model/umt5-base
    replace model/music_vocoder/config.json '"n_mels": 128' '"n_mels": 64'
    replace model/ace_step_transformer/config.json '"lyric_encoder_vocab_size": 289' '"lyric_encoder_vocab_size": 280'
    lofi model check model
    [ "$status" -eq 1 ]
    grep -q "^fault .*'text_embedding_dim' is 64, but the text encoder's 'd_model' is 384" <<<"$output"
    grep -q "^fault .*'n_mels' is 64" <<<"$output"
    grep -q "^fault .*289 tokens, but 'lyric_encoder_vocab_size' is 280" <<<"$output"
}

@test "without a lyric vocabulary the model is whole, and where to get it is said" {
    cp -r "$MODEL" model
    rm model/lyric_vocab.json
    lofi model check model
    [ "$status" -eq 0 ]
    grep -q "^note .*lyric" <<<"$output"
    cp "$MODEL/lyric_vocab.json" .
    mkdir -p ace
    mv lyric_vocab.json ace/vocab.json
    ACE_STEP_DIR=ace lofi model check model
    [ "$status" -eq 0 ]
    [[ "$output" == *"ace/vocab.json', 289 tokens"* ]]
}

@test "--hash names the files and says that they are not the released ones" {
    lofi model check "$MODEL" --hash --json
    [ "$status" -eq 0 ]
    json 'd["released"] is False and len(d["files"]) == 5 and not any(f["released"] for f in d["files"])'
    sum="$(sha256sum "$MODEL/$weights" | cut -d' ' -f1)"
    json "[f['sha256'] for f in d['files'] if f['component'] == 'music_dcae_f8c8'] == ['$sum']"
    lofi model check "$MODEL" --hash
    [[ "$output" == *"not the released model"* ]]
}

@test "check of nothing is an error" {
    lofi model check nowhere
    refused 1 nowhere
    lofi model check
    [ "$status" -eq 2 ]
}
