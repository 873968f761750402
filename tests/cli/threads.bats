# The number of threads changes no byte of what is made, trained, generated and merged. LOFI is the program.
bats_require_minimum_version 1.5.0

load helpers/training

setup_file() {
    begin_training_fixture
    train 1
}

# train THREADS: 3 steps, from a cache of its own, so that encoding songs is part of it.
train() {
    "$LOFI" train --quiet --dataset "$FIXTURE/dataset" --checkpoint-dir "$FIXTURE/model" --cache-dir "$FIXTURE/cache-$1" \
        --logger-dir "$FIXTURE/runs" --exp-name "$1" --max-steps 3 --validation-draws 1 --learning-rate 1e-2 --warmup-steps 1 \
        --lora-rank 4 --threads "$1"
}

@test "a new model" {
    for threads in 1 2 3 5; do
        "$LOFI" model init --quiet --preset tiny --seed 1 --threads $threads "$BATS_TEST_TMPDIR/$threads"
        diff -r "$FIXTURE/model" "$BATS_TEST_TMPDIR/$threads"
    done
}

@test "an adapter" {
    for threads in 2 3 5; do
        train $threads
        same_adapter "$FIXTURE/runs/1" "$FIXTURE/runs/$threads" 3
        diff -r "$FIXTURE/cache-1" "$FIXTURE/cache-$threads"
    done
}

@test "a song" {
    for threads in 1 2 3 5; do
        "$LOFI" generate --quiet --checkpoint-dir "$FIXTURE/model" --lora "$(checkpoint "$FIXTURE/runs/1" 3)" --prompt "lofi, piano" \
            --lyrics "[verse] rain on the window" --duration 12 --steps 3 --seed 3 --threads $threads --output "$BATS_TEST_TMPDIR/$threads.wav"
        cmp "$BATS_TEST_TMPDIR/1.wav" "$BATS_TEST_TMPDIR/$threads.wav"
    done
}

@test "a merged model" {
    for threads in 1 2 3 5; do
        "$LOFI" merge --quiet --base-model "$FIXTURE/model" --lora-checkpoint "$(checkpoint "$FIXTURE/runs/1" 3)" \
            --output-dir "$BATS_TEST_TMPDIR/$threads" --threads $threads
        cmp "$BATS_TEST_TMPDIR/1/ace_step_transformer/diffusion_pytorch_model.safetensors" \
            "$BATS_TEST_TMPDIR/$threads/ace_step_transformer/diffusion_pytorch_model.safetensors"
    done
}
