# --device and --precision of the commands that run networks, and what lofi doctor says of devices. LOFI is the program.
bats_require_minimum_version 1.5.0

load helpers/training

setup_file() {
    unset LOFI_DATA_DIR LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A build with CUDA says something else of a GPU, which depends on the machine.
without_cuda() {
    "$LOFI" selftest --device cuda:1023 2>&1 | grep -q "this build computes on the CPU only" || skip "this build is for GPUs, too"
}

# on DEVICE [OPTION]...: every command that takes --device, and what it needs to come so far.
on_device() {
    local device="$1"
    shift
    for command in "train --dataset nowhere --exp-name run" "generate --prompt lofi --output a.wav" "selftest"; do
        run --separate-stderr "$LOFI" $command --device "$device"
        said "$@" || { echo "of: $command"; return 1; }
    done
    mkdir -p songs
    run --separate-stderr "$LOFI" demo --songs songs --output-dir out --device "$device"
    said "$@"
    [ ! -e out ]
    [ ! -e a.wav ]
}

@test "a name that is no device is refused, with those that are" {
    for name in gpu cuda: cuda:x cuda:-1 cuda:1x cuda:99999 CPU ""; do
        on_device "$name" 2 "'$name' is no device" "cpu, cuda, cuda:N"
    done
}

@test "a build without CUDA says so, and what to do" {
    without_cuda
    on_device cuda 1 "device cuda:0 is not available: this build computes on the CPU only" "preset 'cuda'"
    on_device cuda:3 1 "device cuda:3 is not available" "leave --device out"
    run --separate-stderr "$LOFI" selftest --device cuda --json
    [ "$status" -eq 1 ]
    [ "$(field 'd["error"]["code"]' <<<"$output")" = unsupported ]
}

@test "the CPU has no bf16 where the precision is the device's alone" {
    for command in "generate --prompt lofi --output a.wav" selftest; do
        run --separate-stderr "$LOFI" $command --precision bf16
        said 2 "--precision bf16 is for GPUs: the arithmetic on the CPU is fp32" "leave --precision out"
        run --separate-stderr "$LOFI" $command --precision fp16
        said 2 "fp16" "bf16"
    done
}

@test "the CPU can be named" {
    run --separate-stderr "$LOFI" selftest --only schedules --only gradients --device cpu --precision fp32
    [ "$status" -eq 0 ]
    [[ $output == *" passed, 0 failed, 0 skipped" ]]
    "$LOFI" selftest --only schedules --json >report.json
    [ "$(field 'd["device"], d["precision"]' <report.json)" = "('cpu', 'fp32')" ]
}

@test "ONNX Runtime has no GPU here" {
    run --separate-stderr "$LOFI" generate --prompt lofi --output a.wav --engine onnx --model-dir somewhere --device cuda
    said 2 "--device is not for --engine onnx"
}

@test "doctor names the CPU, and no GPU of which this build knows nothing" {
    "$LOFI" doctor --json >report.json || [ $? -eq 1 ] # a problem of this machine
    [ "$(field 'd["devices"][0]["name"], d["devices"][0]["usable"]' <report.json)" = "('cpu', True)" ]
    [ "$(field 'all(e["usable"] or e["reason"] for e in d["devices"])' <report.json)" = True ]
    run --separate-stderr "$LOFI" doctor
    [[ $output == *"devices        cpu"* ]]
    without_cuda
    [ "$(field '[e["name"] for e in d["devices"] if e["usable"]]' <report.json)" = "['cpu']" ]
    [ -e /proc/driver/nvidia/version ] || [ "$(field 'len(d["devices"])' <report.json)" = 1 ]
}

@test "help says what a device is called" {
    for command in train generate selftest demo; do
        run bash -c '"$LOFI" "$0" --help | tr -s "\n " "  "' "$command"
        [[ $output == *"cpu, cuda (the first GPU) or cuda:N"* ]]
    done
}
