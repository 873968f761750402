# lofi merge: the arithmetic, what is kept, what is refused, and that nothing is ever half there. LOFI is the program.
bats_require_minimum_version 1.5.0

load helpers/training

T=ace_step_transformer

setup() {
    cd "$BATS_TEST_TMPDIR"
    export HOME="$BATS_TEST_TMPDIR"
    unset ACE_STEP_DIR LOFI_CHECKPOINT_DIR
    MODEL="$LOFI_SOURCE/data/reference/model" ADAPTER="$LOFI_SOURCE/data/reference/adapters/peft"
}

merge() {
    "$LOFI" merge --quiet --base-model "${BASE-$MODEL}" --output-dir merged "$@"
}

merged() {
    python3 "$BATS_TEST_DIRNAME/helpers/merged.py" "$@"
}

# refused STATUS TEXT... : the last run failed with one error that says these things, and left nothing behind.
refused() {
    said "$@" || return 1
    [ ! -e merged ]
    no_leftovers .
}

own_base() {
    cp -r "$MODEL" base
    chmod -R u+w base
    BASE=base
}

@test "the weights are base + scale B A, everything else is the base's; the folder stands for itself" {
    merge --lora-checkpoint "$ADAPTER"
    merged check "$MODEL/$T" merged/$T "$ADAPTER"
    for part in umt5-base music_dcae_f8c8 music_vocoder; do diff -r "$MODEL/$part" merged/$part; done
    [ -z "$(find merged -type l)" ]
    mv merged elsewhere
    "$LOFI" model check --quiet elsewhere
    no_leftovers .
}

@test "adapters add up, each with its weight" {
    merge --lora-checkpoint "$ADAPTER:0.7" "$ADAPTER:-1.2"
    merged check "$MODEL/$T" merged/$T "$ADAPTER:0.7" "$ADAPTER:-1.2"
}

@test "a base in bf16 and in shards keeps its types and its files" {
    own_base
    merged bf16 base/$T
    merge --lora-checkpoint "$ADAPTER"
    merged check base/$T merged/$T "$ADAPTER"
    merged shard base/$T
    rm -r merged
    merge --lora-checkpoint "$ADAPTER" --verify
    merged check base/$T merged/$T "$ADAPTER"
    [ "$(ls merged/$T/*.safetensors | wc -l)" -eq 2 ]
}

@test "a hub cache is read through its links, and nothing in the result is one" {
    hub=hub/models--ACE-Step--ACE-Step-v1-3.5B
    mkdir -p $hub/blobs $hub/refs $hub/snapshots/abc
    printf abc > $hub/refs/main
    for file in $(cd "$MODEL" && find . -type f); do
        mkdir -p "$hub/snapshots/abc/$(dirname "$file")"
        blob=$(sha256sum < "$MODEL/$file" | cut -c1-64)
        cp "$MODEL/$file" $hub/blobs/$blob
        ln -s "$(realpath $hub/blobs)/$blob" "$hub/snapshots/abc/$file"
    done
    BASE=hub merge --lora-checkpoint "$ADAPTER"
    rm -r hub
    [ -z "$(find merged -type l)" ]
    merged check "$MODEL/$T" merged/$T "$ADAPTER"
    "$LOFI" model check --quiet merged
}

@test "--verify compares with base and adapters, and --json tells everything" {
    merge --lora-checkpoint "$ADAPTER" --verify --json > report.json
    [ "$(field 'd["merged_tensors"] > 8 and d["copied_tensors"] > 8' < report.json)" = True ]
    [ "$(field 'd["verified"]["passed"] and d["verified"]["effect"] > 1e-2 > 1e-5 > d["verified"]["relative_error"]' < report.json)" = True ]
}

@test "an adapter of our own training is merged, and the dataset that it learned from is on record" {
    "$LOFI" model init --quiet --preset tiny --seed 1 model
    mkdir fixture
    make_training_fixture fixture
    "$LOFI" train --quiet --dataset fixture/dataset --checkpoint-dir fixture/model --cache-dir cache --logger-dir runs --exp-name run --max-steps 4 \
        --validation-draws 0 --learning-rate 1e-2 --warmup-steps 1 --lora-rank 4
    adapter="$(checkpoint runs/run 4)"
    BASE=fixture/model merge --lora-checkpoint "$adapter"
    merged check fixture/model/$T merged/$T "$adapter"
    grep -aqF "$(field 'd["dataset_hash"]' < "$adapter/training.json")" merged/$T/diffusion_pytorch_model.safetensors
}

