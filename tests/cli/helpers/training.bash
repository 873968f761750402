# What the tests of training share: a small base model, a dataset of short songs, and questions about a run.
# LOFI is the program.

# make_training_fixture DIR: DIR/model, DIR/songs, DIR/dataset (5 tracks of 3 to 5 s, one of them held out).
make_training_fixture() {
    local here="$1"
    mkdir -p "$here/songs" "$here/metadata"
    python3 "$BATS_TEST_DIRNAME/helpers/make_songs.py" "$here/songs" 3 3.5 4 3 5
    cat > "$here/metadata/sources.json" <<'JSON'
{"sources": [{"source_id": "tones", "track_ids": ["track 1", "track 2", "track 3", "track 4", "track 5"],
  "source_type": "creative_commons", "provider": "made for the test", "license_type": "CC0-1.0", "ai_training_permitted": true,
  "date_acquired": "2024-05-01"}]}
JSON
    echo '{}' > "$here/metadata/style_mapping.json"
    "$LOFI" model init --quiet --preset tiny --seed 1 "$here/model"
    "$LOFI" dataset --quiet --data-dir "$here/songs" --metadata-dir "$here/metadata" --output-dir "$here/dataset" \
        --validation-split 0.2 --repeat-count 3
}

# For setup_file: the same in FIXTURE, with the settings of the source tree and of nobody else.
begin_training_fixture() {
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config" FIXTURE="$BATS_FILE_TMPDIR/fixture"
    unset LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    mkdir "$FIXTURE"
    make_training_fixture "$FIXTURE"
}

# field EXPRESSION < JSON: a value of the document `d`.
field() {
    python3 -c "import json, sys; print(eval(sys.argv[1], {'d': json.load(sys.stdin), 'len': len}))" "$1"
}

# checkpoint RUN STEP: its folder.
checkpoint() {
    echo "$1/checkpoints/epoch=0-step=$2_lora"
}

# same_adapter RUN RUN STEP: both tensor files and the state of the optimizer, byte by byte.
same_adapter() {
    local file
    for file in pytorch_lora_weights.safetensors adapter_model.safetensors adapter_config.json training_state.safetensors; do
        cmp "$(checkpoint "$1" "$3")/$file" "$(checkpoint "$2" "$3")/$file" || return 1
    done
}

# check_run RUN STEPS: metrics, manifest and checkpoints agree, and nothing else lies about.
check_run() {
    python3 "$BATS_TEST_DIRNAME/helpers/check_run.py" "$1" "$2"
}

# no_leftovers FOLDER...: nothing temporary below.
no_leftovers() {
    local found
    found=$(find "$@" -name '.lofi*')
    [ -z "$found" ] || { echo "left over: $found" >&2; return 1; }
}

# said STATUS TEXT... : the last run failed with that status and one error that says these things.
said() {
    local text
    [ "$status" -eq "$1" ] || { echo "status $status: $stderr"; return 1; }
    [ "$(grep -c '^error: ' <<< "$stderr")" -eq 1 ] || { echo "$stderr"; return 1; }
    shift
    for text in "$@"; do
        [[ $stderr == *"$text"* ]] || { echo "no '$text' in: $stderr"; return 1; }
    done
}

# The library that makes the Nth change of the disk go wrong: FAULT.
fault_library() {
    FAULT="$LOFI_BUILD/tests/libfault.so"
    [ -f "$FAULT" ] || skip "there is no $FAULT"
    ! ldd "$LOFI" | grep -q libasan || skip "a library cannot be preloaded before AddressSanitizer"
}
