# lofi train --engine ace-step: the checks, and the command line that the original trainer gets. A stand-in takes the place of
# trainer.py and writes down its arguments.
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p songs meta ace/venv/bin
    for name in one two; do
        echo "lofi, piano" > "songs/${name}_prompt.txt"
    done
    printf '#!/bin/sh\nfor word; do echo "$word"; done > arguments\necho noise\nexit ${TRAINER_STATUS:-0}\n' > ace/venv/bin/python
    chmod +x ace/venv/bin/python
    : > ace/trainer.py
    export ACE_STEP_DIR=$BATS_TEST_TMPDIR/ace
    "$LOFI" model init --preset tiny --seed 1 model --quiet
}

# A dataset needs songs that decode; one tone is enough.
make_dataset() {
    python3 - <<'PY'
import math, struct, wave
for name in ("one", "two"):
    with wave.open(f"songs/{name}.wav", "wb") as f:
        f.setnchannels(1); f.setsampwidth(2); f.setframerate(8000)
        f.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 9))) for i in range(8000 * 4)))
PY
    "$LOFI" dataset --data-dir songs --metadata-dir meta --output-dir ds --allow-unlicensed --validation-split 0 --quiet
}

train() {
    run --separate-stderr "$LOFI" train --engine ace-step --dataset ds --exp-name up --checkpoint-dir model --logger-dir logs "$@"
}

@test "the original trainer gets its own flags" {
    make_dataset
    train --lora-rank 8 --max-steps 7 --learning-rate 5e-5 --precision bf16 --json
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | python3 -c 'import json, sys; print(json.load(sys.stdin)["engine"])')" = ace-step ]
    grep -A1 -x -- --max_steps arguments | grep -qx 7
    grep -A1 -x -- --learning_rate arguments | grep -q '^5'
    grep -A1 -x -- --precision arguments | grep -qx bf16-mixed
    [ -f "$(grep -A1 -x -- --dataset_path arguments | tail -n 1)/state.json" ]
    python3 -c 'import json; c = json.load(open("logs/up/lora_config.json")); assert c["r"] == 8 and c["use_rslora"] and len(c["target_modules"]) == 8'
}

@test "a trainer that fails is a failure" {
    make_dataset
    TRAINER_STATUS=5 train
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"exit status 5"* ]]
}

@test "no checkout of ACE-Step: said before anything else" {
    make_dataset
    rm ace/trainer.py
    train
    [ "$status" -eq 1 ]
    [[ "$stderr" == *ACE_STEP_DIR* ]]
    [ ! -e arguments ] && [ ! -e logs ]
}

@test "options that the original does not have are refused" {
    make_dataset
    local option
    for option in --resume "--model-seed 7" "--accumulate 1" "--threads 2" "--device cuda" "--lyric-encoder-dropout on"; do
        train $option
        [ "$status" -eq 1 ]
        [[ "$stderr" == *"the original trainer has no ${option%% *}"* ]]
        [ ! -e arguments ]
    done
}

@test "SIGTERM reaches the trainer, which is waited for" {
    make_dataset
    printf '#!/bin/sh\ntrap "echo ended > ended; exit 3" TERM\necho > started\nwhile :; do sleep 0.05; done\n' > ace/venv/bin/python
    "$LOFI" train --engine ace-step --dataset ds --exp-name up --checkpoint-dir model --logger-dir logs --quiet 3>&- &
    local trainer=$!
    until [ -e started ]; do sleep 0.05; done
    sleep 0.2
    kill -TERM "$trainer"
    local status=0
    wait "$trainer" || status=$?
    [ "$status" -eq 130 ]
    [ -e ended ]
}

@test "a song that is gone stops it" {
    make_dataset
    rm songs/two.wav
    train
    [ "$status" -eq 1 ]
    [[ "$stderr" == *two* ]]
    [ ! -e arguments ]
}

@test "scripts/run_training.sh is lofi train" {
    make_dataset
    LOFI=$LOFI run --separate-stderr "$LOFI_SOURCE/scripts/run_training.sh" --dataset ds --exp-name up --checkpoint-dir model --logger-dir logs \
        --cache-dir cache --max-steps 2 --validation-draws 0 --json
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | python3 -c 'import json, sys; print(json.load(sys.stdin)["last_step"])')" = 2 ]
}
