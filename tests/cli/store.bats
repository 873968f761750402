# Files that other programs must read, read by them. Needs a Python with the library (LOFI_TEST_PYTHON names one); skipped without.
bats_require_minimum_version 1.5.0

python_with() {
    local python
    for python in ${LOFI_TEST_PYTHON:-} python3; do
        if "$python" -c "import $1" 2> /dev/null; then
            PYTHON=$python
            return 0
        fi
    done
    skip "no Python with $1 (LOFI_TEST_PYTHON names one)"
}

@test "the safetensors library reads what we write" {
    python_with safetensors
    LOFI_INTEROP_FOLDER="$BATS_TEST_TMPDIR" "$LOFI_BUILD/tests/test_store_safetensors"
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/safetensors_file.py" "$BATS_TEST_TMPDIR/sample.safetensors"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
}
