# lofi train: what is written, going on after every kind of end, what is refused. tests/torture/kill_resume does the same at length.
bats_require_minimum_version 1.5.0

load helpers/training

setup_file() {
    begin_training_fixture
    export RUNS="$FIXTURE/runs"
    train whole --json > "$FIXTURE/whole.json"

}

# train NAME [OPTION]...: 8 steps, checkpoints at 3, 6 and 8, measurements at 0, 4 and 8. MODEL, DATASET, CACHE, RUNS, STEPS and RANK may be set,
# and LOUD= to hear warnings.
train() {
    command_line "$@"
    "${COMMAND[@]}"
}

command_line() {
    local name="$1"
    shift
    COMMAND=("$LOFI" train ${LOUD---quiet} --dataset "${DATASET:-$FIXTURE/dataset}" --checkpoint-dir "${MODEL:-$FIXTURE/model}" \
        --cache-dir "${CACHE:-$FIXTURE/cache}" --logger-dir "${RUNS:-$FIXTURE/runs}" --exp-name "$name" \
        --max-steps "${STEPS:-8}" --every-n-train-steps 3 --every-plot-step 4 --validation-draws 1 --learning-rate 1e-3 \
        --warmup-steps 2 --lora-rank "${RANK:-4}" "$@")
}

# interrupted STEPS: the run `stopped`, sent SIGINT when it has done that many.
interrupted() {
    command_line stopped
    python3 "$BATS_TEST_DIRNAME/helpers/interrupt.py" "$RUNS/stopped" "$1" "${COMMAND[@]}"
}

# faulty KIND NUMBER NAME: a run whose disk goes wrong at its change of that number.
faulty() {
    command_line "$3"
    env LD_PRELOAD="$FAULT" FAULT_BELOW="$(realpath "$RUNS")" FAULT_KIND="$1" FAULT_AT="$2" "${COMMAND[@]}"
}

@test "a run writes its checkpoints, metrics, manifest and picture, and nothing else" {
    check_run "$RUNS/whole" 8
    [ "$(ls -d "$RUNS"/whole/checkpoints/*_lora | wc -l)" -eq 3 ]
    [ "$(field 'd["last_step"]' < "$FIXTURE/whole.json")" = 8 ]
    [ "$(field 'd["adapted_layers"]' < "$FIXTURE/whole.json")" -gt 8 ]
    [ "$(field 'd["held_out_loss"]["before"] > 0' < "$FIXTURE/whole.json")" = True ]
    [ "$(field 'd["checkpoint"]' < "$FIXTURE/whole.json")" = "$(checkpoint "$RUNS/whole" 8)" ]
    [ "$(grep -c validation_loss "$RUNS/whole/metrics.jsonl")" -eq 3 ]
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$RUNS/whole/loss.svg"
    [ "$(field 'd["r"], d["lora_alpha"], d["use_rslora"]' < "$(checkpoint "$RUNS/whole" 8)/adapter_config.json")" = "(4, 32.0, True)" ]
    no_leftovers "$FIXTURE"
}

@test "the same seed gives the same bytes, with any number of threads and with or without checkpointing; another seed gives others" {
    train again
    same_adapter "$RUNS/whole" "$RUNS/again" 8
    train single --threads 1
    same_adapter "$RUNS/whole" "$RUNS/single" 8
    train kept --gradient-checkpointing off
    same_adapter "$RUNS/whole" "$RUNS/kept" 8
    train other --model-seed 43
    ! same_adapter "$RUNS/whole" "$RUNS/other" 8 > "$BATS_TEST_TMPDIR/differences"
}