@test "a dry run writes nothing" {
    "$LOFI" merge --dry-run --json --base-model "$MODEL" --lora-checkpoint "$ADAPTER" --output-dir merged > plan.json
    [ "$(field 'd["dry_run"]' < plan.json)" = True ]
    [ ! -e merged ]
}

@test "no base: 1" {
    BASE=nowhere run --separate-stderr merge --lora-checkpoint "$ADAPTER"
    refused 1 "nowhere"
    own_base
    python3 "$BATS_TEST_DIRNAME/helpers/damage.py" drop base/$T/diffusion_pytorch_model.safetensors transformer_blocks.0.attn.to_q.weight
    run --separate-stderr merge --lora-checkpoint "$ADAPTER"
    refused 1 "transformer_blocks.0.attn.to_q.weight"
    rm -rf base
    own_base
    truncate -s -8 base/$T/diffusion_pytorch_model.safetensors
    run --separate-stderr merge --lora-checkpoint "$ADAPTER"
    refused 1 "diffusion_pytorch_model.safetensors"
}

@test "no adapter, a damaged one, or one of another model: 2" {
    run --separate-stderr merge --lora-checkpoint nowhere
    refused 2 "nowhere"
    cp -r "$ADAPTER" adapter
    chmod -R u+w adapter
    name="$(python3 -c 'import json,struct; f=open("adapter/adapter_model.safetensors","rb"); n=struct.unpack("<Q",f.read(8))[0]; print(next(k for k in json.loads(f.read(n)) if "lora_A" in k))')"
    damage() { cp "$ADAPTER/adapter_model.safetensors" adapter/; chmod u+w adapter/*; python3 "$BATS_TEST_DIRNAME/helpers/damage.py" "$1" adapter/adapter_model.safetensors "$name"; }
    damage nan
    run --separate-stderr merge --lora-checkpoint adapter
    refused 2 "not finite"
    damage drop
    run --separate-stderr merge --lora-checkpoint adapter
    refused 2 "adapter"
    damage reshape
    run --separate-stderr merge --lora-checkpoint adapter
    refused 2 "adapter"
    truncate -s 100 adapter/adapter_model.safetensors
    run --separate-stderr merge --lora-checkpoint adapter
    refused 2 "adapter_model.safetensors"
    "$LOFI" model init --quiet --preset tiny --seed 1 other
    BASE=other run --separate-stderr merge --lora-checkpoint "$ADAPTER"
    refused 2 "does not fit the model"
    run --separate-stderr merge --lora-checkpoint "$ADAPTER:1e9"
    refused 2 "a weight of '1e9'"
}

@test "a folder that is no merged model is not replaced, a merged one is" {
    mkdir merged
    echo mine > merged/note
    run --separate-stderr merge --lora-checkpoint "$ADAPTER"
    [ "$status" -eq 3 ]
    [[ $stderr == *"'merged' is there already"* ]]
    [ "$(cat merged/note)" = mine ]
    rm -r merged
    merge --lora-checkpoint "$ADAPTER:2"
    merge --lora-checkpoint "$ADAPTER"
    merged check "$MODEL/$T" merged/$T "$ADAPTER"
    no_leftovers .
}

@test "killed or out of space at any change of the disk, nothing is half there, and the next run gives the same bytes" {
    fault_library
    merge --lora-checkpoint "$ADAPTER"
    mv merged whole
    for kind in kill half full; do
        for at in 1 2 3 5 8 12; do
            FAULT_COUNT=/dev/null run env LD_PRELOAD="$FAULT" FAULT_BELOW="$(realpath .)" FAULT_KIND=$kind FAULT_AT=$at \
                "$LOFI" merge --quiet --base-model "$MODEL" --output-dir merged --lora-checkpoint "$ADAPTER"
            if [ -e merged ]; then diff -r whole merged; else [ "$status" -ne 0 ]; fi
            merge --lora-checkpoint "$ADAPTER"
            diff -r whole merged
            no_leftovers .
            rm -r merged
        done
    done
}
