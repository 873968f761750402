# --device cuda of a build in which the kernels for GPUs run on the CPU (the preset cuda-emulated, docs/cuda.md): training, going on,
# generating, against the CPU. Skipped in other builds. LOFI is the program.
bats_require_minimum_version 1.5.0

load helpers/training

setup_file() {
    export EMULATED=
    "$LOFI" doctor | grep -q "emulated (for tests)" || return 0
    export EMULATED=1
    begin_training_fixture
    export RUNS="$FIXTURE/runs"
    train whole --device cuda
}

setup() {
    [ -n "$EMULATED" ] || skip "this build does not emulate a GPU"
    cd "$BATS_TEST_TMPDIR"
}

# train NAME [OPTION]...: 8 steps, checkpoints at 3, 6 and 8. STEPS may be set, and CACHE.
train() {
    local name="$1"
    shift
    "$LOFI" train --quiet --dataset "$FIXTURE/dataset" --checkpoint-dir "$FIXTURE/model" --cache-dir "${CACHE:-$FIXTURE/cache}" \
        --logger-dir "$RUNS" --exp-name "$name" --max-steps "${STEPS:-8}" --every-n-train-steps 3 --every-plot-step 4 \
        --validation-draws 1 --learning-rate 1e-3 --warmup-steps 2 --lora-rank 4 "$@"
}

# near RUN RUN LIMIT: every number of the metrics that is computed by the networks is as near, relative to the larger.
near() {
    python3 - "$1/metrics.jsonl" "$2/metrics.jsonl" "$3" << 'PY'
import json, sys
a, b = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
assert len(a) == len(b) > 8, (len(a), len(b))
compared = 0
for one, other in zip(a, b):
    assert one.keys() == other.keys(), (one, other)
    for key in one:
        if "loss" not in key and "norm" not in key or not isinstance(one[key], float):
            continue
        compared += 1
        distance = abs(one[key] - other[key]) / max(abs(one[key]), abs(other[key]), 1e-30)
        assert distance <= float(sys.argv[3]), (key, one, other, distance)
assert compared > 8, compared
PY
}

@test "a run is that of the CPU, but for the order of sums" {
    CACHE="$BATS_TEST_TMPDIR/cache" train cpu
    near "$RUNS/whole" "$RUNS/cpu" 1e-5
    check_run "$RUNS/whole" 8
}

@test "a run gives the same bytes again, and with other numbers of blocks" {
    CACHE="$BATS_TEST_TMPDIR/cache" train again --device cuda
    same_adapter "$RUNS/whole" "$RUNS/again" 8
    LOFI_EMULATED_MULTIPROCESSORS=132 LOFI_EMULATED_ORDER=backward CACHE="$BATS_TEST_TMPDIR/other" train many --device cuda
    same_adapter "$RUNS/whole" "$RUNS/many" 8
}

@test "a run that was stopped goes on to the same bytes" {
    STEPS=40 train unstopped --device cuda
    run --separate-stderr python3 "$BATS_TEST_DIRNAME/helpers/interrupt.py" "$RUNS/stopped" 4 "$LOFI" train --dataset \
        "$FIXTURE/dataset" --checkpoint-dir "$FIXTURE/model" --cache-dir "$FIXTURE/cache" --logger-dir "$RUNS" --exp-name stopped \
        --max-steps 40 --every-n-train-steps 3 --every-plot-step 4 --validation-draws 1 --learning-rate 1e-3 --warmup-steps 2 \
        --lora-rank 4 --device cuda
    said 130 "stopped at step" "--resume"
    STEPS=40 train stopped --device cuda --resume
    same_adapter "$RUNS/unstopped" "$RUNS/stopped" 40
}

@test "bf16 trains to nearly the same losses, the same way twice" {
    train rounded --device cuda --precision bf16
    near "$RUNS/whole" "$RUNS/rounded" 2e-2
    train rounded-again --device cuda --precision bf16
    same_adapter "$RUNS/rounded" "$RUNS/rounded-again" 8
    ! cmp -s "$(checkpoint "$RUNS/rounded" 8)/adapter_model.safetensors" "$(checkpoint "$RUNS/whole" 8)/adapter_model.safetensors"
}

# generate OUTPUT [OPTION]...: 2 s of music in 4 steps, with the adapter of the run.
generate() {
    local output="$1"
    shift
    "$LOFI" generate --quiet --checkpoint-dir "$FIXTURE/model" --lora "$(checkpoint "$RUNS/whole" 8)" --prompt "lofi, piano" \
        --seed 3 --duration 2 --steps 4 --output "$output" "$@"
}

# same_sound FILE FILE LIMIT: so near, relative to the loudest sample.
same_sound() {
    python3 "$BATS_TEST_DIRNAME/helpers/same_sound.py" "$@"
}

@test "generated music is that of the CPU, the same bytes twice, and nearly the same in bf16" {
    generate cpu.wav
    generate device.wav --device cuda
    generate again.wav --device cuda
    generate rounded.wav --device cuda --precision bf16
    cmp device.wav again.wav
    same_sound cpu.wav device.wav 1e-3
    ! cmp -s device.wav rounded.wav
    same_sound device.wav rounded.wav 2e-2
}