@test "a cache that is new, damaged or read again gives the same bytes" {
    local CACHE="$BATS_TEST_TMPDIR/cache" file
    train new-cache
    same_adapter "$RUNS/whole" "$RUNS/new-cache" 8
    for file in "$CACHE"/*/*; do truncate -s 100 "$file"; done
    train damaged-cache
    same_adapter "$RUNS/whole" "$RUNS/damaged-cache" 8
    for file in "$CACHE"/text/*; do more_tokens "$file"; done
    train longer-cache
    same_adapter "$RUNS/whole" "$RUNS/longer-cache" 8
}

# more_tokens FILE: its text states become valid ones of 600 tokens, more than the encoder ever gives.
more_tokens() {
    python3 - "$1" << 'PY'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    width = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["states"]["shape"][1]
header = json.dumps({"states": {"dtype": "F32", "shape": [600, width], "data_offsets": [0, 2400 * width]}})
header += " " * (-len(header) % 64 - 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header.encode() + bytes(2400 * width))
PY
}

@test "accumulation and bf16 weights train, the same way twice" {
    train sum-1 --accumulate 2
    train sum-2 --accumulate 2
    same_adapter "$RUNS/sum-1" "$RUNS/sum-2" 8
    train rounded-1 --precision bf16
    train rounded-2 --precision bf16
    same_adapter "$RUNS/rounded-1" "$RUNS/rounded-2" 8
    ! cmp -s "$(checkpoint "$RUNS/rounded-1" 8)/adapter_model.safetensors" "$(checkpoint "$RUNS/whole" 8)/adapter_model.safetensors"
}

# ---- going on ----

@test "killed at any change of the disk, a run goes on to the same bytes" {
    fault_library
    local at kind name
    for at in 1 20 31 42 53 54 61 80; do
        kind=$([ $((at % 2)) -eq 0 ] && echo half || echo kill)
        name="killed-$at"
        run faulty "$kind" "$at" "$name"
        [ "$status" -eq 137 ]
        train "$name" --resume
        same_adapter "$RUNS/whole" "$RUNS/$name" 8
        check_run "$RUNS/$name" 8
        rm -r "${RUNS:?}/$name"
    done
    no_leftovers "$FIXTURE"
}

@test "SIGINT saves, exits 130, and --resume goes on to the same bytes" {
    local STEPS=40 step
    run --separate-stderr interrupted 4
    said 130 "stopped at step" "the state is saved" "--resume"
    step=$(field 'd["checkpoints"][-1]["step"]' < "$RUNS/stopped/checkpoints/manifest.json")
    [ "$step" -ge 4 ] && [ "$step" -lt 40 ]
    check_run "$RUNS/stopped" "$step"
    train stopped --resume
    train unstopped
    same_adapter "$RUNS/unstopped" "$RUNS/stopped" 40
    python3 "$BATS_TEST_DIRNAME/helpers/check_run.py" "$RUNS/unstopped" 40
}

@test "an existing run is not begun again without being asked" {
    run --separate-stderr train whole
    said 2 "has checkpoints already" "--resume"
    run --separate-stderr train whole --resume --resume-from 3
    said 2 "only one of"
    check_run "$RUNS/whole" 8
    train whole --resume
    check_run "$RUNS/whole" 8
}

@test "two processes do not work on one run" {
    local STEPS=1000
    command_line busy
    "${COMMAND[@]}" 3>&- &
    local first=$!
    until grep -qs '"step": 2,' "$RUNS/busy/metrics.jsonl"; do sleep 0.05; done
    run --separate-stderr train busy --resume
    kill -9 "$first"
    wait "$first" || true
    said 1 "'$RUNS/busy' is in use by another process"
}

@test "--resume-from and --ckpt-path go on from the checkpoint that is named" {
    cp -r "$RUNS/whole" "$RUNS/from-3"
    run --separate-stderr train from-3 --resume-from 5
    said 1 "has no checkpoint of step 5" "there are: 3, 6, 8"
    cp -r "$(checkpoint "$RUNS/from-3" 8)" "$BATS_TEST_TMPDIR/first"
    train from-3 --resume-from 3
    same_adapter "$RUNS/whole" "$RUNS/from-3" 8
    check_run "$RUNS/from-3" 8
    cmp "$RUNS/from-3/superseded/epoch=0-step=8_lora/adapter_model.safetensors" "$BATS_TEST_TMPDIR/first/adapter_model.safetensors"
    train elsewhere --ckpt-path "$(checkpoint "$RUNS/whole" 6)"
    same_adapter "$RUNS/whole" "$RUNS/elsewhere" 8
    run --separate-stderr train elsewhere --ckpt-path "$(checkpoint "$RUNS/whole" 6)/"
    said 2 "has checkpoints already"
    run --separate-stderr train nowhere --ckpt-path "$BATS_TEST_TMPDIR/no such folder"
    said 1 "no such folder"
    run --separate-stderr train nowhere --resume-from 3
    said 1 "has no checkpoint of step 3" "none at all"
}

@test "a damaged newest checkpoint is passed over with a warning" {
    local file
    for file in adapter_model.safetensors training_state.safetensors training.json checkpoint.json; do
        cp -r "$RUNS/whole" "$RUNS/damaged"
        rm -r "$(checkpoint "$RUNS/damaged" 8)"
        truncate -s -3 "$(checkpoint "$RUNS/damaged" 6)/$file"
        LOUD= run --separate-stderr train damaged --resume
        [ "$status" -eq 0 ]
        run -0 grep -c "warning: .*step=6_lora' is passed over" <<< "$stderr"
        same_adapter "$RUNS/whole" "$RUNS/damaged" 8
        check_run "$RUNS/damaged" 8
        [ -d "$RUNS/damaged/superseded/epoch=0-step=6_lora" ]
        rm -r "$RUNS/damaged"
    done
    cp -r "$RUNS/whole" "$RUNS/damaged"
    printf 'x' | dd of="$(checkpoint "$RUNS/damaged" 8)/adapter_model.safetensors" bs=1 seek=5000 conv=notrunc status=none
    run --separate-stderr train damaged --resume-from 8
    said 1 "adapter_model.safetensors' is not as it was written"
}

@test "the manifest keeps what others added, and is made again when it is gone" {
    cp -r "$RUNS/whole" "$RUNS/listed"
    local manifest="$RUNS/listed/checkpoints/manifest.json"
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); d["note"] = "mine"; d["checkpoints"][2]["fad_score"] = 4.5; del d["checkpoints"][1]
json.dump(d, open(sys.argv[1], "w"))' "$manifest"
    train listed --resume
    [ "$(field 'd["note"], [e["step"] for e in d["checkpoints"]], d["checkpoints"][2]["fad_score"]' < "$manifest")" = "('mine', [3, 6, 8], 4.5)" ]
    rm "$manifest"
    train listed --resume
    check_run "$RUNS/listed" 8
}

@test "going on with another adapter, seed or base model is refused, with other settings it is told" {
    cp -r "$RUNS/whole" "$RUNS/changed"
    rm -r "$(checkpoint "$RUNS/changed" 8)"
    RANK=8 run --separate-stderr train changed --resume
    said 2 "rank"
    run --separate-stderr train changed --resume --model-seed 43
    said 2 "seed 42, now it is 43"
    "$LOFI" model init --quiet --preset tiny --seed 2 "$BATS_TEST_TMPDIR/model"
    MODEL="$BATS_TEST_TMPDIR/model" run --separate-stderr train changed --resume
    said 2 "another base model"
    [ "$(tail -n 1 "$RUNS/changed/metrics.jsonl")" = "$(tail -n 1 "$RUNS/whole/metrics.jsonl")" ]
    LOUD= run --separate-stderr train changed --resume --gradient-clip-val 0.25
    [ "$status" -eq 0 ]
    [[ $stderr == *"warning: gradient_clip_val was 0.5 when the run was started, it is 0.25 now"* ]]
}

# ---- a full disk ----

# small_disk SIZE: a file system of that size at $DISK.
small_disk() {
    DISK="$BATS_TEST_TMPDIR/disk"
    mkdir "$DISK"
    mount -t tmpfs -o "size=$1" lofi-test "$DISK" 2> /dev/null || skip "a file system of a fixed size cannot be mounted here"
}

teardown() {
    ! mountpoint -q "$BATS_TEST_TMPDIR/disk" || umount "$BATS_TEST_TMPDIR/disk"
}

@test "a disk full during a checkpoint: one error, earlier checkpoints intact, and on with room" {
    small_disk 64m
    RUNS="$DISK" train full
    local size
    size=$(du -sk "$(checkpoint "$DISK/full" 3)" | cut -f 1)
    rm -r "$DISK/full"
    umount "$DISK"
    mount -t tmpfs -o "size=$((size * 5 / 2 + 40))k" lofi-test "$DISK"
    RUNS="$DISK" run --separate-stderr train full
    said 1 "No space left on device" "step=8_lora"
    [ "$(ls "$DISK/full/checkpoints" | tr '\n' ' ')" = "epoch=0-step=3_lora epoch=0-step=6_lora manifest.json manifest.json.lock " ]
    no_leftovers "$DISK"
    mount -o remount,size=64m "$DISK"
    RUNS="$DISK" train full --resume
    check_run "$DISK/full" 8
    train roomy
    same_adapter "$DISK/full" "$RUNS/roomy" 8
}

@test "a disk full while songs are encoded: one error, and on with room" {
    small_disk 16k
    CACHE="$DISK" run --separate-stderr train full-cache
    said 1 "No space left on device" "$DISK"
    no_leftovers "$DISK"
    [ ! -e "$RUNS/full-cache" ]
    mount -o remount,size=64m "$DISK"
    CACHE="$DISK" train full-cache
    check_run "$RUNS/full-cache" 8
}

# ---- models that are not whole ----

# Works on a copy of the model that a test may damage.
damaged_model() {
    export MODEL="$BATS_TEST_TMPDIR/model"
    rm -rf "$MODEL"
    cp -r "$FIXTURE/model" "$MODEL"
    WEIGHTS="$MODEL/ace_step_transformer/diffusion_pytorch_model.safetensors"
}

# Training refuses the model, saying so, and leaves nothing behind.
refuses_model() {
    run --separate-stderr train broken
    said 1 "$@"
    [ ! -e "$RUNS/broken" ]
}

@test "weights cut short anywhere are refused" {
    damaged_model
    local size
    for size in 0 1 7 8 9 1000 20000 100000 -4; do
        cp "$FIXTURE/model/ace_step_transformer/"*.safetensors "$WEIGHTS"
        truncate -s "$size" "$WEIGHTS"
        refuses_model "diffusion_pytorch_model.safetensors'"
    done
    damaged_model
    truncate -s 20000 "$MODEL"/umt5-base/*.safetensors
    refuses_model "umt5-base/model.safetensors'"
    damaged_model
    truncate -s 20000 "$MODEL"/music_dcae_f8c8/*.safetensors
    refuses_model "music_dcae_f8c8/diffusion_pytorch_model.safetensors'"
}

@test "weights that claim the impossible are refused" {
    local query=transformer_blocks.0.attn.to_q.weight key=transformer_blocks.0.attn.to_k.weight damage
    damaged_model
    for damage in '\xff\xff\xff\xff\xff\xff\xff\xff' '\xff\xff\xff\xff\xff\xff\xff\x7f' '\x00\x00\x00\x00\x00\x00\x00\x00' '\xff\xff\xff\x7f\x00\x00\x00\x00'; do
        printf "$damage" | dd of="$WEIGHTS" conv=notrunc status=none
        refuses_model "diffusion_pytorch_model.safetensors'"
    done
    while read -r action names; do
        damaged_model
        python3 "$BATS_TEST_DIRNAME/helpers/damage.py" "$action" "$WEIGHTS" $names
        refuses_model "$MODEL/ace_step_transformer"
    done << WORDS
dtype $query
negative $query
huge $query
unknown $query
twice $query
overlap $query $key
WORDS
}

@test "a tensor missing and another misshapen are named in one error" {
    damaged_model
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" drop "$WEIGHTS" transformer_blocks.0.attn.to_q.weight
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" reshape "$WEIGHTS" transformer_blocks.1.attn.to_k.weight
    refuses_model "2 faults" "missing tensor 'transformer_blocks.0.attn.to_q.weight'" "'transformer_blocks.1.attn.to_k.weight' is [" "model check"
}

@test "a base model without one of its parts is refused" {
    local part
    for part in ace_step_transformer umt5-base music_dcae_f8c8 music_vocoder ace_step_transformer/config.json; do
        damaged_model
        rm -r "${MODEL:?}/$part"
        refuses_model "incomplete" "$part" "model init"
    done
    damaged_model
    rm "$MODEL/umt5-base/tokenizer.json"
    refuses_model "umt5-base/tokenizer.json"
    damaged_model
    rm "$MODEL/lyric_vocab.json"
    HOME="$BATS_TEST_TMPDIR" refuses_model "no lyric vocabulary" "lyric_vocab.json" "--lyric-vocab"
    MODEL="$BATS_TEST_TMPDIR/nothing" refuses_model "$BATS_TEST_TMPDIR/nothing"
}

@test "a loss that is not finite stops the run and says what is left" {
    damaged_model
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" nan "$WEIGHTS" transformer_blocks.0.attn.to_q.weight
    run --separate-stderr train diverged
    said 1 "training diverged at step 0: the held-out loss is not finite" "no checkpoint yet"
    no_leftovers "$RUNS/diverged"
}

# ---- datasets and settings ----

@test "songs that are gone or no songs are named" {
    local here="$BATS_TEST_TMPDIR/own"
    mkdir "$here"
    DATASET="$here/dataset" MODEL="$here/model"
    make_training_fixture "$here"
    mv "$here/songs/track 1.wav" "$here/songs/track 3.wav" "$here/songs/track 5.wav" "$here"
    run --separate-stderr train gone
    said 1 "track 1.wav" "track 3.wav" "tracks of dataset" "put the songs back"
    mv "$here/"*.wav "$here/songs"
    echo "no sound" > "$here/songs/track 2.wav"
    CACHE="$here/cache" run --separate-stderr train gone
    said 1 "track 2.wav"
    [ ! -e "$RUNS/gone" ]
}

@test "a dataset that is damaged, empty or not there is refused" {
    export DATASET="$BATS_TEST_TMPDIR/dataset"
    run --separate-stderr train none
    said 1 "no dataset in '$DATASET'" "lofi dataset"
    mkdir "$DATASET"
    run --separate-stderr train none
    said 1 "no dataset in '$DATASET'"
    local damage table="$DATASET/train/data-00000-of-00001.arrow"
    for damage in "truncate -s 0 '$table'" "truncate -s 500 '$table'" "truncate -s -100 '$table'" "rm '$table'" "rm -r '$DATASET/train'" \
        "rm '$DATASET/train/state.json'" "echo x > '$DATASET/train/state.json'" "head -c 3000 /dev/zero > '$table'"; do
        rm -r "$DATASET"
        cp -r "$FIXTURE/dataset" "$DATASET"
        eval "$damage"
        run --separate-stderr train none
        said 1 "$DATASET"
    done
    [ ! -e "$RUNS/none" ]
}

@test "adapter configurations that cannot be followed are refused" {
    local config="$BATS_TEST_TMPDIR/config.json" begin='{"r": 4, "lora_alpha": 4, "use_rslora": true, "target_modules": ["to_q"]'
    while IFS='|' read -r content wanted; do
        echo "$content" > "$config"
        run --separate-stderr train none --config "$config"
        said 1 "$config" "$wanted"
    done << WORDS
$begin, "use_dora": true}|use_dora
$begin, "lora_dropout": 0.1}|lora_dropout
$begin, "rank_pattern": {"to_q": 8}}|rank_pattern
$begin, "use_rslor": true}|use_rslor
{"r": 0, "lora_alpha": 4, "target_modules": ["to_q"]}|'r' is 0
{"r": "x", "lora_alpha": 4, "target_modules": ["to_q"]}|'r' must be
{"lora_alpha": 4, "target_modules": ["to_q"]}|'r'
{"r": 4|line
WORDS
    echo '{"r": 4, "lora_alpha": 4, "target_modules": ["to_qq"]}' > "$config"
    run --separate-stderr train none --config "$config"
    said 1 "target modules"
    [ ! -e "$RUNS/none" ]
}

@test "places that cannot be written are refused before the work begins" {
    echo > "$BATS_TEST_TMPDIR/file"
    RUNS="$BATS_TEST_TMPDIR/file/runs" run --separate-stderr train none
    said 1 "$BATS_TEST_TMPDIR/file"
    CACHE="$BATS_TEST_TMPDIR/file/cache" run --separate-stderr train none
    said 1 "$BATS_TEST_TMPDIR/file"
}

@test "a folder of runs without permission is refused" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    mkdir -m 555 "$BATS_TEST_TMPDIR/closed"
    RUNS="$BATS_TEST_TMPDIR/closed" run --separate-stderr train none
    said 1 "Permission denied" "$BATS_TEST_TMPDIR/closed"
}

@test "a dry run writes no run" {
    run --separate-stderr train dry --dry-run
    [ "$status" -eq 0 ]
    [ ! -e "$RUNS/dry" ]
}

# ---- learning ----

@test "training lowers the held-out loss by more than its spread over three seeds of noise" {
    STEPS=40 train learning --json > "$BATS_TEST_TMPDIR/result"
    [ "$(field 'd["held_out_loss"]["before"] - d["held_out_loss"]["after"] > d["held_out_loss"]["spread"] > 0' < "$BATS_TEST_TMPDIR/result")" = True ]
}

# ---- the self-supervised alignment ----

# model_that_hears DIR: the fixture's model with small networks in the places of MERT and mHuBERT.
model_that_hears() {
    cp -r "$FIXTURE/model" "$1"
    python3 "$BATS_TEST_DIRNAME/helpers/make_ssl.py" "$1/mert-v1-330m" 1024 layer
    python3 "$BATS_TEST_DIRNAME/helpers/make_ssl.py" "$1/mhubert-147" 768 group
}

@test "with MERT and mHuBERT beside the base model their losses join, and resuming gives the same bytes" {
    local STEPS=40 MODEL="$BATS_TEST_TMPDIR/model" RUNS="$BATS_TEST_TMPDIR/runs" CACHE="$BATS_TEST_TMPDIR/cache"
    model_that_hears "$MODEL"
    train heard --json > "$BATS_TEST_TMPDIR/heard.json"
    [ "$(field 'd["aligned"]' < "$BATS_TEST_TMPDIR/heard.json")" = True ]
    python3 - "$RUNS/heard/metrics.jsonl" <<'PY'
import json, sys
steps = [line for line in map(json.loads, open(sys.argv[1])) if "loss" in line]
assert len(steps) == 40, len(steps)
for step in steps:
    whole = step["denoising_loss"] + (step["mert_loss"] + step["m-hubert_loss"]) / 2
    assert abs(step["loss"] - whole) < 1e-5, step
    assert 0 < step["mert_loss"] < 2 and 0 < step["m-hubert_loss"] < 2, step
PY
    run interrupted 5
    [ "$status" -eq 130 ]
    train stopped --resume
    same_adapter "$RUNS/heard" "$RUNS/stopped" 40
    rm -r "$CACHE"
    train anew
    same_adapter "$RUNS/heard" "$RUNS/anew" 40
    python3 -c 'import json, sys; c = json.load(open(sys.argv[1]))["configuration"]; assert c["ssl_coefficient"] == 1 and len(c["mert_hash"]) == 64' \
        "$(checkpoint "$RUNS/heard" 40)/training.json"
}

@test "a coefficient of 0, or one network alone, trains without the alignment and says what would be needed" {
    local MODEL="$BATS_TEST_TMPDIR/model" RUNS="$BATS_TEST_TMPDIR/runs"
    model_that_hears "$MODEL"
    train deaf --ssl-coefficient 0
    same_adapter "$FIXTURE/runs/whole" "$RUNS/deaf" 8
    rm -r "$MODEL/mhubert-147"
    LOUD= run --separate-stderr train one
    [ "$status" -eq 0 ]
    [[ $stderr == *"without the self-supervised alignment"*"mhubert-147"*"utter-project/mHuBERT-147"* ]]
    same_adapter "$FIXTURE/runs/whole" "$RUNS/one" 8
}

@test "networks in a hub cache are found; those of another width or damaged are refused" {
    local MODEL="$BATS_TEST_TMPDIR/model" RUNS="$BATS_TEST_TMPDIR/runs" CACHE="$BATS_TEST_TMPDIR/cache" hub
    model_that_hears "$MODEL"
    hub="$MODEL/models--m-a-p--MERT-v1-330M"
    mkdir -p "$hub/snapshots" "$hub/refs"
    mv "$MODEL/mert-v1-330m" "$hub/snapshots/0123abcd"
    printf 0123abcd > "$hub/refs/main"
    STEPS=1 train hub --json > "$BATS_TEST_TMPDIR/hub.json"
    [ "$(field 'd["aligned"]' < "$BATS_TEST_TMPDIR/hub.json")" = True ]
    truncate -s 1000 "$hub/snapshots/0123abcd/model.safetensors"
    run --separate-stderr train damaged
    said 1 "0123abcd/model.safetensors"
    rm -r "$hub"
    python3 "$BATS_TEST_DIRNAME/helpers/make_ssl.py" "$MODEL/mert-v1-330m" 512 layer
    run --separate-stderr train narrow
    said 1 "states of 512 numbers" "1024" "--ssl-coefficient 0"
}
